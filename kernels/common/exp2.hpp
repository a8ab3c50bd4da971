// 2^t in fp32, on the vector unit and in scalar code, without libm.
//
// AIE2 has no exponential (aie::exp2 came with XDNA 2) and its elementwise products take bfloat16
// factors. So t is split into a whole number n and a fraction f of at most 1/2, 2^f is a cubic
// polynomial whose larger terms keep both bfloat16 halves of their factors, and n is added to the
// exponent bits.

#pragma once

#include <aie_api/aie.hpp>
#include <stdint.h>

namespace exp2_bf16 {

constexpr unsigned LANES = 16;

using Float = aie::accum<accfloat, LANES>;
using Half = aie::vector<bfloat16, LANES>;

// Adding it to |t| < 2^22 leaves t rounded to a whole number in the low bits of the sum.
constexpr float ROUNDER = 12582912.0f;  // 1.5 * 2^23
constexpr int32_t ROUNDER_BITS = 0x4b400000;

// 2^f over [-1/2, 1/2] is 1 + f * (C1 + f * (C2 + f * C3)) within 2^-13.1, relative: a
// least-squares fit in which C2 and C3 are bfloat16 numbers.
constexpr float C1 = 0.69334343f;
constexpr float C2 = 0.2421875f;
constexpr float C3 = 0.0546875f;

// An fp32 value as the sum of two bfloat16, 16 bits of it.
struct Halves {
    Half high;
    Half low;

    explicit Halves(const Float& value)
        : high(value.to_vector<bfloat16>()),
          low(aie::sub(value, Float(high)).to_vector<bfloat16>()) {}
};

// log2(e) as the sum of three bfloat16 numbers.
constexpr float LOG2_E[] = {1.4453125f, -0.00262451171875f, 7.063150405883789e-06f};

// value * unit * log2(e), smallest products first; the unit is a power of two.
inline Float in_octaves(const Halves& value, float unit = 1.0f) {
    const Half first = aie::broadcast<bfloat16, LANES>(LOG2_E[0] * unit);
    const Half second = aie::broadcast<bfloat16, LANES>(LOG2_E[1] * unit);
    const Half third = aie::broadcast<bfloat16, LANES>(LOG2_E[2] * unit);
    Float product = aie::mul(value.high, third);
    product = aie::mac(product, value.low, second);
    product = aie::mac(product, value.high, second);
    product = aie::mac(product, value.low, first);
    return aie::mac(product, value.high, first);
}

// 2^t within 2^-11.4, relative (measured), for t in [-126, 127]; beyond, the bits mean nothing.
inline Float exp2(const Float& t) {
    const Float rounder(aie::broadcast<float, LANES>(ROUNDER));
    const Float shifted = aie::add(t, rounder);
    const Halves f(aie::sub(t, aie::sub(shifted, rounder)));

    Float inner(aie::broadcast<float, LANES>(C2));
    inner = aie::mac(inner, f.high, aie::broadcast<bfloat16, LANES>(C3));
    Float slope(aie::broadcast<float, LANES>(C1));
    slope = aie::mac(slope, f.high, inner.to_vector<bfloat16>());
    const Halves s(slope);

    Float power(aie::broadcast<float, LANES>(1.0f));
    power = aie::mac(power, s.low, f.high);
    power = aie::mac(power, s.high, f.low);
    power = aie::mac(power, s.high, f.high);

    const auto whole = aie::sub(shifted.to_vector<float>().cast_to<int32>(), ROUNDER_BITS);
    const auto exponent = aie::upshift(whole, 23);
    return Float(aie::add(power.to_vector<float>().cast_to<int32>(), exponent).cast_to<float>());
}

// exp(x), as 2^(x * log2(e)): within 2^-10.3, relative, from -87.25 to 0, for the 16 bits that are
// kept of x; within 2^-11.3 from -10 on (measured).
inline Float exp(const Float& x) {
    return exp2(in_octaves(Halves(x)));
}

// The same for one number, by the series of 2^f to the sixth power: within 2^-21.9 of exp(x).
inline float exp_scalar(float x) {
    constexpr float OCTAVES = 1.44269504f;
    constexpr float LN_2_HIGH = 0.693359375f;  // 9 bits: its products with n are exact
    constexpr float LN_2_LOW = -2.12194440e-4f;
    const float t = x * OCTAVES;
    const int32_t n = static_cast<int32_t>(t < 0 ? t - 0.5f : t + 0.5f);
    const float f = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    float power = 1.0f / 720;
    power = power * f + 1.0f / 120;
    power = power * f + 1.0f / 24;
    power = power * f + 1.0f / 6;
    power = power * f + 0.5f;
    power = power * f + 1.0f;
    power = power * f + 1.0f;
    return power * __builtin_bit_cast(float, (n + 127) << 23);
}

}  // namespace exp2_bf16
