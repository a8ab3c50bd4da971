// fp32 as AIE2's vector unit computes it: not IEEE.
//
// One instruction adds up to eight bfloat16 products and an accumulator in a single step:
//   1. each term is aligned to the largest exponent among them and rounded there, to nearest even,
//      to 23 bits below the leading position;
//   2. the aligned terms are added exactly, as integers;
//   3. the sum is normalised and rounded once, to nearest even. A result below the smallest normal
//      number becomes zero, one above the largest infinity.
// Subnormal inputs take part with their value. A plain fp32 addition is the same with two
// accumulator terms. This describes the behaviour that the open emulator xdna-emu publishes and
// has compared with Phoenix silicon; the payload of a NaN result is not modelled (always 1).

#pragma once

#include "bfloat16.hpp"

namespace aie::detail {

// One summand: mantissa * 2^exponent in the adder's biased scale. A zero has exponent 0.
struct Term {
    int32_t mantissa;
    int32_t exponent;
};

__aie_inline int32_t larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

__aie_inline Term accumulator_term(float value) {
    const uint32_t bits = fp32_bits(value);
    const int32_t biased = static_cast<int32_t>(bits >> 23 & 0xffu);
    const int32_t fraction = static_cast<int32_t>(bits & 0x7fffffu);
    const int32_t mantissa = biased ? fraction | 0x800000 : fraction;
    const int32_t exponent = mantissa ? larger(biased, 1) + 128 : 0;
    return {bits >> 31 ? -mantissa : mantissa, exponent};
}

__aie_inline Term product_term(bfloat16 a, bfloat16 b) {
    const int32_t exponent_a = a.bits >> 7 & 0xff;
    const int32_t exponent_b = b.bits >> 7 & 0xff;
    const int32_t mantissa_a = (a.bits & 0x7f) | (exponent_a ? 0x80 : 0);
    const int32_t mantissa_b = (b.bits & 0x7f) | (exponent_b ? 0x80 : 0);
    const int32_t product = (mantissa_a * mantissa_b) << 9;
    const int32_t exponent = product ? larger(exponent_a, 1) + larger(exponent_b, 1) + 1 : 0;
    return {(a.bits ^ b.bits) & 0x8000 ? -product : product, exponent};
}

// A term's mantissa at the exponent of the sum: shifted right, to nearest even.
__aie_inline int32_t align(Term term, int32_t exponent) {
    const int32_t distance = exponent - term.exponent;
    const int32_t shift = distance > 30 ? 30 : distance;
    const int32_t half = (1 << shift) >> 1;
    const int32_t odd = shift ? (term.mantissa >> shift) & 1 : 0;
    return (term.mantissa + half - (half ? 1 : 0) + odd) >> shift;
}

// The sum as fp32. Converting the integer rounds it to nearest even; the exponent then only has
// to be moved. A sum that is exactly zero is +0; one that underflows keeps its sign.
__aie_inline float normalise(int32_t sum, int32_t exponent) {
    const uint32_t bits = fp32_bits(static_cast<float>(sum));
    const int32_t biased = static_cast<int32_t>(bits >> 23 & 0xffu) + exponent - 278;
    const uint32_t sign = bits & fp32_sign;
    const uint32_t normal = sign | static_cast<uint32_t>(biased) << 23 | (bits & 0x7fffffu);
    const uint32_t in_range = biased >= 255 ? sign | fp32_infinity : normal;
    return fp32_from_bits(sum == 0 ? 0 : biased <= 0 ? sign : in_range);
}

// Infinities and NaNs among the terms, apart from the arithmetic of the finite ones.
struct Specials {
    bool nan = false;
    bool positive = false;
    bool negative = false;

    __aie_inline void see(float value) {
        const uint32_t bits = fp32_bits(value);
        nan |= (bits & ~fp32_sign) > fp32_infinity;
        positive |= bits == fp32_infinity;
        negative |= bits == (fp32_sign | fp32_infinity);
    }

    // bfloat16 factors: NaN if either is, or for infinity times zero.
    __aie_inline void see(bfloat16 a, bfloat16 b) {
        const uint16_t magnitude_a = a.bits & 0x7fff;
        const uint16_t magnitude_b = b.bits & 0x7fff;
        const bool infinite = magnitude_a == 0x7f80 || magnitude_b == 0x7f80;
        const bool zero = magnitude_a == 0 || magnitude_b == 0;
        const bool minus = (a.bits ^ b.bits) & 0x8000;
        nan |= magnitude_a > 0x7f80 || magnitude_b > 0x7f80 || (infinite && zero);
        positive |= infinite && !minus;
        negative |= infinite && minus;
    }

