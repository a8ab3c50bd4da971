// Softmax of a row of bfloat16 values: exp(x - max) / sum, scalar and on the vector unit.
//
// Three passes over the row: its maximum, the exponentials and their sum, the division. What is
// left of a row beyond whole vectors goes through a vector of its own that is filled up with -inf,
// so that a row needs no padding in memory.

#pragma once

#include <aie_api/aie.hpp>
#include <stdint.h>

#include "exp2.hpp"

namespace softmax_bf16 {

using exp2_bf16::Float;
using exp2_bf16::Half;
using exp2_bf16::LANES;

constexpr uint16_t NAN_BITS = 0x7fc0;
constexpr uint16_t PLUS_INFINITY = 0x7f80;
constexpr uint16_t MINUS_INFINITY = 0xff80;

// exp(d) for d below this is zero; what is left of it is at least the smallest normal number.
constexpr float LEAST_EXPONENT = -87.25f;

inline uint16_t bits_of(bfloat16 value) {
    return __builtin_bit_cast(uint16_t, value);
}

inline bfloat16 from_bits(uint16_t bits) {
    return __builtin_bit_cast(bfloat16, bits);
}

// NaN of either sign, or +inf: a row that holds one has no softmax.
inline bool spoils(bfloat16 value) {
    const uint16_t bits = bits_of(value);
    return (bits >= PLUS_INFINITY && bits < 0x8000) || bits > MINUS_INFINITY;
}

template <unsigned COLS>
void fill_nan(bfloat16* out) {
    for (unsigned i = 0; i < COLS; ++i) {
        out[i] = from_bits(NAN_BITS);
    }
}

// The plain loops, in software floating point on the core.
template <unsigned COLS>
void softmax_scalar(const bfloat16* x, bfloat16* out) {
    bool spoilt = false;
    float largest = static_cast<float>(from_bits(MINUS_INFINITY));
    for (unsigned i = 0; i < COLS; ++i) {
        spoilt |= spoils(x[i]);
        const float value = static_cast<float>(x[i]);
        largest = value > largest ? value : largest;
    }
    if (spoilt || bits_of(static_cast<bfloat16>(largest)) == MINUS_INFINITY) {
        fill_nan<COLS>(out);
        return;
    }

    float sum = 0;
    for (unsigned i = 0; i < COLS; ++i) {
        const float below = static_cast<float>(x[i]) - largest;
        const bfloat16 power =
            static_cast<bfloat16>(below < LEAST_EXPONENT ? 0.0f : exp2_bf16::exp_scalar(below));
        sum += static_cast<float>(power);
        out[i] = power;
    }
    const float scale = 1.0f / sum;
    for (unsigned i = 0; i < COLS; ++i) {
        out[i] = static_cast<bfloat16>(static_cast<float>(out[i]) * scale);
    }
}

// The last elements of a row, filled up with -inf, which adds nothing to maximum and sum.
template <unsigned TAIL>
Half load_tail(const bfloat16* from) {
    alignas(32) bfloat16 room[LANES];
    for (unsigned i = 0; i < LANES; ++i) {
        room[i] = i < TAIL ? from[i] : from_bits(MINUS_INFINITY);
    }
    return aie::load_v<LANES>(room);
}

template <unsigned TAIL>
void store_tail(bfloat16* to, const Half& values) {
    alignas(32) bfloat16 room[LANES];
    aie::store_v(room, values);
    for (unsigned i = 0; i < TAIL; ++i) {
        to[i] = room[i];
    }
}

// The maximum of a row, lane by lane, and where something spoils it: found in the bits, for the
// vector unit's maximum drops a NaN.
struct Extremes {
    Half largest = aie::broadcast<bfloat16, LANES>(from_bits(MINUS_INFINITY));
    aie::mask<LANES> spoilt = aie::mask<LANES>::from_uint32(0);

    void see(const Half& x) {
        largest = aie::max(largest, x);
        spoilt |= aie::ge(x.cast_to<int16>(), static_cast<int16>(PLUS_INFINITY));
        spoilt |= aie::gt(x.cast_to<uint16>(), MINUS_INFINITY);
    }
};

inline Half exp_below(const Half& x, const Float& largest) {
    const Float below = aie::sub(Float(x), largest);
    const Half power = exp2_bf16::exp(below).to_vector<bfloat16>();
    // Rounded to bfloat16, -87.25 is -87 and what lies below it is -87.5 and less.
    const auto vanishes = aie::lt(below.to_vector<bfloat16>(), static_cast<bfloat16>(-87.0f));
    return aie::select(power, aie::zeros<bfloat16, LANES>(), vanishes);
}

// 1 / sum as two bfloat16, lane by lane: aie::inv, and one more step of Newton's method.
inline exp2_bf16::Halves inverse(const aie::vector<float, LANES>& sums) {
    const auto guess = aie::inv(sums);
    const Float two(aie::broadcast<float, LANES>(2.0f));
    const auto correction = aie::msc(two, sums, guess).to_vector<float>();
    return exp2_bf16::Halves(aie::mul(guess, correction));
}

inline exp2_bf16::Halves inverse(float sum) {
    return inverse(aie::broadcast<float, LANES>(sum));
}

inline Half divided(const Half& power, const exp2_bf16::Halves& scale) {
    return aie::mac(aie::mul(power, scale.low), power, scale.high).to_vector<bfloat16>();
}

template <unsigned COLS>
void softmax_vector(const bfloat16* __restrict x, bfloat16* __restrict out) {
    constexpr unsigned WHOLE = COLS / LANES * LANES;
    constexpr unsigned TAIL = COLS % LANES;
    static_assert(COLS >= LANES, "a row is at least one vector");

    aie::set_rounding(aie::rounding_mode::conv_even);
    aie::set_saturation(aie::saturation_mode::none);

    Extremes extremes;
    for (unsigned i = 0; i < WHOLE; i += LANES) {
        extremes.see(aie::load_v<LANES>(x + i));
    }
    Half tail = aie::broadcast<bfloat16, LANES>(from_bits(MINUS_INFINITY));
    if constexpr (TAIL != 0) {
        tail = load_tail<TAIL>(x + WHOLE);
        extremes.see(tail);
    }
    const bfloat16 top = aie::reduce_max(extremes.largest);
    if (!extremes.spoilt.empty() || bits_of(top) == MINUS_INFINITY) {
        fill_nan<COLS>(out);
        return;
    }

    const Half one = aie::broadcast<bfloat16, LANES>(1.0f);
    const Float largest(aie::broadcast<bfloat16, LANES>(top));
    Float sums = aie::zeros<accfloat, LANES>();
    for (unsigned i = 0; i < WHOLE; i += LANES) {
        const Half power = exp_below(aie::load_v<LANES>(x + i), largest);
        sums = aie::mac(sums, power, one);
        aie::store_v(out + i, power);
    }
    if constexpr (TAIL != 0) {
        tail = exp_below(tail, largest);
        sums = aie::mac(sums, tail, one);
    }

    const exp2_bf16::Halves scale = inverse(aie::reduce_add(sums.to_vector<float>()));
    for (unsigned i = 0; i < WHOLE; i += LANES) {
        aie::store_v(out + i, divided(aie::load_v<LANES>(out + i), scale));
    }
    if constexpr (TAIL != 0) {
        store_tail<TAIL>(out + WHOLE, divided(tail, scale));
    }
}

}  // namespace softmax_bf16
