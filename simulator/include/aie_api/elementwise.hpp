// Elementwise arithmetic: add, sub, neg, abs, shifts and bits, on vectors and accumulators.
//
// Each takes two vectors, or a vector and a scalar that stands for a vector of itself. Integers
// wrap. Floating point goes through an fp32 accumulator, and bfloat16 is rounded back by the
// core's mode.

#pragma once

#include "convert.hpp"
#include "lanes.hpp"
#include "memory.hpp"

namespace aie {

namespace detail {

// An operand of a floating-point operation, in the accumulator.
template <typename A, typename B, typename Operand>
__aie_inline auto accumulated(const Operand& operand) {
    using V = elementwise_vector<A, B>;
    using T = typename V::value_type;
    return accum<accfloat, V::size()>(
        generate<V>([&](unsigned i) { return lane_of<T>(operand, i); }));
}

}  // namespace detail

template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline auto add(const A& a, const B& b) {
    using T = detail::elementwise_type<A, B>;
    if constexpr (detail::is_floating<T>)
        return add(detail::accumulated<A, B>(a), detail::accumulated<A, B>(b))
            .template to_vector<T>();
    else
        return detail::map(a, b, [](T x, T y) {
            using Wide = detail::arithmetic_type<T>;
            return T(detail::wrap_add(Wide(x), Wide(y)));
        });
}

template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline auto sub(const A& a, const B& b) {
    using T = detail::elementwise_type<A, B>;
    if constexpr (detail::is_floating<T>)
        return sub(detail::accumulated<A, B>(a), detail::accumulated<A, B>(b))
            .template to_vector<T>();
    else
        return detail::map(a, b, [](T x, T y) {
            using Wide = detail::arithmetic_type<T>;
            return T(detail::wrap_sub(Wide(x), Wide(y)));
        });
}

namespace detail {

// Sums that stay in the element's range whatever the core's mode is.
template <typename A, typename B, typename Lane>
__aie_inline auto map_saturated(const A& a, const B& b, Lane lane) {
    using T = elementwise_type<A, B>;
    static_assert(!is_floating<T> && type_bits<T> <= 32, "aie::saturating_add: integers only");
    constexpr int64_t high = (int64_t{1} << (type_bits<T> - is_signed_element<T>)) - 1;
    constexpr int64_t low = is_signed_element<T> ? -high - 1 : 0;
    return map(a, b, [&](T x, T y) {
        const int64_t value = lane(int64_t(x), int64_t(y));
        return static_cast<T>(value < low ? low : value > high ? high : value);
    });
}

}  // namespace detail

template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline auto saturating_add(const A& a, const B& b) {
    return detail::map_saturated(a, b, [](int64_t x, int64_t y) { return x + y; });
}

template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline auto saturating_sub(const A& a, const B& b) {
    return detail::map_saturated(a, b, [](int64_t x, int64_t y) { return x - y; });
}

template <typename Tag, typename T, unsigned Elems>
__aie_inline accum<Tag, Elems> add(const accum<Tag, Elems>& a, const vector<T, Elems>& b) {
    return add(a, accum<Tag, Elems>(b));
}

template <typename Tag, typename T, unsigned Elems>
__aie_inline accum<Tag, Elems> sub(const accum<Tag, Elems>& a, const vector<T, Elems>& b) {
    return sub(a, accum<Tag, Elems>(b));
}

template <typename Tag, unsigned Elems, typename B>
    requires detail::is_scalar<B>
__aie_inline accum<Tag, Elems> add(const accum<Tag, Elems>& a, B b) {
    return add(a, broadcast<B, Elems>(b));
}

template <typename Tag, unsigned Elems, typename B>
    requires detail::is_scalar<B>
__aie_inline accum<Tag, Elems> sub(const accum<Tag, Elems>& a, B b) {
    return sub(a, broadcast<B, Elems>(b));
}

template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> neg(const vector<T, Elems>& v) {
    return sub(T(0), v);
}

// The most negative integer is its own absolute value; floating point loses its sign bit.
template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> abs(const vector<T, Elems>& v) {
    if constexpr (std::is_same_v<T, bfloat16>)
        return detail::map(v, [](T x) { return bfloat16::from_bits(x.bits & 0x7fff); });
    else if constexpr (std::is_same_v<T, float>)
        return detail::map(v, [](T x) { return __builtin_fabsf(x); });
    else
        return detail::map(v, [](T x) {
            using Wide = detail::arithmetic_type<T>;
            return T(x < 0 ? detail::wrap_sub(Wide{0}, Wide(x)) : Wide(x));
        });
}

// Shifts go through an accumulator: up saturates and down rounds, by the core's modes.
template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> upshift(const vector<T, Elems>& v, unsigned shift) {
    using Tag = std::conditional_t<(detail::type_bits<T> < 32), acc32, acc64>;
    return accum<Tag, Elems>(v, static_cast<int>(shift)).template to_vector<T>();
}

template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> downshift(const vector<T, Elems>& v, unsigned shift) {
    using Tag = std::conditional_t<(detail::type_bits<T> < 32), acc32, acc64>;
    return accum<Tag, Elems>(v).template to_vector<T>(static_cast<int>(shift));
}

// Zeros come in from above, what leaves below is dropped.
template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> logical_downshift(const vector<T, Elems>& v, unsigned shift) {
    return detail::map(v, [&](T x) {
        const uint64_t bits = static_cast<uint64_t>(x) & (~uint64_t{0} >> (64 - detail::type_bits<T>));
        return static_cast<T>(bits >> shift);
    });
}

template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline auto bit_and(const A& a, const B& b) {
    return detail::map(a, b, [](auto x, auto y) { return static_cast<decltype(x)>(x & y); });
}

template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline auto bit_or(const A& a, const B& b) {
    return detail::map(a, b, [](auto x, auto y) { return static_cast<decltype(x)>(x | y); });
}

template <typename A, typename B>
    requires detail::Elementwise<A, B>
__aie_inline auto bit_xor(const A& a, const B& b) {
    return detail::map(a, b, [](auto x, auto y) { return static_cast<decltype(x)>(x ^ y); });
}

template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> bit_not(const vector<T, Elems>& v) {
    return detail::map(v, [](T x) { return static_cast<T>(~x); });
}

}  // namespace aie