    __aie_inline float result(float finite) const {
        if (nan || (positive && negative)) return fp32_from_bits(fp32_infinity | 1u);
        if (positive) return fp32_from_bits(fp32_infinity);
        if (negative) return fp32_from_bits(fp32_sign | fp32_infinity);
        return finite;
    }
};

// The bit that tells a finite number's exponent from that of infinities and NaNs.
__aie_inline uint32_t is_special(uint32_t exponent) {
    return (exponent + 1u) >> 8;
}

__aie_inline uint32_t is_special(float value) {
    return is_special(fp32_bits(value) >> 23 & 0xffu);
}

__aie_inline uint32_t is_special(bfloat16 value) {
    return is_special(static_cast<uint32_t>(value.bits >> 7 & 0xff));
}

// A block of lanes goes through the adder together, in loops over lanes that the compiler turns
// into vector code. `a` and `b` hold the factors of the k-th product of each lane in row k, `with`
// a second accumulator or nothing. A block with an infinity or NaN in it is done again, slowly.
template <unsigned Lanes, unsigned Count>
struct Adder {
    float acc[Lanes];
    bfloat16 a[Count ? Count : 1][Lanes];
    bfloat16 b[Count ? Count : 1][Lanes];
    float with[Lanes];

    // acc + a[0] * b[0] + ..., and + with if `Two`.
    template <bool Two = false>
    __aie_inline void run() {
        Lane mantissa[Count + 2], exponent[Count + 2];
        int32_t largest[Lanes], sum[Lanes];
        uint32_t special = 0;
        special |= enter(acc, mantissa[Count], exponent[Count]);
        if constexpr (Two) special |= enter(with, mantissa[Count + 1], exponent[Count + 1]);
        for (unsigned k = 0; k < Count; ++k) special |= enter(k, mantissa[k], exponent[k]);
        if (special) [[unlikely]] return run_specials<Two>();
        constexpr unsigned terms = Count + 1 + Two;
        AIE_HOST_EACH_LANE
        for (unsigned i = 0; i < Lanes; ++i) largest[i] = 0;
        for (unsigned t = 0; t < terms; ++t)
            AIE_HOST_EACH_LANE
            for (unsigned i = 0; i < Lanes; ++i) largest[i] = larger(largest[i], exponent[t][i]);
        AIE_HOST_EACH_LANE
        for (unsigned i = 0; i < Lanes; ++i) sum[i] = 0;
        for (unsigned t = 0; t < terms; ++t)
            AIE_HOST_EACH_LANE
            for (unsigned i = 0; i < Lanes; ++i)
                sum[i] += align({mantissa[t][i], exponent[t][i]}, largest[i]);
        AIE_HOST_EACH_LANE
        for (unsigned i = 0; i < Lanes; ++i) acc[i] = normalise(sum[i], largest[i]);
    }

  private:
    using Lane = int32_t[Lanes];

    __aie_inline uint32_t enter(const float (&value)[Lanes], Lane& mantissa, Lane& exponent) {
        uint32_t special = 0;
        AIE_HOST_EACH_LANE
        for (unsigned i = 0; i < Lanes; ++i) {
            const Term term = accumulator_term(value[i]);
            mantissa[i] = term.mantissa;
            exponent[i] = term.exponent;
            special |= is_special(value[i]);
        }
        return special;
    }

    __aie_inline uint32_t enter(unsigned k, Lane& mantissa, Lane& exponent) {
        uint32_t special = 0;
        AIE_HOST_EACH_LANE
        for (unsigned i = 0; i < Lanes; ++i) {
            const Term term = product_term(a[k][i], b[k][i]);
            mantissa[i] = term.mantissa;
            exponent[i] = term.exponent;
            special |= is_special(a[k][i]) | is_special(b[k][i]);
        }
        return special;
    }

    template <bool Two>
    __attribute__((noinline, cold)) void run_specials() {
        for (unsigned i = 0; i < Lanes; ++i) {
            Specials specials;
            specials.see(acc[i]);
            int32_t largest = accumulator_term(acc[i]).exponent;
            if constexpr (Two) {
                specials.see(with[i]);
                largest = larger(largest, accumulator_term(with[i]).exponent);
            }
            for (unsigned k = 0; k < Count; ++k) {
                specials.see(a[k][i], b[k][i]);
                largest = larger(largest, product_term(a[k][i], b[k][i]).exponent);
            }
            int32_t sum = align(accumulator_term(acc[i]), largest);
            if constexpr (Two) sum += align(accumulator_term(with[i]), largest);
            for (unsigned k = 0; k < Count; ++k)
                sum += align(product_term(a[k][i], b[k][i]), largest);
            acc[i] = specials.result(normalise(sum, largest));
        }
    }
};

__aie_inline float negate_fp32(float value) {
    return fp32_from_bits(fp32_bits(value) ^ fp32_sign);
}

// One lane by itself.
__aie_inline float add_fp32(float a, float b) {
    Adder<1, 0> adder{{a}, {}, {}, {b}};
    adder.run<true>();
    return adder.acc[0];
}

__aie_inline float mac_bfloat16(float acc, bfloat16 a, bfloat16 b) {
    Adder<1, 1> adder{{acc}, {{a}}, {{b}}, {}};
    adder.run();
    return adder.acc[0];
}

}  // namespace aie::detail
