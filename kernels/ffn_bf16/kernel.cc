// One core's share of Y = GELU(X W1 + b1) W2 + b2: tiles of the hidden layer and of Y, each the
// sum of products of an M x K tile of activations and a K x N tile of weights, in fp32 from the
// bias on. A tile of the hidden layer is rounded to bfloat16 before its GELU and after. How tiles
// are stored: ../tiles/bf16.hpp.

#include <aie_api/aie.hpp>
#include <stdint.h>

#include "../common/gelu.hpp"
#include "../tiles/bf16.hpp"
#include "../tiles/turns.hpp"

namespace {

constexpr unsigned M = FFN_M;
constexpr unsigned K = FFN_K;
constexpr unsigned N = FFN_N;
constexpr unsigned BIASES = FFN_BIASES;
constexpr bool SCALAR = FFN_SCALAR;

using Tile = tiles::Bf16<M, K, N>;

static_assert(M * N % gelu_bf16::LANES == 0, "a tile is whole vectors of the GELU");

void gelu(bfloat16* __restrict c) {
    if constexpr (SCALAR) {
        for (unsigned i = 0; i < M * N; ++i) {
            c[i] = static_cast<bfloat16>(gelu_bf16::gelu_scalar(static_cast<float>(c[i])));
        }
    } else {
        aie::set_saturation(aie::saturation_mode::none);
        for (unsigned i = 0; i < M * N; i += gelu_bf16::LANES) {
            aie::store_v(c + i, gelu_bf16::gelu_lanes(aie::load_v<gelu_bf16::LANES>(c + i)));
        }
    }
}

void last(const bfloat16* a, const bfloat16* b, float* sums, bfloat16* c) {
    if constexpr (SCALAR) {
        Tile::add_scalar(a, b, sums);
        Tile::round_all(sums, c);
    } else {
        aie::set_rounding(aie::rounding_mode::conv_even);
        Tile::products(a, b, Tile::from(sums), Tile::rounded(c));
    }
}

}  // namespace

extern "C" {

// Keep the biases, the rows of a tile of weights, each four times in a block.
void ffn_take(const bfloat16* raw, bfloat16* kept) {
    Tile::take_rows<BIASES>(raw, kept);
}

// sums = bias of tile `index` + A * B
void ffn_first(const bfloat16* a, const bfloat16* b, const bfloat16* kept, int32_t index,
               float* sums) {
    tiles::first<Tile, SCALAR>(a, b, kept + index * static_cast<int32_t>(Tile::ROW), sums);
}

// sums += A * B
void ffn_mac(const bfloat16* a, const bfloat16* b, float* sums) {
    tiles::mac<Tile, SCALAR>(a, b, sums);
}

// C = GELU(sums + A * B)
void ffn_hidden(const bfloat16* a, const bfloat16* b, float* sums, bfloat16* c) {
    event0();
    last(a, b, sums, c);
    gelu(c);
    event1();
}

// C = sums + A * B
void ffn_out(const bfloat16* a, const bfloat16* b, float* sums, bfloat16* c) {
    event0();
    last(a, b, sums, c);
    event1();
}

}  // extern "C"
