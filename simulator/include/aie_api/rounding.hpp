// Rounding and saturation modes of the core, and shift-round-saturate (SRS).
//
// AIE2 narrows an accumulator to a vector in one instruction: shift right by `shift`, round what
// was shifted out as control register crRnd says, saturate to the destination as crSat says.
// Numbers of the modes are the register's own (llvm-aie, aiev2 intrinsics: rnd_floor = 0, ...).

#pragma once

#include <stdint.h>

#include <type_traits>

#include "core.hpp"

namespace aie {

enum class saturation_mode : unsigned {
    none = 0,       // overflow wraps: the low bits are kept
    truncate = 1,   // old name of saturate
    saturate = 1,   // clamp to the destination's range
    symmetric = 3,  // clamp, and a signed minimum becomes -maximum
};

enum class rounding_mode : unsigned {
    floor = 0,            // towards minus infinity
    ceil = 1,             // towards plus infinity
    symmetric_floor = 2,  // towards zero
    symmetric_ceil = 3,   // away from zero
    negative_inf = 8,     // nearest, ties towards minus infinity
    positive_inf = 9,     // nearest, ties towards plus infinity
    symmetric_zero = 10,  // nearest, ties towards zero
    symmetric_inf = 11,   // nearest, ties away from zero
    conv_even = 12,       // nearest, ties to even
    conv_odd = 13,        // nearest, ties to odd
};

__aie_inline void set_saturation(saturation_mode mode) {
    npu_core->saturation = static_cast<uint32_t>(mode);
}

__aie_inline saturation_mode get_saturation() {
    return static_cast<saturation_mode>(npu_core->saturation);
}

__aie_inline saturation_mode swap_saturation(saturation_mode mode) {
    const saturation_mode before = get_saturation();
    set_saturation(mode);
    return before;
}

__aie_inline void set_rounding(rounding_mode mode) {
    npu_core->rounding = static_cast<uint32_t>(mode);
}

__aie_inline rounding_mode get_rounding() {
    return static_cast<rounding_mode>(npu_core->rounding);
}

__aie_inline rounding_mode swap_rounding(rounding_mode mode) {
    const rounding_mode before = get_rounding();
    set_rounding(mode);
    return before;
}

namespace detail {

// Rounding as an amount added to the `shift` low bits before they are dropped; a carry out of
// them rounds up. It depends on the mode (constant), the sign and the parity of what is kept:
//     bias = always + negative * (value < 0) + odd * (kept & 1)
// so that one branch-free expression serves all modes and the compiler can vectorise it.
template <typename Int>
struct RoundingBias {
    Int always = 0;
    Int negative = 0;
    Int odd = 0;
};

template <typename Int>
__aie_inline RoundingBias<Int> rounding_bias(rounding_mode mode, int shift) {
    if (shift <= 0) return {};
    const Int half = static_cast<Int>(Int{1} << (shift - 1));
    const Int below_one = static_cast<Int>(half + (half - 1));
    switch (mode) {
        case rounding_mode::floor: return {0, 0, 0};
        case rounding_mode::ceil: return {below_one, 0, 0};
        case rounding_mode::symmetric_floor: return {0, below_one, 0};
        case rounding_mode::symmetric_ceil: return {below_one, static_cast<Int>(-below_one), 0};
        case rounding_mode::negative_inf: return {static_cast<Int>(half - 1), 0, 0};
        case rounding_mode::positive_inf: return {half, 0, 0};
        case rounding_mode::symmetric_zero: return {static_cast<Int>(half - 1), 1, 0};
        case rounding_mode::symmetric_inf: return {half, -1, 0};
        case rounding_mode::conv_even: return {static_cast<Int>(half - 1), 0, 1};
        case rounding_mode::conv_odd: return {half, 0, -1};
    }
    __builtin_trap();  // a number that is no mode of the register
}

// Shift right with rounding, by less bits than `Int` has. The low bits are rounded apart from the
// kept ones, so that nothing overflows.
template <typename Int>
__aie_inline Int shift_round(Int value, int shift, const RoundingBias<Int>& bias) {
    const Int kept = static_cast<Int>(value >> shift);
    const Int dropped = static_cast<Int>(value & ((Int{1} << shift) - 1));
    const Int sum = static_cast<Int>(dropped + bias.always + (value < 0 ? bias.negative : Int{0}) +
                                     ((kept & 1) ? bias.odd : Int{0}));
    return static_cast<Int>(kept + (sum >> shift));
}

// The range that saturation clamps to; `none` keeps everything, and narrowing then wraps.
template <typename Int>
struct SaturationRange {
    Int low;
    Int high;
};

template <typename To, typename Int>
__aie_inline SaturationRange<Int> saturation_range(saturation_mode mode, bool is_signed) {
    constexpr int bits = 8 * sizeof(To);
    constexpr Int int_max = static_cast<Int>((~uint64_t{0} >> 1) >> (64 - 8 * sizeof(Int)));
    constexpr Int int_min = static_cast<Int>(-int_max - 1);
    if (mode == saturation_mode::none) return {int_min, int_max};
    const int value_bits = is_signed ? bits - 1 : bits;
    const bool fits = value_bits < static_cast<int>(8 * sizeof(Int)) - 1;
    const Int high = fits ? static_cast<Int>((Int{1} << value_bits) - 1) : int_max;
    if (!is_signed) return {0, high};
    return {static_cast<Int>(mode == saturation_mode::symmetric ? -high : -high - 1), high};
}

// One SRS, prepared once for a whole vector.
template <typename To, typename Int>
struct ShiftRoundSaturate {
    __aie_inline ShiftRoundSaturate(int shift, bool is_signed)
        : shift_(shift),
          is_signed_(is_signed),
          bias_(rounding_bias<Int>(get_rounding(), shift)),
          range_(saturation_range<To, Int>(get_saturation(), is_signed)) {}

    __aie_inline To operator()(Int value) const {
        if (shift_ < 0 || shift_ > last_shift) return rare(value, shift_, is_signed_);
        return clamp(shift_round(value, shift_, bias_));
    }

  private:
    // Rounding adds to the dropped bits, which needs one more than there are.
    static constexpr int last_shift = 8 * sizeof(Int) - 2;

    __aie_inline To clamp(Int rounded) const {
        const Int above = rounded < range_.low ? range_.low : rounded;
        return static_cast<To>(above > range_.high ? range_.high : above);
    }

    // Shifts to the left, down to -4 on AIE2, and those that a 32-bit lane has no room for.
    __attribute__((noinline, cold)) static To rare(Int value, int shift, bool is_signed) {
        using Wide = ShiftRoundSaturate<To, int64_t>;
        if (shift > 62) return Wide(62, is_signed)(value);
        if (shift >= 0) return Wide(shift, is_signed)(value);
        const int64_t shifted = static_cast<int64_t>(static_cast<uint64_t>(value) << -shift);
        const bool fits = shifted >> -shift == value;
        if (fits || get_saturation() == saturation_mode::none) return Wide(0, is_signed)(shifted);
        constexpr int64_t highest = 0x7fffffffffffffff;
        return Wide(0, is_signed)(value < 0 ? -highest - 1 : highest);
    }

    int shift_;
    bool is_signed_;
    RoundingBias<Int> bias_;
    SaturationRange<Int> range_;
};

}  // namespace detail
}  // namespace aie
