// The turns of a tile of sums, as the scalar twin or the vector version takes them. `Tile` is
// tiles::Bf16 or tiles::Int8; how tiles are stored stands there. The last turn, which rounds or
// requantises, is each kernel's own.

#pragma once

#include <aie_api/aie.hpp>

namespace tiles {

// sums = A * B
template <typename Tile, bool SCALAR, typename In, typename Sum>
void first(const In* a, const In* b, Sum* sums) {
    event0();
    if constexpr (SCALAR) {
        Tile::start_scalar(sums);
        Tile::add_scalar(a, b, sums);
    } else {
        Tile::products(a, b, Tile::nothing(), Tile::to(sums));
    }
    event1();
}

// sums = the same row for all rows, stored as Tile::from_row wants it, + A * B
template <typename Tile, bool SCALAR, typename In, typename Row, typename Sum>
void first(const In* a, const In* b, const Row* row, Sum* sums) {
    event0();
    if constexpr (SCALAR) {
        Tile::start_scalar(sums, row);
        Tile::add_scalar(a, b, sums);
    } else {
        Tile::products(a, b, Tile::from_row(row), Tile::to(sums));
    }
    event1();
}

// sums += A * B
template <typename Tile, bool SCALAR, typename In, typename Sum>
void mac(const In* a, const In* b, Sum* sums) {
    event0();
    if constexpr (SCALAR) {
        Tile::add_scalar(a, b, sums);
    } else {
        Tile::products(a, b, Tile::from(sums), Tile::to(sums));
    }
    event1();
}

}  // namespace tiles
