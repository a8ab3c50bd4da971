// Reductions of a vector to one element, in the order of aie_api for AIE2: for floating point the
// order shows, and for small integers where the sum leaves the element's range.

#pragma once

#include "compare.hpp"
#include "elementwise.hpp"

namespace aie {

namespace detail {

// Halves combined with halves until `Left` elements remain.
template <unsigned Left, typename T, unsigned Elems, typename Combine>
__aie_inline void fold_halves(T (&lanes)[Elems], Combine combine) {
    for (unsigned half = Elems / 2; half >= Left; half /= 2)
        for (unsigned i = 0; i < half; ++i) lanes[i] = combine(lanes[i], lanes[i + half]);
}

template <typename T, unsigned Elems, typename Combine>
__aie_inline T reduce_halves(const vector<T, Elems>& v, Combine combine) {
    T lanes[Elems];
    for (unsigned i = 0; i < Elems; ++i) lanes[i] = v.get(i);
    fold_halves<1>(lanes, combine);
    return lanes[0];
}

// 8- and 16-bit sums: halves are added wrapping down to 128 bits, and those elements in an
// accumulator that is narrowed by the core's saturation mode.
template <typename T, unsigned Elems>
__aie_inline T reduce_add_narrow(const vector<T, Elems>& v) {
    constexpr unsigned last = 16 / sizeof(T);
    T lanes[Elems];
    for (unsigned i = 0; i < Elems; ++i) lanes[i] = v.get(i);
    fold_halves<last>(lanes, [](T a, T b) { return wrap_add(a, b); });
    int32_t sum = 0;
    for (unsigned i = 0; i < last; ++i) sum += lanes[i];
    return ShiftRoundSaturate<T, int32_t>(0, is_signed_element<T>)(sum);
}

// bfloat16 sums: four rows of eight elements, each added to its row's accumulator in one step;
// then the accumulators; rounded once.
template <unsigned Elems>
__aie_inline bfloat16 reduce_add_bfloat16(const vector<bfloat16, Elems>& v) {
    constexpr unsigned rows = Elems < 32 ? Elems / 8 : 4;
    Adder<rows, 8> adder{};
    for (unsigned first = 0; first < Elems; first += rows * 8) {
        AIE_HOST_REORDER
        for (unsigned i = 0; i < rows * 8; ++i) {
            adder.a[i % 8][i / 8] = v.get(first + i);
            adder.b[i % 8][i / 8] = 1.0f;
        }
        adder.run();
    }
    for (unsigned half = rows / 2; half > 0; half /= 2)
        for (unsigned i = 0; i < half; ++i)
            adder.acc[i] = add_fp32(adder.acc[i], adder.acc[i + half]);
    return RoundToBfloat16()(adder.acc[0]);
}

}  // namespace detail

template <typename T, unsigned Elems>
__aie_inline T reduce_add(const vector<T, Elems>& v) {
    if constexpr (std::is_same_v<T, bfloat16>)
        return detail::reduce_add_bfloat16(v);
    else if constexpr (detail::is_int4<T>)
        return T(reduce_add(v.unpack()));
    else if constexpr (sizeof(T) <= 2)
        return detail::reduce_add_narrow(v);
    else
        return detail::reduce_halves(v, [](T a, T b) {
            if constexpr (std::is_same_v<T, float>)
                return detail::add_fp32(a, b);
            else
                return detail::wrap_add(a, b);
        });
}

template <typename T, unsigned Elems>
__aie_inline T reduce_max(const vector<T, Elems>& v) {
    return detail::reduce_halves(v, [](T a, T b) { return detail::unit_lt(a, b) ? b : a; });
}

template <typename T, unsigned Elems>
__aie_inline T reduce_min(const vector<T, Elems>& v) {
    return detail::reduce_halves(v, [](T a, T b) { return detail::unit_ge(a, b) ? b : a; });
}

// The sums of up to four vectors as the first elements of one.
template <typename T, unsigned Elems, typename... Others>
__aie_inline vector<T, Elems> reduce_add_v(const vector<T, Elems>& v, const Others&... others) {
    static_assert(sizeof...(Others) < 4, "aie::reduce_add_v: up to four vectors");
    return vector<T, Elems>(reduce_add(v), reduce_add(others)...);
}

}  // namespace aie
