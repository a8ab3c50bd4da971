// The core's shuffle unit: `shuffle(a, b, mode)` on 512-bit vectors.
//
// A mode's name says what it does. T8_2x64_lo takes a and b end to end as a matrix of 2 rows and
// 64 columns of 8-bit elements, transposes it and gives the low half of the result. A matrix
// smaller than a vector stands for one after the other. The modes of AIE2 are those below; the
// routing that xdna-emu has read back from the device agrees with the rule for all of them.

#pragma once

#include "vector.hpp"

namespace aie::host {

struct ShuffleMode {
    unsigned bits;
    unsigned rows;
    unsigned columns;
    bool high = false;
};

}  // namespace aie::host

// clang-format off
#define AIE_SHUFFLE_MODE(bits, rows, columns) \
    inline constexpr aie::host::ShuffleMode T##bits##_##rows##x##columns{bits, rows, columns};
#define AIE_SHUFFLE_MODES(bits, rows, columns)                                                    \
    inline constexpr aie::host::ShuffleMode T##bits##_##rows##x##columns##_lo{bits, rows, columns}; \
    inline constexpr aie::host::ShuffleMode T##bits##_##rows##x##columns##_hi{bits, rows, columns, true};
AIE_SHUFFLE_MODES(8, 64, 2)   AIE_SHUFFLE_MODES(8, 2, 64)
AIE_SHUFFLE_MODES(16, 32, 2)  AIE_SHUFFLE_MODES(16, 2, 32)
AIE_SHUFFLE_MODES(32, 16, 2)  AIE_SHUFFLE_MODES(32, 2, 16)
AIE_SHUFFLE_MODES(64, 8, 2)   AIE_SHUFFLE_MODES(64, 2, 8)
AIE_SHUFFLE_MODES(128, 4, 2)  AIE_SHUFFLE_MODES(128, 2, 4)
AIE_SHUFFLE_MODES(256, 2, 2)  AIE_SHUFFLE_MODES(512, 1, 2)
AIE_SHUFFLE_MODES(16, 16, 4)  AIE_SHUFFLE_MODES(16, 4, 16)
AIE_SHUFFLE_MODES(32, 8, 4)   AIE_SHUFFLE_MODES(32, 4, 8)
AIE_SHUFFLE_MODE(16, 8, 4)    AIE_SHUFFLE_MODE(16, 4, 8)
AIE_SHUFFLE_MODE(32, 4, 4)    AIE_SHUFFLE_MODE(8, 8, 8)
AIE_SHUFFLE_MODE(8, 16, 4)    AIE_SHUFFLE_MODE(8, 4, 16)
AIE_SHUFFLE_MODE(16, 4, 4)    AIE_SHUFFLE_MODE(16, 4, 2)
AIE_SHUFFLE_MODE(16, 2, 4)    AIE_SHUFFLE_MODE(16, 8, 2)
AIE_SHUFFLE_MODE(16, 2, 8)    AIE_SHUFFLE_MODE(16, 16, 2)
AIE_SHUFFLE_MODE(16, 2, 16)   AIE_SHUFFLE_MODE(8, 8, 4)
AIE_SHUFFLE_MODE(8, 4, 8)
#undef AIE_SHUFFLE_MODES
#undef AIE_SHUFFLE_MODE

// Older names: (de)interleave elements of the first width within chunks of the second.
inline constexpr auto DINTLV_lo_8o16 = T8_64x2_lo,    DINTLV_hi_8o16 = T8_64x2_hi;
inline constexpr auto DINTLV_lo_16o32 = T16_32x2_lo,  DINTLV_hi_16o32 = T16_32x2_hi;
inline constexpr auto DINTLV_lo_32o64 = T32_16x2_lo,  DINTLV_hi_32o64 = T32_16x2_hi;
inline constexpr auto DINTLV_lo_64o128 = T64_8x2_lo,  DINTLV_hi_64o128 = T64_8x2_hi;
inline constexpr auto DINTLV_lo_128o256 = T128_4x2_lo, DINTLV_hi_128o256 = T128_4x2_hi;
inline constexpr auto INTLV_lo_8o16 = T8_2x64_lo,     INTLV_hi_8o16 = T8_2x64_hi;
inline constexpr auto INTLV_lo_16o32 = T16_2x32_lo,   INTLV_hi_16o32 = T16_2x32_hi;
inline constexpr auto INTLV_lo_32o64 = T32_2x16_lo,   INTLV_hi_32o64 = T32_2x16_hi;
inline constexpr auto INTLV_lo_64o128 = T64_2x8_lo,   INTLV_hi_64o128 = T64_2x8_hi;
inline constexpr auto INTLV_lo_128o256 = T128_2x4_lo, INTLV_hi_128o256 = T128_2x4_hi;
// clang-format on

template <typename T, unsigned Elems>
__aie_inline aie::vector<T, Elems> shuffle(const aie::vector<T, Elems>& a,
                                           const aie::vector<T, Elems>& b,
                                           aie::host::ShuffleMode mode) {
    static_assert(sizeof(a) == 64, "shuffle: vectors of 512 bits");
    const auto both = aie::concat(a, b);
    const unsigned bytes = mode.bits / 8;
    const unsigned matrix = mode.rows * mode.columns;
    const unsigned count = 64 / bytes;
    aie::vector<T, Elems> result;
    AIE_HOST_REORDER
    for (unsigned i = 0; i < count; ++i) {
        const unsigned out = mode.high ? i + count : i;
        const unsigned within = out % matrix;
        const unsigned source =
            out - within + within % mode.rows * mode.columns + within / mode.rows;
        __builtin_memcpy(reinterpret_cast<char*>(&result) + i * bytes,
                         reinterpret_cast<const char*>(&both) + source * bytes, bytes);
    }
    return result;
}

template <typename T, unsigned Elems>
__aie_inline aie::vector<T, Elems> shuffle(const aie::vector<T, Elems>& a,
                                           aie::host::ShuffleMode mode) {
    return shuffle(a, a, mode);
}

// The bytes of a and b end to end, from byte `shift` on.
template <typename T, unsigned Elems>
__aie_inline aie::vector<T, Elems> shift_bytes(const aie::vector<T, Elems>& a,
                                               const aie::vector<T, Elems>& b, unsigned shift) {
    const auto both = aie::concat(a, b);
    char bytes[sizeof(a)];
    __builtin_memcpy(bytes, reinterpret_cast<const char*>(&both) + shift, sizeof(bytes));
    aie::vector<T, Elems> result;
    aie::detail::copy_bits(result, bytes);
    return result;
}
