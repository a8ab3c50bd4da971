// GELU of bfloat16 activations: x * Phi(x), with Phi the normal distribution function, of one value
// and of 16 on the vector unit.
//
// With z = |x|, gelu(x) = max(x, 0) - z * Phi(-z): the tail Phi(-z) is a power of two whose
// exponent, log2(Phi(-z)), is smooth enough for a polynomial. From 5.625 on the tail is left out.

#pragma once

#include <aie_api/aie.hpp>
#include <stdint.h>

#include "exp2.hpp"

namespace gelu_bf16 {

using exp2_bf16::Float;
using exp2_bf16::Half;
using exp2_bf16::Halves;
using exp2_bf16::LANES;

// log2(Phi(-z)) over [0, 5.625] is C0 + z * (C1 + ... z * C5) within 2^-11.1: a minimax fit in
// which C5 is a bfloat16 number.
constexpr float C0 = -1.0f;
constexpr float C1 = -1.1473554f;
constexpr float C2 = -0.46884724f;
constexpr float C3 = -0.044818424f;
constexpr float C4 = 0.0048856996f;
constexpr float C5 = -0.000232696533203125f;

// Where |x| * Phi(-|x|) is below 2^-24.
constexpr float TAIL_END = 5.625f;

inline float gelu_scalar(float x) {
    if (x >= TAIL_END) {
        return x;
    }
    if (x < -TAIL_END) {
        return 0;
    }
    constexpr float LN_2 = 0.693147181f;
    const float z = x < 0 ? -x : x;
    const float octaves = C0 + z * (C1 + z * (C2 + z * (C3 + z * (C4 + z * C5))));
    return (x > 0 ? x : 0) - z * exp2_bf16::exp_scalar(octaves * LN_2);
}

// value * z + constant, with the value in 16 bits and z exact.
inline Float step(const Float& value, const Half& z, float constant) {
    const Halves factor(value);
    const Float sum(aie::broadcast<float, LANES>(constant));
    return aie::mac(aie::mac(sum, factor.low, z), factor.high, z);
}

// GELU of 16 values; the core's rounding must be conv_even. The comparisons with NaN are false: a
// NaN stays one.
inline Half gelu_lanes(const Half& x) {
    const auto magnitude = aie::bit_and(static_cast<uint16>(0x7fff), x.cast_to<uint16>());
    const Half z = magnitude.cast_to<bfloat16>();
    Float octaves(aie::broadcast<float, LANES>(C4));
    octaves = aie::mac(octaves, z, aie::broadcast<bfloat16, LANES>(C5));
    octaves = step(octaves, z, C3);
    octaves = step(octaves, z, C2);
    octaves = step(octaves, z, C1);
    octaves = step(octaves, z, C0);
    const Halves tail(exp2_bf16::exp2(octaves));

    const Half nothing = aie::zeros<bfloat16, LANES>();
    Float y(aie::max(x, nothing));
    y = aie::msc(y, tail.low, z);
    y = aie::msc(y, tail.high, z);
    const Half inside = y.to_vector<bfloat16>();
    const Half above = aie::select(inside, x, aie::ge(x, static_cast<bfloat16>(TAIL_END)));
    return aie::select(above, nothing, aie::lt(x, static_cast<bfloat16>(-TAIL_END)));
}

}  // namespace gelu_bf16
