// bfloat16: the upper half of an fp32, with AIE2's conversions.
//
// A kernel's scalar bfloat16 is converted by the compiler: round to nearest even, NaN stays NaN.
// A vector's is converted by the vector unit, which rounds as the core's rounding mode says (by
// default towards minus infinity); see RoundToBfloat16.

#pragma once

#include <stdint.h>

#include <limits>
#include <type_traits>

#include "rounding.hpp"

namespace aie::detail {

inline constexpr uint32_t fp32_sign = 0x80000000u;
inline constexpr uint32_t fp32_infinity = 0x7f800000u;

__aie_inline constexpr uint32_t fp32_bits(float value) {
    return __builtin_bit_cast(uint32_t, value);
}

__aie_inline constexpr float fp32_from_bits(uint32_t bits) {
    return __builtin_bit_cast(float, bits);
}

__aie_inline constexpr uint16_t nearest_bfloat16_bits(float value) {
    const uint32_t bits = fp32_bits(value);
    if ((bits & ~fp32_sign) > fp32_infinity) return static_cast<uint16_t>((bits >> 16) | 0x40u);
    return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace aie::detail

struct bfloat16 {
    uint16_t bits;

    bfloat16() = default;

    template <typename Number>
        requires std::is_arithmetic_v<Number>
    __aie_inline constexpr bfloat16(Number value)
        : bits(aie::detail::nearest_bfloat16_bits(static_cast<float>(value))) {}

    __aie_inline constexpr operator float() const {
        return aie::detail::fp32_from_bits(static_cast<uint32_t>(bits) << 16);
    }

    __aie_inline static constexpr bfloat16 from_bits(uint16_t bits) {
        bfloat16 result{};
        result.bits = bits;
        return result;
    }

    __aie_inline constexpr bfloat16& operator+=(float b) { return *this = float(*this) + b; }
    __aie_inline constexpr bfloat16& operator-=(float b) { return *this = float(*this) - b; }
    __aie_inline constexpr bfloat16& operator*=(float b) { return *this = float(*this) * b; }
    __aie_inline constexpr bfloat16& operator/=(float b) { return *this = float(*this) / b; }
};

template <>
struct std::numeric_limits<bfloat16> {
    static constexpr bool is_specialized = true;
    static constexpr bool is_signed = true;
    static constexpr bool is_integer = false;
    static constexpr bool is_exact = false;
    static constexpr bool has_infinity = true;
    static constexpr bool has_quiet_NaN = true;
    static constexpr int digits = 8;

    static constexpr bfloat16 min() { return bfloat16::from_bits(0x0080); }
    static constexpr bfloat16 max() { return bfloat16::from_bits(0x7f7f); }
    static constexpr bfloat16 lowest() { return bfloat16::from_bits(0xff7f); }
    static constexpr bfloat16 epsilon() { return bfloat16::from_bits(0x3c00); }
    static constexpr bfloat16 infinity() { return bfloat16::from_bits(0x7f80); }
    static constexpr bfloat16 quiet_NaN() { return bfloat16::from_bits(0x7fc0); }
};

namespace aie::detail {

// fp32 to bfloat16 in the vector unit. Rounding applies to the value, so "up" grows a positive
// magnitude and shrinks a negative one. Subnormals are kept; infinity stays; a NaN is cut to its
// upper half, and keeps one bit set if that would leave an infinity.
struct RoundToBfloat16 {
    __aie_inline RoundToBfloat16() : bias_(rounding_bias<int32_t>(get_rounding(), 16)) {}

    __aie_inline bfloat16 operator()(float value) const {
        const uint32_t bits = fp32_bits(value);
        const uint32_t magnitude = bits & ~fp32_sign;
        const int32_t sign = static_cast<int32_t>(bits) >> 31;
        const int32_t rounded =
            shift_round((static_cast<int32_t>(magnitude) ^ sign) - sign, 16, bias_);
        const uint32_t finite = static_cast<uint32_t>((rounded ^ sign) - sign);
        const uint32_t cut = magnitude >> 16;
        const uint32_t special = cut | (magnitude > fp32_infinity && (cut & 0x7fu) == 0);
        const uint32_t result = magnitude < fp32_infinity ? finite : special;
        return bfloat16::from_bits(static_cast<uint16_t>(result | (bits >> 31 << 15)));
    }

  private:
    RoundingBias<int32_t> bias_;
};

}  // namespace aie::detail
