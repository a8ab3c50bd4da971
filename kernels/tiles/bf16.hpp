// One core's share of a bfloat16 matrix product: a tile of M x N fp32 sums takes one product of
// an M x K tile of A and a K x N tile of B at a time, and leaves as bfloat16.
//
// Tiles are stored as blocks of the matrix unit's shape, each block row by row: A in blocks of
// 4 x 8 and C in blocks of 4 x 4, block column by block column, so that neighbouring slices of A
// along K follow each other; B in blocks of 8 x 4, block row by block row.

#pragma once

#include <aie_api/aie.hpp>
#include <stdint.h>

namespace tiles {

template <unsigned M, unsigned K, unsigned N>
struct Bf16 {
    using Mmul = aie::mmul<4, 8, 4, bfloat16, bfloat16, accfloat>;
    static constexpr unsigned ROW_BLOCKS = M / Mmul::M;
    static constexpr unsigned INNER_BLOCKS = K / Mmul::K;
    static constexpr unsigned COL_BLOCKS = N / Mmul::N;
    static constexpr unsigned LANES = Mmul::size_C;
    static constexpr unsigned COLUMN = ROW_BLOCKS * LANES;

    static_assert(M % (4 * Mmul::M) == 0, "M: four rows of blocks are computed at once");
    static_assert(N % (2 * Mmul::N) == 0, "N: two columns of blocks are computed at once");
    static_assert(K % Mmul::K == 0, "K must be whole blocks");

    // For each block of C: its sums come from `start`, take the product and go to `finish`.
    //
    // Four by two blocks at a time: eight products, one a cycle, share eight loads of A and four
    // of B. The inner loop is unrolled and half of the sixteen accumulators in use, so that the
    // sums of one turn can be stored under the products of the next.
    template <typename Start, typename Finish>
    static void products(const bfloat16* __restrict a, const bfloat16* __restrict b, Start start,
                         Finish finish) {
        for (unsigned col = 0; col < COL_BLOCKS; col += 2) {
            for (unsigned row = 0; row < ROW_BLOCKS; row += 4) {
                const bfloat16* __restrict a0 = a + row * Mmul::size_A;
                const bfloat16* __restrict b0 = b + col * Mmul::size_B;
                const unsigned left = (col * ROW_BLOCKS + row) * LANES;
                const unsigned right = left + COLUMN;
                Mmul c00 = start(left), c10 = start(left + LANES);
                Mmul c20 = start(left + 2 * LANES), c30 = start(left + 3 * LANES);
                Mmul c01 = start(right), c11 = start(right + LANES);
                Mmul c21 = start(right + 2 * LANES), c31 = start(right + 3 * LANES);
                aie::unroll_times<INNER_BLOCKS>([&](unsigned i) {
                    const bfloat16* ai = a0 + i * ROW_BLOCKS * Mmul::size_A;
                    const bfloat16* bi = b0 + i * COL_BLOCKS * Mmul::size_B;
                    const auto first = aie::load_v<Mmul::size_B>(bi);
                    const auto second = aie::load_v<Mmul::size_B>(bi + Mmul::size_B);
                    const auto row0 = aie::load_v<Mmul::size_A>(ai);
                    c00.mac(row0, first);
                    c01.mac(row0, second);
                    const auto row1 = aie::load_v<Mmul::size_A>(ai + Mmul::size_A);
                    c10.mac(row1, first);
                    c11.mac(row1, second);
                    const auto row2 = aie::load_v<Mmul::size_A>(ai + 2 * Mmul::size_A);
                    c20.mac(row2, first);
                    c21.mac(row2, second);
                    const auto row3 = aie::load_v<Mmul::size_A>(ai + 3 * Mmul::size_A);
                    c30.mac(row3, first);
                    c31.mac(row3, second);
                });
                finish(left, c00);
                finish(left + LANES, c10);
                finish(left + 2 * LANES, c20);
                finish(left + 3 * LANES, c30);
                finish(right, c01);
                finish(right + LANES, c11);
                finish(right + 2 * LANES, c21);
                finish(right + 3 * LANES, c31);
            }
        }
    }

    static auto nothing() {
        return [](unsigned) { return Mmul(aie::zeros<accfloat, LANES>()); };
    }

    static auto from(const float* __restrict sums) {
        return [sums](unsigned at) { return Mmul(aie::load_v<LANES>(sums + at)); };
    }

    // The same row of sums for all rows of C: `row` holds four times the numbers of a block's
    // four columns, one after the other.
    static auto from_row(const bfloat16* __restrict row) {
        return [row](unsigned at) {
            const auto block = aie::load_v<LANES>(row + at / COLUMN * LANES);
            return Mmul(aie::accum<accfloat, LANES>(block));
        };
    }

    // Elements of a row as from_row wants it.
    static constexpr unsigned ROW = N * Mmul::M;

    // The first COUNT rows of a tile of B, each as from_row wants it.
    template <unsigned COUNT>
    static void take_rows(const bfloat16* b, bfloat16* rows) {
        static_assert(COUNT <= K, "the rows fit into one tile");
        for (unsigned i = 0; i < COUNT * ROW; ++i) {
            const unsigned col = i % ROW / LANES * Mmul::N + i % Mmul::N;
            rows[i] = b[at_b(i / ROW, col)];
        }
    }

    static auto to(float* __restrict sums) {
        return [sums](unsigned at, const Mmul& c) {
            aie::store_v(sums + at, c.template to_vector<float>());
        };
    }

    // The rounding mode is the caller's to set.
    static auto rounded(bfloat16* __restrict c) {
        return [c](unsigned at, const Mmul& sums) {
            aie::store_v(c + at, sums.template to_vector<bfloat16>());
        };
    }

    // The plain loops, in software floating point on the core: sums += A * B, then bfloat16.
    static void add_scalar(const bfloat16* a, const bfloat16* b, float* sums) {
        for (unsigned row = 0; row < M; ++row) {
            for (unsigned col = 0; col < N; ++col) {
                float sum = sums[at_c(row, col)];
                for (unsigned i = 0; i < K; ++i) {
                    sum += static_cast<float>(a[at_a(row, i)]) * static_cast<float>(b[at_b(i, col)]);
                }
                sums[at_c(row, col)] = sum;
            }
        }
    }

    // `columns` is stored as from_row wants it.
    static void start_scalar(float* sums, const bfloat16* columns = nullptr) {
        for (unsigned i = 0; i < M * N; ++i) {
            sums[i] = columns ? static_cast<float>(columns[i / COLUMN * LANES + i % LANES]) : 0.0f;
        }
    }

    static void round_all(const float* sums, bfloat16* c) {
        for (unsigned i = 0; i < M * N; ++i) c[i] = static_cast<bfloat16>(sums[i]);
    }

    // Where the elements of a tile are stored.
    static constexpr unsigned at_a(unsigned row, unsigned i) {
        return (i / 8 * ROW_BLOCKS + row / 4) * 32 + row % 4 * 8 + i % 8;
    }
    static constexpr unsigned at_b(unsigned i, unsigned col) {
        return (i / 8 * COL_BLOCKS + col / 4) * 32 + i % 8 * 4 + col % 4;
    }
    static constexpr unsigned at_c(unsigned row, unsigned col) {
        return (col / 4 * ROW_BLOCKS + row / 4) * 16 + row % 4 * 4 + col % 4;
    }
};

}  // namespace tiles
