// One core's share of GELU(conv(x) + b), a convolution over time as a matrix product: a row of A
// is the frames that the filters cover, one after the other. An output tile of M x N is the fp32
// sum, from the bias on, of products of an M x K tile of A and a K x N tile of filters; it is
// rounded to bfloat16 before its GELU and after. How tiles are stored: ../tiles/bf16.hpp.

#include <aie_api/aie.hpp>
#include <stdint.h>

#include "../common/gelu.hpp"
#include "../tiles/bf16.hpp"
#include "../tiles/turns.hpp"

namespace {

constexpr unsigned M = CONV_M;
constexpr unsigned K = CONV_K;
constexpr unsigned N = CONV_N;
constexpr unsigned BIASES = CONV_BIASES;
constexpr bool SCALAR = CONV_SCALAR;

using Tile = tiles::Bf16<M, K, N>;

static_assert(M * N % gelu_bf16::LANES == 0, "a tile is whole vectors of the GELU");

}  // namespace

extern "C" {

// Keep the biases, the rows of a tile of filters, each four times in a block.
void conv_take(const bfloat16* raw, bfloat16* kept) {
    Tile::take_rows<BIASES>(raw, kept);
}

// sums = bias of tile `index` + A * B
void conv_first(const bfloat16* a, const bfloat16* b, const bfloat16* kept, int32_t index,
                float* sums) {
    tiles::first<Tile, SCALAR>(a, b, kept + index * static_cast<int32_t>(Tile::ROW), sums);
}

// sums += A * B
void conv_mac(const bfloat16* a, const bfloat16* b, float* sums) {
    tiles::mac<Tile, SCALAR>(a, b, sums);
}

// C = GELU(sums + A * B)
void conv_last(const bfloat16* a, const bfloat16* b, float* sums, bfloat16* c) {
    event0();
    if constexpr (SCALAR) {
        Tile::add_scalar(a, b, sums);
        for (unsigned i = 0; i < M * N; ++i) {
            const auto rounded = static_cast<bfloat16>(sums[i]);
            c[i] = static_cast<bfloat16>(gelu_bf16::gelu_scalar(static_cast<float>(rounded)));
        }
    } else {
        aie::set_rounding(aie::rounding_mode::conv_even);
        aie::set_saturation(aie::saturation_mode::none);
        Tile::products(a, b, Tile::from(sums), Tile::rounded(c));
        for (unsigned i = 0; i < M * N; i += gelu_bf16::LANES) {
            aie::store_v(c + i, gelu_bf16::gelu_lanes(aie::load_v<gelu_bf16::LANES>(c + i)));
        }
    }
    event1();
}

}  // extern "C"
