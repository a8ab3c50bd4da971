// GELU of GELU_ELEMENTS int8 values by table: out[i] = table[in[i] as an unsigned byte].
//
// Everything about the function, its scales and its rounding is in the 256-entry table.

#include <aie_api/aie.hpp>
#include <stdint.h>

namespace {

constexpr unsigned ELEMENTS = GELU_ELEMENTS;
constexpr unsigned LANES = 32;

static_assert(ELEMENTS % LANES == 0, "GELU_ELEMENTS must be whole 32-byte vectors");

void gelu_scalar(const int8_t* in, const int8_t* table, int8_t* out) {
    for (unsigned i = 0; i < ELEMENTS; ++i) {
        out[i] = table[static_cast<uint8_t>(in[i])];
    }
}

// Moves inputs and outputs as whole vectors: a byte store is a read-modify-write of its word on
// AIE2, and 32 bytes gathered in a vector register leave in one store.
void gelu_vector(const uint8* __restrict in, const int8* __restrict table, int8* __restrict out) {
    for (unsigned i = 0; i < ELEMENTS; i += LANES) {
        const aie::vector<uint8, LANES> x = aie::load_v<LANES>(in + i);
        aie::vector<int8, LANES> y;
        for (unsigned lane = 0; lane < LANES; ++lane) {
            y.set(table[x.get(lane)], lane);
        }
        aie::store_v(out + i, y);
    }
}

}  // namespace

extern "C" {

void gelu_int8_scalar(const int8_t* in, const int8_t* table, int8_t* out) {
    event0();
    gelu_scalar(in, table, out);
    event1();
}

void gelu_int8_vector(const int8_t* in, const int8_t* table, int8_t* out) {
    event0();
    gelu_vector(reinterpret_cast<const uint8*>(in), table, out);
    event1();
}

}  // extern "C"
