// The core's own names of vectors, accumulators and modes. On the device they are types of the
// compiler that convert to and from those of aie_api; here they are those of aie_api.

#pragma once

#include "accum.hpp"

// clang-format off
using v32int4 = aie::vector<int4, 32>;     using v32uint4 = aie::vector<uint4, 32>;
using v64int4 = aie::vector<int4, 64>;     using v64uint4 = aie::vector<uint4, 64>;
using v128int4 = aie::vector<int4, 128>;   using v128uint4 = aie::vector<uint4, 128>;
using v16int8 = aie::vector<int8, 16>;     using v16uint8 = aie::vector<uint8, 16>;
using v32int8 = aie::vector<int8, 32>;     using v32uint8 = aie::vector<uint8, 32>;
using v64int8 = aie::vector<int8, 64>;     using v64uint8 = aie::vector<uint8, 64>;
using v128int8 = aie::vector<int8, 128>;   using v128uint8 = aie::vector<uint8, 128>;
using v8int16 = aie::vector<int16, 8>;     using v8uint16 = aie::vector<uint16, 8>;
using v16int16 = aie::vector<int16, 16>;   using v16uint16 = aie::vector<uint16, 16>;
using v32int16 = aie::vector<int16, 32>;   using v32uint16 = aie::vector<uint16, 32>;
using v64int16 = aie::vector<int16, 64>;   using v64uint16 = aie::vector<uint16, 64>;
using v4int32 = aie::vector<int32, 4>;     using v4uint32 = aie::vector<uint32, 4>;
using v8int32 = aie::vector<int32, 8>;     using v8uint32 = aie::vector<uint32, 8>;
using v16int32 = aie::vector<int32, 16>;   using v16uint32 = aie::vector<uint32, 16>;
using v32int32 = aie::vector<int32, 32>;   using v32uint32 = aie::vector<uint32, 32>;
using v8bfloat16 = aie::vector<bfloat16, 8>;
using v16bfloat16 = aie::vector<bfloat16, 16>;
using v32bfloat16 = aie::vector<bfloat16, 32>;
using v64bfloat16 = aie::vector<bfloat16, 64>;
using v4float = aie::vector<float, 4>;     using v8float = aie::vector<float, 8>;
using v16float = aie::vector<float, 16>;   using v32float = aie::vector<float, 32>;
using v8acc32 = aie::accum<acc32, 8>;      using v16acc32 = aie::accum<acc32, 16>;
using v32acc32 = aie::accum<acc32, 32>;    using v4acc64 = aie::accum<acc64, 4>;
using v8acc64 = aie::accum<acc64, 8>;      using v16acc64 = aie::accum<acc64, 16>;
using v8accfloat = aie::accum<accfloat, 8>;
using v16accfloat = aie::accum<accfloat, 16>;
using v32accfloat = aie::accum<accfloat, 32>;
// clang-format on

inline constexpr unsigned rnd_floor = 0;
inline constexpr unsigned rnd_ceil = 1;
inline constexpr unsigned rnd_sym_floor = 2;
inline constexpr unsigned rnd_sym_ceil = 3;
inline constexpr unsigned rnd_neg_inf = 8;
inline constexpr unsigned rnd_pos_inf = 9;
inline constexpr unsigned rnd_sym_zero = 10;
inline constexpr unsigned rnd_sym_inf = 11;
inline constexpr unsigned rnd_conv_even = 12;
inline constexpr unsigned rnd_conv_odd = 13;

__aie_inline void set_rnd(unsigned mode) {
    npu_core->rounding = mode;
}

__aie_inline unsigned get_rnd() {
    return npu_core->rounding;
}

__aie_inline void set_satmode(unsigned mode) {
    npu_core->saturation = mode;
}

__aie_inline unsigned get_satmode() {
    return npu_core->saturation;
}

__aie_inline void set_sat() {
    aie::set_saturation(aie::saturation_mode::saturate);
}

__aie_inline void clr_sat() {
    aie::set_saturation(aie::saturation_mode::none);
}
