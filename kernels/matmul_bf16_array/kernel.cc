// One core's share of C = A * B on the whole array: an output tile of M x N is the fp32 sum of
// products of an M x K tile of A and a K x N tile of B, rounded once to bfloat16. How tiles are
// stored: ../tiles/bf16.hpp.

#include <aie_api/aie.hpp>
#include <stdint.h>

#include "../tiles/bf16.hpp"
#include "../tiles/turns.hpp"

namespace {

constexpr bool SCALAR = MATMUL_SCALAR;

using Tile = tiles::Bf16<MATMUL_M, MATMUL_K, MATMUL_N>;

}  // namespace

extern "C" {

// sums = A * B
void matmul_first(const bfloat16* a, const bfloat16* b, float* sums) {
    tiles::first<Tile, SCALAR>(a, b, sums);
}

// sums += A * B
void matmul_mac(const bfloat16* a, const bfloat16* b, float* sums) {
    tiles::mac<Tile, SCALAR>(a, b, sums);
}

// C = sums + A * B, rounded
void matmul_last(const bfloat16* a, const bfloat16* b, float* sums, bfloat16* c) {
    event0();
    if constexpr (SCALAR) {
        Tile::add_scalar(a, b, sums);
        Tile::round_all(sums, c);
    } else {
        aie::set_rounding(aie::rounding_mode::conv_even);
        Tile::products(a, b, Tile::from(sums), Tile::rounded(c));
    }
    event1();
}

}  // extern "C"
