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

// Four look-ups a load: aie::parallel_lookup reads a table of 16-bit entries of which every run of
// 128 bits stands twice, in two copies. The 256 entries that came are spread into that form first.
constexpr unsigned ENTRIES = 256;
constexpr unsigned RUN = 8;

void spread(const int8* __restrict table, int16* __restrict ab, int16* __restrict cd) {
    for (unsigned i = 0; i < ENTRIES; i += LANES) {
        const aie::vector<int16, LANES> wide = aie::load_v<LANES>(table + i).unpack();
        for (unsigned part = 0; part < LANES / RUN; ++part) {
            const auto run = wide.template extract<RUN>(part);
            for (unsigned copy = 0; copy < 2; ++copy) {
                aie::store_v(ab + 2 * i + (2 * part + copy) * RUN, run);
                aie::store_v(cd + 2 * i + (2 * part + copy) * RUN, run);
            }
        }
    }
}

void gelu_lookup(const uint8* __restrict in, const int8* __restrict table, int16* __restrict room,
                 int8* __restrict out) {
    int16* const ab = room;
    int16* const cd = room + 2 * ENTRIES;
    spread(table, ab, cd);
    const aie::lut<4, int8> spread_table(ENTRIES, ab, cd);
    aie::parallel_lookup<uint8, aie::lut<4, int8>, aie::lut_oor_policy::truncate> lookup(
        spread_table);
    for (unsigned i = 0; i < ELEMENTS; i += LANES) {
        aie::store_v(out + i, lookup.fetch(aie::load_v<LANES>(in + i)));
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

// `room` takes the spread table, twice.
void gelu_int8_lookup(const int8_t* in, const int8_t* table, int16_t* room, int8_t* out) {
    event0();
    gelu_lookup(reinterpret_cast<const uint8*>(in), table, room, out);
    event1();
}

}  // extern "C"
