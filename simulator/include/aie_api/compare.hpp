// Comparisons to masks, selection by masks, minimum and maximum.
//
// Floating point compares as AIE2 does: NaN is unordered, so that lt, ge, eq and neq are all false
// with one. For bfloat16, aie_api adds zero to the left operand first, which flushes its
// subnormals, and the unit then orders bit patterns, so that -0 comes before +0. max and min are
// the unit's own: with a NaN among them they give the first operand.

#pragma once

#include "lanes.hpp"
#include "mask.hpp"
#include "memory.hpp"

namespace aie {

namespace detail {

// A bfloat16's place in the unit's order; NaN has none.
__aie_inline int32_t bfloat16_rank(bfloat16 value) {
    const int32_t magnitude = value.bits & 0x7fff;
    return value.bits & 0x8000 ? -magnitude - 1 : magnitude;
}

__aie_inline bool is_nan(bfloat16 value) {
    return (value.bits & 0x7fff) > 0x7f80;
}

__aie_inline bfloat16 plus_zero(bfloat16 value) {
    const uint16_t magnitude = value.bits & 0x7fff;
    if (magnitude == 0) return bfloat16::from_bits(0);
    return magnitude < 0x80 ? bfloat16::from_bits(value.bits & 0x8000) : value;
}

// The unit's comparisons, of operands as they are.
template <typename T>
__aie_inline bool unit_lt(T a, T b) {
    if constexpr (std::is_same_v<T, bfloat16>)
        return !is_nan(a) && !is_nan(b) && bfloat16_rank(a) < bfloat16_rank(b);
    else
        return a < b;
}

template <typename T>
__aie_inline bool unit_ge(T a, T b) {
    if constexpr (std::is_same_v<T, bfloat16>)
        return !is_nan(a) && !is_nan(b) && bfloat16_rank(a) >= bfloat16_rank(b);
    else
        return a >= b;
}

template <typename T>
__aie_inline T left_operand(T a) {
    if constexpr (std::is_same_v<T, bfloat16>)
        return plus_zero(a);
    else
        return a;
}

template <typename T>
__aie_inline bool lane_lt(T a, T b) {
    return unit_lt(left_operand(a), b);
}

template <typename T>
__aie_inline bool lane_ge(T a, T b) {
    return unit_ge(left_operand(a), b);
}

template <typename A, typename B, typename Lane>
__aie_inline auto compare(const A& a, const B& b, Lane lane) {
    using T = elementwise_type<A, B>;
    mask<elementwise_vector<A, B>::size()> result;
    for (unsigned i = 0; i < result.size(); ++i)
        if (lane(lane_of<T>(a, i), lane_of<T>(b, i))) result.set(i);
    return result;
}

}  // namespace detail

template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline auto lt(const A& a, const B& b) {
    return detail::compare(a, b, [](auto x, auto y) { return detail::lane_lt(x, y); });
}

template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline auto ge(const A& a, const B& b) {
    return detail::compare(a, b, [](auto x, auto y) { return detail::lane_ge(x, y); });
}

template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline auto gt(const A& a, const B& b) {
    return lt(b, a);
}

template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline auto le(const A& a, const B& b) {
    return ge(b, a);
}

template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline auto eq(const A& a, const B& b) {
    return ge(a, b) & ge(b, a);
}

template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline auto neq(const A& a, const B& b) {
    return lt(a, b) | lt(b, a);
}

// Whether all elements agree, and whether any does.
template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline bool equal(const A& a, const B& b) {
    return eq(a, b).full();
}

template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline bool not_equal(const A& a, const B& b) {
    return !equal(a, b);
}

template <typename E, typename T, unsigned Elems>
    requires detail::is_scalar<E>
__aie_inline bool contains(E value, const vector<T, Elems>& v) {
    return !eq(value, v).empty();
}

// The second operand where the mask is set, else the first.
template <typename A, typename B, unsigned Elems>
    requires detail::Elementwise<A, B>
__aie_inline auto select(const A& a, const B& b, const mask<Elems>& m) {
    using V = detail::elementwise_vector<A, B>;
    using T = typename V::value_type;
    static_assert(V::size() == Elems, "aie::select: a mask of another size than the vectors");
    return detail::generate<V>([&](unsigned i) {
        const T x = detail::lane_of<T>(a, i);
        const T y = detail::lane_of<T>(b, i);
        return m.test(i) ? y : x;
    });
}

template <typename T, unsigned Elems>
    requires detail::is_element<T>
__aie_inline vector<T, Elems> select(T a, T b, const mask<Elems>& m) {
    return select(broadcast<T, Elems>(a), b, m);
}

template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline auto max(const A& a, const B& b) {
    return detail::map(a, b, [](auto x, auto y) { return detail::unit_lt(x, y) ? y : x; });
}

template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline auto min(const A& a, const B& b) {
    return detail::map(a, b, [](auto x, auto y) { return detail::unit_ge(x, y) ? y : x; });
}

// Minimum and maximum with the mask of where the second operand was taken.
template <typename T, unsigned Elems>
__aie_inline auto max_cmp(const vector<T, Elems>& a, const vector<T, Elems>& b) {
    struct Result {
        vector<T, Elems> value;
        mask<Elems> second;
    };
    return Result{max(a, b), lt(a, b)};
}

template <typename T, unsigned Elems>
__aie_inline auto min_cmp(const vector<T, Elems>& a, const vector<T, Elems>& b) {
    struct Result {
        vector<T, Elems> value;
        mask<Elems> second;
    };
    return Result{min(a, b), ge(a, b)};
}

// a - b where that is positive, else 0.
template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline auto maxdiff(const A& a, const B& b) {
    static_assert(!detail::is_floating<detail::elementwise_type<A, B>>, "aie::maxdiff: integers");
    return detail::map(a, b, [](auto x, auto y) {
        return x > y ? detail::wrap_sub(x, y) : decltype(x){0};
    });
}

template <typename T, unsigned Elems, typename Low, typename High>
__aie_inline vector<T, Elems> clamp(const vector<T, Elems>& v, const Low& low, const High& high) {
    return min(max(v, low), high);
}

}  // namespace aie
