// Conversions between element types: pack, unpack, fixed to floating point and back.

#pragma once

#include "lanes.hpp"
#include "memory.hpp"

namespace aie {

namespace detail {

template <typename T>
struct wider;
template <typename T>
struct narrower;
// clang-format off
template <> struct wider<int4> { using type = int8; };
template <> struct wider<uint4> { using type = uint8; };
template <> struct wider<int8> { using type = int16; };
template <> struct wider<uint8> { using type = uint16; };
template <> struct wider<int16> { using type = int32; };
template <> struct wider<uint16> { using type = uint32; };
template <> struct narrower<int8> { using type = int4; };
template <> struct narrower<uint8> { using type = uint4; };
template <> struct narrower<int16> { using type = int8; };
template <> struct narrower<uint16> { using type = uint8; };
template <> struct narrower<int32> { using type = int16; };
template <> struct narrower<uint32> { using type = uint16; };
// clang-format on

// A value kept in `bits` bits: clamped if the core saturates, cut otherwise.
__aie_inline int32_t fit(int32_t value, unsigned bits, bool is_signed, saturation_mode mode) {
    if (mode == saturation_mode::none) return value;
    const int32_t high = static_cast<int32_t>((1ll << (is_signed ? bits - 1 : bits)) - 1);
    const int32_t low = !is_signed ? 0 : mode == saturation_mode::symmetric ? -high : -high - 1;
    return value < low ? low : value > high ? high : value;
}

}  // namespace detail

// Widen every element. What is extended is the sign if `is_signed`, else zeros.
template <typename T, unsigned Elems>
template <typename To>
__aie_inline vector<To, Elems> vector<T, Elems>::unpack_sign(bool is_signed) const {
    static_assert(detail::type_bits<To> > detail::type_bits<T> && !is_floating_point());
    constexpr unsigned spare = 64 - detail::type_bits<T>;
    return detail::generate<vector<To, Elems>>([&](unsigned i) {
        const uint64_t raised = static_cast<uint64_t>(static_cast<int64_t>(get(i))) << spare;
        const int64_t value = is_signed ? static_cast<int64_t>(raised) >> spare
                                        : static_cast<int64_t>(raised >> spare);
        return static_cast<To>(value);
    });
}

// Narrow every element to half its bits, saturated or cut as the core's saturation mode says.
template <typename T, unsigned Elems>
template <typename To>
__aie_inline vector<To, Elems> vector<T, Elems>::pack_sign(bool is_signed) const {
    static_assert(detail::type_bits<To> < detail::type_bits<T> && !is_floating_point());
    const saturation_mode mode = get_saturation();
    return detail::generate<vector<To, Elems>>([&](unsigned i) {
        const int32_t value = static_cast<int32_t>(get(i));
        return static_cast<To>(detail::fit(value, detail::type_bits<To>, is_signed, mode));
    });
}

template <typename T, unsigned Elems>
template <typename To>
__aie_inline auto vector<T, Elems>::unpack() const {
    if constexpr (std::is_void_v<To>)
        return unpack_sign<typename detail::wider<T>::type>(is_signed());
    else
        return unpack_sign<To>(is_signed());
}

template <typename T, unsigned Elems>
template <typename To>
__aie_inline auto vector<T, Elems>::pack() const {
    if constexpr (std::is_void_v<To>)
        return pack_sign<typename detail::narrower<T>::type>(is_signed());
    else
        return pack_sign<To>(is_signed());
}

template <typename To = void, typename T, unsigned Elems>
__aie_inline auto unpack(const vector<T, Elems>& v) {
    return v.template unpack<To>();
}

template <typename To = void, typename T, unsigned Elems>
__aie_inline auto pack(const vector<T, Elems>& v) {
    return v.template pack<To>();
}

namespace detail {

// value * 2^shift as an integer of 32 bits, saturated. NaN becomes the largest: xdna-emu has seen
// that of the conversion from bfloat16; from float it is undocumented.
enum class FixedRounding { down, nearest_even };

template <FixedRounding Rounding>
__aie_inline int32_t fixed_point(float value, int shift) {
    const uint32_t bits = fp32_bits(value);
    const int32_t biased = static_cast<int32_t>(bits >> 23 & 0xffu);
    const int64_t fraction = (bits & 0x7fffffu) | (biased ? 0x800000u : 0u);
    const int64_t mantissa = bits >> 31 ? -fraction : fraction;
    const int exponent = (biased ? biased : 1) - 150 + shift;
    constexpr int64_t high = 0x7fffffff;
    if ((bits & ~fp32_sign) > fp32_infinity) return 0x7fffffff;
    if (exponent > 8) return mantissa > 0 ? 0x7fffffff : mantissa < 0 ? -0x7fffffff - 1 : 0;
    int64_t fixed = exponent >= 0 ? mantissa * (int64_t{1} << exponent) : mantissa;
    if (exponent < 0) {
        const int drop = exponent < -40 ? 40 : -exponent;
        const int64_t half = Rounding == FixedRounding::down ? 0 : int64_t{1} << (drop - 1);
        const int64_t tie_to_even = half ? ((mantissa >> drop) & 1) - 1 : 0;
        fixed = (mantissa + half + tie_to_even) >> drop;
    }
    return static_cast<int32_t>(fixed > high ? high : fixed < -high - 1 ? -high - 1 : fixed);
}

template <typename To>
__aie_inline To clamp_to(int32_t value) {
    return static_cast<To>(fit(value, type_bits<To>, is_signed_element<To>,
                               saturation_mode::saturate));
}

}  // namespace detail

// Floating to fixed point with `shift` fractional bits, saturated. From bfloat16 the value is
// rounded down, and for 16 bits cut to the low half of 32, as AIE2's own conversion does; from
// float aie_api computes it with additions, which round to nearest even.
template <typename To = int32, typename T, unsigned Elems>
    requires detail::is_floating<T>
__aie_inline vector<To, Elems> to_fixed(const vector<T, Elems>& v, int shift = 0) {
    using detail::FixedRounding;
    return detail::generate<vector<To, Elems>>([&](unsigned i) {
        if constexpr (std::is_same_v<T, float>)
            return detail::clamp_to<To>(
                detail::fixed_point<FixedRounding::nearest_even>(v.get(i), shift));
        else
            return static_cast<To>(detail::fixed_point<FixedRounding::down>(v.get(i), shift));
    });
}

template <typename To = int32>
__aie_inline To to_fixed(float value, int shift = 0) {
    using detail::FixedRounding;
    return detail::clamp_to<To>(detail::fixed_point<FixedRounding::nearest_even>(value, shift));
}

namespace detail {

__aie_inline float scale_by_power_of_two(float value, int power) {
    while (power < -126) {
        value *= 0x1p-126f;
        power += 126;
    }
    while (power > 127) {
        value *= 0x1p127f;
        power -= 127;
    }
    return value * fp32_from_bits(static_cast<uint32_t>(power + 127) << 23);
}

}  // namespace detail

namespace detail {

// An integer as fp32: 16 bits at a time, highest first, added as AIE2 adds. This is how aie_api
// converts what is wider than 16 bits, and not always the nearest fp32.
__aie_inline float integer_to_fp32(int64_t value, unsigned bits) {
    if (bits <= 16) return static_cast<float>(value);
    float sum = scale_by_power_of_two(static_cast<float>(value >> (bits - 16)), bits - 16);
    for (unsigned low = bits - 16; low > 0; low -= 16) {
        const float part = static_cast<float>(value >> (low - 16) & 0xffff);
        sum = add_fp32(sum, scale_by_power_of_two(part, low - 16));
    }
    return sum;
}

}  // namespace detail

// Fixed point with `shift` fractional bits to floating point.
template <typename To = float, typename T, unsigned Elems>
    requires(!detail::is_floating<T>)
__aie_inline vector<To, Elems> to_float(const vector<T, Elems>& v, int shift = 0) {
    using Acc = accum<accfloat, Elems>;
    const Acc scaled = detail::generate_lanes<Acc>([&](unsigned i) {
        const float value = detail::integer_to_fp32(v.get(i), detail::type_bits<T>);
        return detail::scale_by_power_of_two(value, -shift);
    });
    return scaled.template to_vector<To>();
}

template <typename To = float, typename Tag, unsigned Elems>
__aie_inline vector<To, Elems> to_float(const accum<Tag, Elems>& acc, int shift = 0) {
    return detail::generate<vector<To, Elems>>([&](unsigned i) {
        const float value = detail::integer_to_fp32(acc.lane(i), acc.value_bits());
        return detail::scale_by_power_of_two(value, -shift);
    });
}

template <typename To = float>
__aie_inline To to_float(int value, int shift = 0) {
    return To(detail::scale_by_power_of_two(detail::integer_to_fp32(value, 32), -shift));
}

}  // namespace aie
