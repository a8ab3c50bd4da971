// Element types of vectors and accumulators: what AIE2 calls them, and what each is made of.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include <type_traits>

#include "bfloat16.hpp"
#include "config.hpp"

using int8 = int8_t;
using int16 = int16_t;
using int32 = int32_t;
using int64 = int64_t;
using uint8 = uint8_t;
using uint16 = uint16_t;
using uint32 = uint32_t;
using uint64 = uint64_t;

// Four-bit integers: a number of its own outside a vector, half a byte inside, low nibble first.
struct int4_t {
    int8_t value;
    int4_t() = default;
    __aie_inline constexpr int4_t(int v) : value(static_cast<int8_t>((v & 15) - ((v & 8) << 1))) {}
    __aie_inline constexpr operator int() const { return value; }
};

struct uint4_t {
    uint8_t value;
    uint4_t() = default;
    __aie_inline constexpr uint4_t(int v) : value(static_cast<uint8_t>(v & 15)) {}
    __aie_inline constexpr operator int() const { return value; }
};

using int4 = int4_t;
using uint4 = uint4_t;

// Complex elements: memory layout only, see aie::vector.
struct cint16 {
    int16_t real, imag;
};
struct cint32 {
    int32_t real, imag;
};
struct cfloat {
    float real, imag;
};
using cint16_t = cint16;
using cint32_t = cint32;

// Tags of accumulators. AIE2 has lanes of 32 and 64 bits and of fp32; the other widths are minimum
// widths that kernels ask for and are rounded up to those.
struct acc16 {};
struct acc24 {};
struct acc32 {};
struct acc40 {};
struct acc48 {};
struct acc56 {};
struct acc64 {};
struct accfloat {};
struct accauto {};  // the default for the operands' types
struct cacc32 {};
struct cacc48 {};
struct cacc64 {};
struct caccfloat {};

namespace aie {

template <typename T, unsigned Elems>
class __attribute__((may_alias)) vector;
template <typename Tag, unsigned Elems>
class accum;
template <unsigned Elems>
class mask;

namespace detail {

template <typename T, typename... Others>
inline constexpr bool is_one_of = (std::is_same_v<T, Others> || ...);

template <typename T>
inline constexpr bool is_complex = is_one_of<T, cint16, cint32, cfloat>;

template <typename T>
inline constexpr bool is_int4 = is_one_of<T, int4, uint4>;

template <typename T>
inline constexpr bool is_floating = is_one_of<T, bfloat16, float>;

template <typename T>
inline constexpr bool is_element =
    is_int4<T> || is_floating<T> ||
    is_one_of<T, int8, uint8, int16, uint16, int32, uint32, int64, uint64>;

template <typename T>
inline constexpr bool is_signed_element =
    is_floating<T> || std::is_same_v<T, int4> || std::is_signed_v<T>;

template <typename T>
inline constexpr unsigned type_bits = is_int4<T> ? 4 : 8 * sizeof(T);

// A scalar that can stand for a vector of itself.
template <typename T>
inline constexpr bool is_scalar = std::is_arithmetic_v<T> || is_element<T>;

// What a lane of an accumulator is stored as.
template <typename Tag>
struct accum_lane;
template <>
struct accum_lane<accfloat> {
    using type = float;
};
template <typename Tag>
    requires is_one_of<Tag, acc16, acc24, acc32>
struct accum_lane<Tag> {
    using type = int32_t;
};
template <typename Tag>
    requires is_one_of<Tag, acc40, acc48, acc56, acc64>
struct accum_lane<Tag> {
    using type = int64_t;
};

template <typename Tag>
using accum_lane_t = typename accum_lane<Tag>::type;

template <typename Tag>
inline constexpr bool is_accum_tag =
    is_one_of<Tag, acc16, acc24, acc32, acc40, acc48, acc56, acc64, accfloat>;

template <typename Tag>
inline constexpr bool is_complex_accum_tag = is_one_of<Tag, cacc32, cacc48, cacc64, caccfloat>;

// The accumulator that a product of A and B goes to unless the kernel names one: 32 bits up to
// 16 x 16 bits, 48 (so 64) beyond, fp32 for floating point.
template <typename A, typename B>
constexpr auto default_accum_tag_of() {
    if constexpr (is_floating<A> || is_floating<B>)
        return accfloat{};
    else if constexpr (type_bits<A> <= 16 && type_bits<B> <= 16)
        return acc32{};
    else if constexpr (type_bits<A> <= 16 || type_bits<B> <= 16)
        return acc48{};
    else
        return acc64{};
}

template <typename Tag, typename A, typename B>
using accum_tag_or_default = std::conditional_t<std::is_same_v<Tag, accauto>,
                                                decltype(default_accum_tag_of<A, B>()), Tag>;

// Integer lanes wrap on overflow, as the hardware's adders do: computed unsigned, where C++
// defines it. fp32 lanes are added as AIE2 adds them.
template <typename T>
__aie_inline constexpr T wrap_add(T a, T b) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(static_cast<U>(a) + static_cast<U>(b)));
}

template <typename T>
__aie_inline constexpr T wrap_sub(T a, T b) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(static_cast<U>(a) - static_cast<U>(b)));
}

template <typename T>
__aie_inline constexpr T wrap_mul(T a, T b) {
    using U = std::make_unsigned_t<std::conditional_t<(sizeof(T) < 4), uint32_t, T>>;
    return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
}

}  // namespace detail

template <typename T>
inline constexpr unsigned native_vector_length_v = 512 / detail::type_bits<T>;

// Alignment that AIE2 needs for vectors in memory, in bytes.
inline constexpr unsigned vector_decl_align = 32;

template <typename T, unsigned Elems>
inline constexpr unsigned vector_ldst_align_v = Elems * detail::type_bits<T> == 128 ? 16 : 32;

}  // namespace aie

