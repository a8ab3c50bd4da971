// One core's share of C = A * B on the whole array: an output tile of M x N is the sum of
// products of an M x K tile of A and a K x N tile of B, and leaves as int32, or requantised to
// int8. How tiles are stored: ../tiles/int8.hpp.

#include <aie_api/aie.hpp>
#include <stdint.h>

#include "../tiles/int8.hpp"
#include "../tiles/turns.hpp"

namespace {

constexpr int SHIFT = MATMUL_SHIFT;
constexpr bool SCALAR = MATMUL_SCALAR;

using Tile = tiles::Int8<MATMUL_M, MATMUL_K, MATMUL_N>;

static_assert(SHIFT > 0 && SHIFT < 31, "SHIFT must leave something to round and something to keep");

[[maybe_unused]] void set_modes() {  // the scalar version narrows no accumulator
    aie::set_rounding(aie::rounding_mode::conv_even);
    aie::set_saturation(aie::saturation_mode::saturate);
}

}  // namespace

extern "C" {

// sums = A * B
void matmul_first(const int8_t* a, const int8_t* b, int32_t* sums) {
    tiles::first<Tile, SCALAR>(a, b, sums);
}

// sums += A * B
void matmul_mac(const int8_t* a, const int8_t* b, int32_t* sums) {
    tiles::mac<Tile, SCALAR>(a, b, sums);
}

// C = requantise(sums + A * B)
void matmul_last(const int8_t* a, const int8_t* b, int32_t* sums, int8_t* c) {
    event0();
    if constexpr (SCALAR) {
        Tile::add_scalar(a, b, sums);
        Tile::requantise_all<SHIFT>(sums, c);
    } else {
        set_modes();
        Tile::products(a, b, Tile::from(sums), Tile::requantised<SHIFT>(c));
    }
    event1();
}

}  // extern "C"
