// Copy PASSTHROUGH_BYTES bytes: the smallest kernel, and the first to try on a new machine.

#include <aie_api/aie.hpp>
#include <stdint.h>

namespace {

constexpr unsigned BYTES = PASSTHROUGH_BYTES;
constexpr unsigned LANES = 32;  // one 256-bit load and one 256-bit store

static_assert(BYTES % LANES == 0, "PASSTHROUGH_BYTES must be whole 32-byte vectors");

void copy_scalar(const uint8_t* in, uint8_t* out) {
    for (unsigned i = 0; i < BYTES; ++i) {
        out[i] = in[i];
    }
}

void copy_vector(const uint8* __restrict in, uint8* __restrict out) {
    for (unsigned i = 0; i < BYTES; i += LANES) {
        aie::store_v(out + i, aie::load_v<LANES>(in + i));
    }
}

}  // namespace

extern "C" {

void passthrough_scalar(const uint8_t* in, uint8_t* out) {
    event0();
    copy_scalar(in, out);
    event1();
}

void passthrough_vector(const uint8_t* in, uint8_t* out) {
    event0();
    copy_vector(in, out);
    event1();
}

}  // extern "C"
