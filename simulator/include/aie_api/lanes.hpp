// Elementwise operations as loops over lanes: what the operation headers are written with.

#pragma once

#include "accum.hpp"
#include "vector.hpp"

namespace aie::detail {

// One operand of an elementwise operation, read lane by lane: a vector, or a scalar that stands
// for a vector of itself.
template <typename T, typename A>
__aie_inline T lane_of(const A& a, unsigned idx) {
    if constexpr (is_vector<A>)
        return a.get(idx);
    else
        return static_cast<T>(a);
}

// The vector that an elementwise operation on A and B gives.
template <typename A, typename B>
struct ElementwiseVector;
template <typename T, unsigned Elems>
struct ElementwiseVector<vector<T, Elems>, vector<T, Elems>> {
    using type = vector<T, Elems>;
};
template <typename T, unsigned Elems, typename B>
    requires is_scalar<B>
struct ElementwiseVector<vector<T, Elems>, B> {
    using type = vector<T, Elems>;
};
template <typename T, unsigned Elems, typename A>
    requires is_scalar<A>
struct ElementwiseVector<A, vector<T, Elems>> {
    using type = vector<T, Elems>;
};

template <typename A, typename B>
concept Elementwise = requires { typename ElementwiseVector<A, B>::type; };

template <typename A, typename B>
using elementwise_vector = typename ElementwiseVector<A, B>::type;

template <typename A, typename B>
using elementwise_type = typename elementwise_vector<A, B>::value_type;

template <typename A, typename B, typename Lane>
__aie_inline auto map(const A& a, const B& b, Lane lane) {
    using T = elementwise_type<A, B>;
    return generate<elementwise_vector<A, B>>(
        [&](unsigned i) { return lane(lane_of<T>(a, i), lane_of<T>(b, i)); });
}

template <typename T, unsigned Elems, typename Lane>
__aie_inline vector<T, Elems> map(const vector<T, Elems>& v, Lane lane) {
    return generate<vector<T, Elems>>([&](unsigned i) { return lane(v.get(i)); });
}

// An element as an integer of its value, where C++ would make it an `int`: for 4-bit elements.
template <typename T>
using arithmetic_type = std::conditional_t<is_int4<T>, int8_t, T>;

}  // namespace aie::detail
