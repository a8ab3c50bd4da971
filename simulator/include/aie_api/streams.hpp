// What a core exchanges with others besides memory: the cascade and the stream ports.
//
// Each call goes to the simulator through the core's record (core.hpp). Without one there is
// nobody to exchange with, and the process ends.

#pragma once

#include "native_types.hpp"

namespace aie::host {

template <typename Register>
inline Register read_cascade() {
    if (!npu_core->cascade_read) __builtin_trap();
    Register value;
    for (unsigned at = 0; at < sizeof(value); at += 64)
        npu_core->cascade_read(npu_core->context, reinterpret_cast<char*>(&value) + at, 64);
    return value;
}

}  // namespace aie::host

// The cascade's next register, from the west or north neighbour; 1024 bits are two transfers.
// clang-format off
__aie_inline v64int8 get_scd_v64int8(int /*enable*/ = 1) { return aie::host::read_cascade<v64int8>(); }
__aie_inline v32int16 get_scd_v32int16(int /*enable*/ = 1) { return aie::host::read_cascade<v32int16>(); }
__aie_inline v16int32 get_scd_v16int32(int /*enable*/ = 1) { return aie::host::read_cascade<v16int32>(); }
__aie_inline v16acc32 get_scd_v16acc32(int /*enable*/ = 1) { return aie::host::read_cascade<v16acc32>(); }
__aie_inline v8acc64 get_scd_v8acc64(int /*enable*/ = 1) { return aie::host::read_cascade<v8acc64>(); }
__aie_inline v32int32 get_scd_v32int32(int /*enable*/ = 1) { return aie::host::read_cascade<v32int32>(); }
__aie_inline v16acc64 get_scd_v16acc64(int /*enable*/ = 1) { return aie::host::read_cascade<v16acc64>(); }
__aie_inline v16accfloat get_scd_v16accfloat(int /*enable*/ = 1) { return aie::host::read_cascade<v16accfloat>(); }
// clang-format on

// A register to the east or south neighbour.
template <typename Register>
inline void put_mcd(const Register& value, int /*enable*/ = 1) {
    static_assert(sizeof(value) % 64 == 0, "put_mcd: the cascade is 512 bits wide");
    if (!npu_core->cascade_write) __builtin_trap();
    for (unsigned at = 0; at < sizeof(value); at += 64)
        npu_core->cascade_write(npu_core->context, reinterpret_cast<const char*>(&value) + at, 64);
}

// A word from a slave port of the core's stream switch.
inline int get_ss(int port, bool& tlast) {
    if (!npu_core->stream_read) __builtin_trap();
    uint32_t last = 0;
    const uint32_t word =
        npu_core->stream_read(npu_core->context, static_cast<uint32_t>(port), &last);
    tlast = last != 0;
    return static_cast<int>(word);
}

inline int get_ss(int port = 0) {
    bool tlast = false;
    return get_ss(port, tlast);
}

// A word to a master port, the last of its packet if `tlast`.
inline void put_ms(int port, int word, int tlast = 0) {
    if (!npu_core->stream_write) __builtin_trap();
    npu_core->stream_write(npu_core->context, static_cast<uint32_t>(port),
                           static_cast<uint32_t>(word), static_cast<uint32_t>(tlast));
}
