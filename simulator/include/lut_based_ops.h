// Elementary functions from tables, by the names of mlir-aie's lut_based_ops.h: what kernels of
// its library include for exp, tanh and the reciprocal on AIE2.
//
// The results are those of its tables, bit for bit. The tables for exp and the reciprocal are
// computed from what they tabulate; tanh's slopes and offsets are fitted, and are given.

#pragma once

#include <aie_api/aie.hpp>

namespace aie::host {

// exp(x) in double precision, for tables: by halving x until a short series is exact enough.
constexpr double table_exp(double x) {
    if (x < 0) return 1.0 / table_exp(-x);
    if (x > 0.03125) {
        const double root = table_exp(x / 2);
        return root * root;
    }
    double sum = 1.0;
    double term = 1.0;
    for (int i = 1; i < 10; ++i) {
        term *= x / i;
        sum += term;
    }
    return sum;
}

// exp for every value of a signed byte, and for every 256th of one. Beyond 88 it stays finite.
struct ExpTables {
    bfloat16 whole[256];
    bfloat16 fraction[256];

    constexpr ExpTables() : whole{}, fraction{} {
        for (int i = 0; i < 256; ++i) {
            const int exponent = i < 128 ? i : i - 256;
            whole[i] = table_exp(exponent < 88 ? exponent : 88);
            fraction[i] = table_exp(i / 256.0);
        }
    }
};

inline constexpr ExpTables exp_tables;

// The mantissa of 1 / (1 + i / 128), in 128ths.
struct InverseTable {
    uint8_t mantissa[128];

    constexpr InverseTable() : mantissa{} {
        for (int i = 1; i < 128; ++i)
            mantissa[i] = static_cast<uint8_t>((2.0 / (1 + i / 128.0) - 1) * 128 + 0.5);
    }
};

inline constexpr InverseTable inverse_table;

// tanh over [-4, 0] in 16 steps of 1/4 as slope * x + offset; the rest by symmetry.
struct Line {
    float slope;
    float offset;
};

inline constexpr Line tanh_lines[16] = {
    {0.0f, -1.0f},
    {0.002838134765625f, -0.98828125f},
    {0.005096435546875f, -0.98046875f},
    {0.00750732421875f, -0.97265625f},
    {0.0126953125f, -0.95703125f},
    {0.021240234375f, -0.93359375f},
    {0.035400390625f, -0.8984375f},
    {0.056396484375f, -0.8515625f},
    {0.091796875f, -0.78125f},
    {0.1455078125f, -0.6875f},
    {0.2294921875f, -0.5625f},
    {0.34765625f, -0.416015625f},
    {0.50390625f, -0.259765625f},
    {0.69140625f, -0.11962890625f},
    {0.8671875f, -0.03076171875f},
    {1.0f, 0.0f},
};

}  // namespace aie::host

// exp(x) as exp(whole part) * exp(8 bits of fraction), 16 lanes.
inline v16accfloat getExpBf16(v16bfloat16 x) {
    const auto fixed = bfloat16_to_int(x, 8);
    v16bfloat16 whole;
    v16bfloat16 fraction;
    for (unsigned i = 0; i < 16; ++i) {
        whole[i] = aie::host::exp_tables.whole[fixed.get(i) >> 8 & 0xff];
        fraction[i] = aie::host::exp_tables.fraction[fixed.get(i) & 0xff];
    }
    return aie::mul(whole, fraction);
}

// 1 / x for a normal x, rounded to bfloat16 first.
inline bfloat16 getInvBf16(float x) {
    const uint32_t bits = aie::detail::fp32_bits(x) + 0x8000u;
    const uint32_t exponent = bits >> 23 & 0xffu;
    const uint32_t mantissa = bits >> 16 & 0x7fu;
    const uint32_t inverse = ((mantissa == 0) + (253u - exponent)) & 0xffu;
    return bfloat16::from_bits(
        static_cast<uint16_t>((inverse << 7) + aie::host::inverse_table.mantissa[mantissa]));
}

// tanh(x), 16 lanes.
inline v16bfloat16 getTanhBf16(v16bfloat16 x) {
    const auto quarters = bfloat16_to_int(x, 2);
    v16bfloat16 slope;
    v16float offset;
    for (unsigned i = 0; i < 16; ++i) {
        const int32_t step = quarters.get(i) < -16 ? -16 : quarters.get(i) > 15 ? 15 : quarters.get(i);
        const aie::host::Line line = aie::host::tanh_lines[step < 0 ? step + 16 : 15 - step];
        slope[i] = line.slope;
        offset[i] = step < 0 ? line.offset : -line.offset;
    }
    return aie::mac(v16accfloat(offset), slope, x).to_vector<bfloat16>();
}
