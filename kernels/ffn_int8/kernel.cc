// One core's share of Y = requantise(GELU(requantise(X W1 + b1)) W2 + b2): tiles of the hidden
// layer and of Y, each the sum of products of an M x K tile of activations and a K x N tile of
// weights, in int32 from the bias on. GELU is a table of 256 entries. How tiles are stored:
// ../tiles/int8.hpp.

#include <aie_api/aie.hpp>
#include <stdint.h>

#include "../tiles/int8.hpp"
#include "../tiles/turns.hpp"

namespace {

constexpr unsigned M = FFN_M;
constexpr unsigned K = FFN_K;
constexpr unsigned N = FFN_N;
constexpr unsigned BIASES = FFN_BIASES;
constexpr int HIDDEN_SHIFT = FFN_HIDDEN_SHIFT;
constexpr int OUT_SHIFT = FFN_OUT_SHIFT;
constexpr bool SCALAR = FFN_SCALAR;
constexpr unsigned TABLE_WORDS = 64;
constexpr unsigned LANES = 32;

using Tile = tiles::Int8<M, K, N>;

static_assert((BIASES * N + TABLE_WORDS) * 4 <= K * N, "the constants fit into a tile of weights");
static_assert(N % 4 == 0 && M * N % LANES == 0, "a tile is whole vectors");

void gelu(int8* __restrict c, const int8* __restrict table) {
    if constexpr (SCALAR) {
        for (unsigned i = 0; i < M * N; ++i) c[i] = table[static_cast<uint8_t>(c[i])];
    } else {
        for (unsigned i = 0; i < M * N; i += LANES) {
            const auto x = aie::load_v<LANES>(reinterpret_cast<const uint8*>(c) + i);
            aie::vector<int8, LANES> y;
            for (unsigned lane = 0; lane < LANES; ++lane) y.set(table[x.get(lane)], lane);
            aie::store_v(c + i, y);
        }
    }
}

template <int SHIFT>
void last(const int8_t* a, const int8_t* b, int32_t* sums, int8_t* c) {
    if constexpr (SCALAR) {
        Tile::add_scalar(a, b, sums);
        Tile::requantise_all<SHIFT>(sums, c);
    } else {
        aie::set_rounding(aie::rounding_mode::conv_even);
        aie::set_saturation(aie::saturation_mode::saturate);
        Tile::products(a, b, Tile::from(sums), Tile::requantised<SHIFT>(c));
    }
}

}  // namespace

extern "C" {

// Keep the words at the start of a tile of weights: the biases, then GELU's table.
void ffn_take(const int8_t* raw, int32_t* kept) {
    for (unsigned word = 0; word < BIASES * N + TABLE_WORDS; ++word) {
        const unsigned byte = word * 4;
        __builtin_memcpy(kept + word, raw + Tile::at_b(byte / N, byte % N), 4);
    }
}

// sums = bias of tile `index` + A * B
void ffn_first(const int8_t* a, const int8_t* b, const int32_t* kept, int32_t index,
               int32_t* sums) {
    tiles::first<Tile, SCALAR>(a, b, kept + index * static_cast<int32_t>(N), sums);
}

// sums += A * B
void ffn_mac(const int8_t* a, const int8_t* b, int32_t* sums) {
    tiles::mac<Tile, SCALAR>(a, b, sums);
}

// C = GELU(requantise(sums + A * B))
void ffn_hidden(const int8_t* a, const int8_t* b, int32_t* sums, int8_t* c, const int32_t* kept) {
    event0();
    last<HIDDEN_SHIFT>(a, b, sums, c);
    gelu(c, reinterpret_cast<const int8*>(kept + BIASES * N));
    event1();
}

// C = requantise(sums + A * B)
void ffn_out(const int8_t* a, const int8_t* b, int32_t* sums, int8_t* c) {
    event0();
    last<OUT_SHIFT>(a, b, sums, c);
    event1();
}

}  // extern "C"
