// One core's share of an int8 matrix product: a tile of M x N int32 sums takes one product of an
// M x K tile of A and a K x N tile of B at a time, and leaves as int8.
//
// Tiles are stored as blocks of the matrix unit's shape, each block row by row: A and C in blocks
// of 4 x 8, block column by block column, so that neighbouring slices of A along K follow each
// other and a C is the A of a next product as it is; B in blocks of 8 x 8, block row by block row.

#pragma once

#include <aie_api/aie.hpp>
#include <stdint.h>

namespace tiles {

// sum / 2^SHIFT, rounded to nearest with ties to even, saturated to [-128, 127].
template <int SHIFT>
int8_t requantise_scalar(int32_t sum) {
    constexpr int32_t HALF = 1 << (SHIFT - 1);
    const int32_t below = sum >> SHIFT;
    const int32_t rest = sum - below * (1 << SHIFT);
    const bool up = rest > HALF || (rest == HALF && (below & 1));
    const int32_t nearest = below + (up ? 1 : 0);
    return static_cast<int8_t>(nearest < -128 ? -128 : nearest > 127 ? 127 : nearest);
}

template <unsigned M, unsigned K, unsigned N>
struct Int8 {
    using Mmul = aie::mmul<4, 8, 8, int8, int8>;
    static constexpr unsigned ROW_BLOCKS = M / Mmul::M;
    static constexpr unsigned INNER_BLOCKS = K / Mmul::K;
    static constexpr unsigned COL_BLOCKS = N / Mmul::N;
    static constexpr unsigned LANES = Mmul::size_C;
    static constexpr unsigned COLUMN = ROW_BLOCKS * LANES;

    static_assert(M % (2 * Mmul::M) == 0, "M: two rows of blocks are computed at once");
    static_assert(N % (2 * Mmul::N) == 0, "N: two columns of blocks are computed at once");
    static_assert(K % Mmul::K == 0, "K must be whole blocks");

    // For each block of C: its sums come from `start`, take the product and go to `finish`.
    //
    // Two by two blocks at a time: four products, one a cycle, share two loads of A and four of
    // B. The inner loop is unrolled and half of the eight wide accumulators in use, so that the
    // sums of one turn can be stored under the products of the next.
    template <typename Start, typename Finish>
    static void products(const int8* __restrict a, const int8* __restrict b, Start start,
                         Finish finish) {
        for (unsigned col = 0; col < COL_BLOCKS; col += 2) {
            for (unsigned row = 0; row < ROW_BLOCKS; row += 2) {
                const int8* __restrict a0 = a + row * Mmul::size_A;
                const int8* __restrict b0 = b + col * Mmul::size_B;
                const unsigned left = (col * ROW_BLOCKS + row) * LANES;
                const unsigned right = left + COLUMN;
                Mmul c00 = start(left), c10 = start(left + LANES);
                Mmul c01 = start(right), c11 = start(right + LANES);
                aie::unroll_times<INNER_BLOCKS>([&](unsigned i) {
                    const int8* ai = a0 + i * ROW_BLOCKS * Mmul::size_A;
                    const int8* bi = b0 + i * COL_BLOCKS * Mmul::size_B;
                    const auto upper = aie::load_v<Mmul::size_A>(ai);
                    const auto lower = aie::load_v<Mmul::size_A>(ai + Mmul::size_A);
                    const auto first = aie::load_v<Mmul::size_B>(bi);
                    const auto second = aie::load_v<Mmul::size_B>(bi + Mmul::size_B);
                    c00.mac(upper, first);
                    c10.mac(lower, first);
                    c01.mac(upper, second);
                    c11.mac(lower, second);
                });
                finish(left, c00);
                finish(left + LANES, c10);
                finish(right, c01);
                finish(right + LANES, c11);
            }
        }
    }

    static auto nothing() {
        return [](unsigned) { return Mmul(aie::zeros<acc32, LANES>()); };
    }

    static auto from(const int32* __restrict sums) {
        return [sums](unsigned at) { return Mmul(aie::load_v<LANES>(sums + at)); };
    }

    // The same row of sums for all rows of C: `row` holds one number per column.
    static auto from_row(const int32* __restrict row) {
        return [row](unsigned at) {
            const aie::vector<int32, 8> columns = aie::load_v<8>(row + at / COLUMN * Mmul::N);
            const aie::vector<int32, 16> two = aie::concat(columns, columns);
            return Mmul(aie::concat(two, two));
        };
    }

    static auto to(int32* __restrict sums) {
        return [sums](unsigned at, const Mmul& c) {
            aie::store_v(sums + at, c.template to_vector<int32>());
        };
    }

    // Rounding and saturation modes are the caller's to set.
    template <int SHIFT>
    static auto requantised(int8* __restrict c) {
        return [c](unsigned at, const Mmul& sums) {
            aie::store_v(c + at, sums.template to_vector<int8>(SHIFT));
        };
    }

    // The plain loops: sums += A * B, then int8.
    static void add_scalar(const int8_t* a, const int8_t* b, int32_t* sums) {
        for (unsigned row = 0; row < M; ++row) {
            for (unsigned col = 0; col < N; ++col) {
                int32_t sum = 0;
                for (unsigned i = 0; i < K; ++i) sum += a[at_a(row, i)] * b[at_b(i, col)];
                sums[at_c(row, col)] += sum;
            }
        }
    }

    static void start_scalar(int32_t* sums, const int32_t* columns = nullptr) {
        for (unsigned col = 0; col < N; ++col) {
            for (unsigned row = 0; row < M; ++row) {
                sums[at_c(row, col)] = columns ? columns[col] : 0;
            }
        }
    }

    template <int SHIFT>
    static void requantise_all(const int32_t* sums, int8_t* c) {
        for (unsigned i = 0; i < M * N; ++i) c[i] = requantise_scalar<SHIFT>(sums[i]);
    }

    // Where the elements of a tile are stored.
    static constexpr unsigned at_a(unsigned row, unsigned i) {
        return (i / 8 * ROW_BLOCKS + row / 4) * 32 + row % 4 * 8 + i % 8;
    }
    static constexpr unsigned at_b(unsigned i, unsigned col) {
        return (i / 8 * COL_BLOCKS + col / 8) * 64 + i % 8 * 8 + col % 8;
    }
    static constexpr unsigned at_c(unsigned row, unsigned col) { return at_a(row, col); }
};

}  // namespace tiles
