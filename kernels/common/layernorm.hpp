// Layer normalisation of a row of bfloat16 values, scalar and on the vector unit.
//
// Three passes over the row: the mean, the variance about it, the output. Deviations are taken
// from the row's first element before they are summed, so that a mean far from zero costs no
// precision, and factors that must be better than bfloat16 are held as two bfloat16 halves.

#pragma once

#include <aie_api/aie.hpp>
#include <stdint.h>

#include "exp2.hpp"

namespace layernorm_bf16 {

using exp2_bf16::Float;
using exp2_bf16::Half;
using exp2_bf16::Halves;
using exp2_bf16::LANES;

constexpr float EPSILON = 1e-5f;
constexpr uint16_t NAN_BITS = 0x7fc0;

template <unsigned FEATURES>
constexpr float share = 1.0f / FEATURES;

// Whether a sum of squares is NaN, infinite, or 2^127 and more: then the row becomes NaN.
inline bool too_large(float squares) {
    constexpr uint32_t LIMIT = 0x7f000000;  // 2^127
    return (__builtin_bit_cast(uint32_t, squares) & 0x7fffffffu) >= LIMIT;
}

template <unsigned FEATURES>
void fill_nan(bfloat16* out) {
    for (unsigned i = 0; i < FEATURES; ++i) {
        out[i] = __builtin_bit_cast(bfloat16, NAN_BITS);
    }
}

// 1 / sqrt(v): a guess from the bits, three steps of Newton's method.
inline float inverse_root_scalar(float v) {
    float y = __builtin_bit_cast(float, 0x5f3759dfu - (__builtin_bit_cast(uint32_t, v) >> 1));
    for (int step = 0; step < 3; ++step) {
        y *= 1.5f - 0.5f * v * y * y;
    }
    return y;
}

// The plain loops, in software floating point on the core.
template <unsigned FEATURES>
void layernorm_scalar(const bfloat16* x, const bfloat16* gamma, const bfloat16* beta,
                      bfloat16* out) {
    const float pivot = static_cast<float>(x[0]);
    float sum = 0;
    for (unsigned i = 0; i < FEATURES; ++i) {
        sum += static_cast<float>(x[i]) - pivot;
    }
    const float mean = sum * share<FEATURES>;

    float squares = 0;
    for (unsigned i = 0; i < FEATURES; ++i) {
        const float deviation = (static_cast<float>(x[i]) - pivot) - mean;
        squares += deviation * deviation;
    }
    if (too_large(squares)) {
        fill_nan<FEATURES>(out);
        return;
    }

    const float scale = inverse_root_scalar(squares * share<FEATURES> + EPSILON);
    for (unsigned i = 0; i < FEATURES; ++i) {
        const float deviation = (static_cast<float>(x[i]) - pivot) - mean;
        const float y = deviation * scale * static_cast<float>(gamma[i]);
        out[i] = static_cast<bfloat16>(y + static_cast<float>(beta[i]));
    }
}

// The same by aie::invsqrt and one more step of Newton's method, in fp32.
inline Halves inverse_root(float v) {
    const auto value = aie::broadcast<float, LANES>(v);
    const auto guess = aie::invsqrt(value);
    const auto square = aie::mul(guess, guess).to_vector<float>();
    const auto half = aie::mul(value, aie::broadcast<float, LANES>(0.5f)).to_vector<float>();
    const Float three_halves(aie::broadcast<float, LANES>(1.5f));
    const auto correction = aie::msc(three_halves, half, square).to_vector<float>();
    return Halves(aie::mul(guess, correction));
}

template <unsigned FEATURES>
void layernorm_vector(const bfloat16* __restrict x, const bfloat16* __restrict gamma,
                      const bfloat16* __restrict beta, bfloat16* __restrict out) {
    aie::set_rounding(aie::rounding_mode::conv_even);

    const Float pivot(aie::broadcast<bfloat16, LANES>(x[0]));
    Float sums = aie::zeros<accfloat, LANES>();
    for (unsigned i = 0; i < FEATURES; i += LANES) {
        sums = aie::add(sums, aie::sub(Float(aie::load_v<LANES>(x + i)), pivot));
    }
    const float average = aie::reduce_add(sums.to_vector<float>()) * share<FEATURES>;
    const Float mean(aie::broadcast<float, LANES>(average));

    // (high + low)^2, less low^2, which is below 2^-17 of it.
    Float squares = aie::zeros<accfloat, LANES>();
    Float crossed = aie::zeros<accfloat, LANES>();
    for (unsigned i = 0; i < FEATURES; i += LANES) {
        const Halves d(aie::sub(aie::sub(Float(aie::load_v<LANES>(x + i)), pivot), mean));
        squares = aie::mac(squares, d.high, d.high);
        crossed = aie::mac(crossed, d.high, d.low);
    }
    squares = aie::add(squares, aie::add(crossed, crossed));
    const float total = aie::reduce_add(squares.to_vector<float>());
    if (too_large(total)) {
        fill_nan<FEATURES>(out);
        return;
    }

    const Halves scale = inverse_root(total * share<FEATURES> + EPSILON);
    for (unsigned i = 0; i < FEATURES; i += LANES) {
        const Halves d(aie::sub(aie::sub(Float(aie::load_v<LANES>(x + i)), pivot), mean));
        Float normalised = aie::mul(d.low, scale.high);
        normalised = aie::mac(normalised, d.high, scale.low);
        normalised = aie::mac(normalised, d.high, scale.high);

        const Halves z(normalised);
        const Half factor = aie::load_v<LANES>(gamma + i);
        Float y(aie::load_v<LANES>(beta + i));
        y = aie::mac(y, z.low, factor);
        y = aie::mac(y, z.high, factor);
        aie::store_v(out + i, y.to_vector<bfloat16>());
    }
}

}  // namespace layernorm_bf16
