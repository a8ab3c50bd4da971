// The block shapes that aie_api offers on AIE2 for dense operands, and where they accumulate.
//
// Source: the table of matrix multiplication modes of aie_api and its mmul headers for AIE-ML.
// Several shapes accumulate in 64 bits even where the operands' default is 32: products that
// would overflow 32 bits do not on the device, and so must not here.

#pragma once

#include "types.hpp"

namespace aie::detail {

struct Shape {
    unsigned m, k, n;
    constexpr bool operator==(const Shape&) const = default;
};

template <unsigned Count>
constexpr bool is_among(Shape shape, const Shape (&shapes)[Count]) {
    for (const Shape& known : shapes)
        if (known == shape) return true;
    return false;
}

inline constexpr Shape shapes_8x4[] = {{4, 16, 8}, {8, 16, 8}, {4, 32, 8}};
inline constexpr Shape shapes_8x8[] = {{4, 8, 4}, {4, 16, 4}, {8, 8, 4},  {2, 8, 8}, {4, 8, 8},
                                       {8, 8, 8}, {1, 16, 8}, {2, 16, 8}, {4, 16, 8}};
inline constexpr Shape shapes_16x8[] = {{4, 4, 4}, {8, 4, 4}, {4, 4, 8}, {8, 4, 8}};
inline constexpr Shape shapes_16x8_wide[] = {{4, 8, 4}, {2, 8, 8}};
inline constexpr Shape shapes_8x16_wide[] = {{4, 4, 8}, {4, 4, 4}};
inline constexpr Shape shapes_16x16[] = {{4, 2, 8}, {8, 2, 8}, {8, 1, 8}};
inline constexpr Shape shapes_16x16_wide[] = {{2, 4, 8}, {4, 4, 8}, {4, 4, 4}};
inline constexpr Shape shapes_32x16[] = {{4, 2, 4}, {4, 4, 4}, {2, 4, 8}, {4, 4, 8}, {4, 1, 8}};
inline constexpr Shape shapes_16x32[] = {{4, 4, 4}, {2, 4, 8}};
inline constexpr Shape shapes_32x32[] = {{4, 2, 4}, {4, 4, 4}, {8, 2, 4}, {4, 1, 8}};
inline constexpr Shape shapes_bfloat16[] = {{4, 8, 4}, {8, 8, 4}, {4, 8, 8}, {8, 8, 8}, {8, 1, 8}};
inline constexpr Shape shapes_float[] = {{4, 8, 4}, {4, 1, 4}, {4, 1, 8}};

enum class Accumulation { none, by_default, wide };

template <unsigned Count>
constexpr Accumulation by_default_if(Shape shape, const Shape (&shapes)[Count]) {
    return is_among(shape, shapes) ? Accumulation::by_default : Accumulation::none;
}

template <unsigned Count>
constexpr Accumulation wide_if(Shape shape, const Shape (&shapes)[Count], Accumulation other) {
    return is_among(shape, shapes) ? Accumulation::wide : other;
}

// How the blocks of a shape accumulate; none: AIE2 has no such shape for these operands.
template <typename A, typename B>
constexpr Accumulation mmul_accumulation(Shape shape) {
    constexpr unsigned widths = type_bits<A> * 100 + type_bits<B>;
    if constexpr (std::is_same_v<A, bfloat16> && std::is_same_v<B, bfloat16>)
        return by_default_if(shape, shapes_bfloat16);
    else if constexpr (std::is_same_v<A, float> && std::is_same_v<B, float>)
        return by_default_if(shape, shapes_float);
    else if constexpr (is_floating<A> || is_floating<B>)
        return Accumulation::none;
    else if constexpr (widths == 804)
        return by_default_if(shape, shapes_8x4);
    else if constexpr (widths == 808)
        return by_default_if(shape, shapes_8x8);
    else if constexpr (widths == 1608)
        return wide_if(shape, shapes_16x8_wide, by_default_if(shape, shapes_16x8));
    else if constexpr (widths == 816)
        return wide_if(shape, shapes_8x16_wide, Accumulation::none);
    else if constexpr (widths == 1616)
        return wide_if(shape, shapes_16x16_wide, by_default_if(shape, shapes_16x16));
    else if constexpr (widths == 3216)
        return by_default_if(shape, shapes_32x16);
    else if constexpr (widths == 1632)
        return by_default_if(shape, shapes_16x32);
    else if constexpr (widths == 3232)
        return by_default_if(shape, shapes_32x32);
    else
        return Accumulation::none;
}

}  // namespace aie::detail
