// The adder of fp32.hpp for a whole block of a matrix product, in doubles.
//
// Every term is a double without loss (bfloat16 products have 16 bits), and so is a sum of aligned
// terms. Aligning a term, that is rounding it to nearest even at a place, is adding and taking
// away 1.5 * 2^52 times that place: the double's own rounding does it. A block with an infinity or
// NaN is left to fp32.hpp.

#pragma once

#include "fp32.hpp"

namespace aie::detail {

// Values, and of each the power of two that its exponent says: of a subnormal the smallest one, of
// zero none, so that zero has no say in where a sum is aligned.
template <unsigned Count>
struct Scaled {
    double value[Count];
    double place[Count];

    // Returns whether there is an infinity or a NaN.
    __aie_inline bool take(const uint32_t (&bits)[Count]) {
        constexpr unsigned width = 8;
        static_assert(Count % width == 0);
        typedef uint32_t Bits __attribute__((vector_size(width * sizeof(uint32_t))));
        typedef float Floats __attribute__((vector_size(width * sizeof(float))));
        typedef double Doubles __attribute__((vector_size(width * sizeof(double))));
        Bits special{};
        for (unsigned i = 0; i < Count; i += width) {
            Bits each;
            __builtin_memcpy(&each, bits + i, sizeof each);
            const Bits exponent = each & fp32_infinity;
            const Bits normal = exponent > 0x00800000u ? exponent : Bits{} + 0x00800000u;
            const Bits leading = (each & ~fp32_sign) != 0u ? normal : Bits{};
            special |= exponent + 0x00800000u;
            const auto values = __builtin_convertvector(reinterpret_cast<Floats>(each), Doubles);
            const auto places = __builtin_convertvector(reinterpret_cast<Floats>(leading), Doubles);
            __builtin_memcpy(value + i, &values, sizeof values);
            __builtin_memcpy(place + i, &places, sizeof places);
        }
        uint64_t halves[width / 2];
        __builtin_memcpy(halves, &special, sizeof halves);
        return ((halves[0] | halves[1] | halves[2] | halves[3]) & 0x8000000080000000u) != 0;
    }
};

// C += A * B of M x K and K x N bfloat16 numbers and M x N sums, given as bits of fp32 numbers.
// Returns whether it could be done here.
template <unsigned M, unsigned K, unsigned N>
__aie_inline bool add_products(float (&c)[M * N], const uint32_t (&a_bits)[M * K],
                               const uint32_t (&b_bits)[K * N]) {
    constexpr unsigned width = 4;  // columns at a time
    static_assert(N % width == 0);
    static_assert(K <= 8, "eight products enter the adder at once");
    typedef double Row __attribute__((vector_size(width * sizeof(double))));
    typedef float Sums __attribute__((vector_size(width * sizeof(float))));
    constexpr double places_below = 0x1p23;  // what is kept below the leading position
    uint32_t c_bits[M * N];
    __builtin_memcpy(c_bits, c, sizeof c_bits);
    Scaled<M * K> a;
    Scaled<K * N> b;
    Scaled<M * N> before;
    const bool specials[] = {a.take(a_bits), b.take(b_bits), before.take(c_bits)};
    if (specials[0] || specials[1] || specials[2]) return false;
    for (unsigned at = 0; at < M * N; at += width) {
        const unsigned row = at / N * K;
        Row product[K], sum, leading;
        __builtin_memcpy(&sum, before.value + at, sizeof sum);
        __builtin_memcpy(&leading, before.place + at, sizeof leading);
        leading = leading > 0x1p-300 ? leading : Row{} + 0x1p-300;  // where all terms are zero
        for (unsigned k = 0; k < K; ++k) {
            Row factors, places;
            __builtin_memcpy(&factors, b.value + k * N + at % N, sizeof factors);
            __builtin_memcpy(&places, b.place + k * N + at % N, sizeof places);
            product[k] = a.value[row + k] * factors;
            places *= a.place[row + k];
            leading = places > leading ? places : leading;
        }
        const Row magic = leading * (0x1.8p52 / places_below);
        sum = (sum + magic) - magic;
        for (unsigned k = 0; k < K; ++k) sum += (product[k] + magic) - magic;
        // Rounded as a whole number: as what it is, it could be a subnormal fp32 number.
        const Sums whole = __builtin_convertvector(sum * (places_below / leading), Sums);
        Row rounded = __builtin_convertvector(whole, Row) * (leading / places_below);
        const Row size = rounded < 0.0 ? -rounded : rounded;
        rounded = size < 0x1p-126 ? rounded * 0.0 : rounded;
        const Sums sums = __builtin_convertvector(rounded, Sums);
        __builtin_memcpy(c + at, &sums, sizeof sums);
    }
    return true;
}

}  // namespace aie::detail
