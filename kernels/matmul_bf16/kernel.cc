// C = A * B: bfloat16 matrices of M x K and K x N in, fp32 sums, bfloat16 M x N out.
//
// All three matrices are stored as blocks of the matrix unit's shape, each block row by row and
// the blocks row by row: A in blocks of 4 x 8, B of 8 x 4, C of 4 x 4. The design's DMAs bring
// row-major matrices into this order and back.

#include <aie_api/aie.hpp>
#include <stdint.h>

namespace {

constexpr unsigned M = MATMUL_M;
constexpr unsigned K = MATMUL_K;
constexpr unsigned N = MATMUL_N;

using Mmul = aie::mmul<4, 8, 4, bfloat16, bfloat16, accfloat>;
constexpr unsigned ROW_BLOCKS = M / Mmul::M;
constexpr unsigned INNER_BLOCKS = K / Mmul::K;
constexpr unsigned COL_BLOCKS = N / Mmul::N;

static_assert(M % (2 * Mmul::M) == 0, "M: the vector version computes two rows of blocks at once");
static_assert(N % (2 * Mmul::N) == 0, "N: the vector version computes two block columns at once");
static_assert(K % Mmul::K == 0, "K must be whole blocks");

// Where element (row, col) of a matrix with COLS columns is stored.
template <unsigned COLS, unsigned BLOCK_ROWS, unsigned BLOCK_COLS>
constexpr unsigned blocked(unsigned row, unsigned col) {
    const unsigned block = row / BLOCK_ROWS * (COLS / BLOCK_COLS) + col / BLOCK_COLS;
    return (block * BLOCK_ROWS + row % BLOCK_ROWS) * BLOCK_COLS + col % BLOCK_COLS;
}

// The plain loop, in software floating point on the core.
void matmul_scalar(const bfloat16* a, const bfloat16* b, bfloat16* c) {
    for (unsigned row = 0; row < M; ++row) {
        for (unsigned col = 0; col < N; ++col) {
            float sum = 0;
            for (unsigned i = 0; i < K; ++i) {
                sum += static_cast<float>(a[blocked<K, Mmul::M, Mmul::K>(row, i)]) *
                       static_cast<float>(b[blocked<N, Mmul::K, Mmul::N>(i, col)]);
            }
            c[blocked<N, Mmul::M, Mmul::N>(row, col)] = static_cast<bfloat16>(sum);
        }
    }
}

// Two by two blocks of C at a time: four products then share two blocks of A and two of B, which
// are eight 256-bit loads. The core loads two a cycle and multiplies one block a cycle: both are
// busy all the time.
void matmul_vector(const bfloat16* __restrict a, const bfloat16* __restrict b,
                   bfloat16* __restrict c) {
    aie::set_rounding(aie::rounding_mode::conv_even);

    for (unsigned row = 0; row < ROW_BLOCKS; row += 2) {
        for (unsigned col = 0; col < COL_BLOCKS; col += 2) {
            const bfloat16* __restrict a0 = a + row * INNER_BLOCKS * Mmul::size_A;
            const bfloat16* __restrict a1 = a0 + INNER_BLOCKS * Mmul::size_A;
            const bfloat16* __restrict b0 = b + col * Mmul::size_B;

            Mmul c00, c01, c10, c11;
            for (unsigned i = 0; i < INNER_BLOCKS; ++i) {
                const auto upper = aie::load_v<Mmul::size_A>(a0 + i * Mmul::size_A);
                const auto lower = aie::load_v<Mmul::size_A>(a1 + i * Mmul::size_A);
                const bfloat16* bi = b0 + i * COL_BLOCKS * Mmul::size_B;
                const auto left = aie::load_v<Mmul::size_B>(bi);
                const auto right = aie::load_v<Mmul::size_B>(bi + Mmul::size_B);
                if (i == 0) {
                    c00.mul(upper, left);
                    c01.mul(upper, right);
                    c10.mul(lower, left);
                    c11.mul(lower, right);
                } else {
                    c00.mac(upper, left);
                    c01.mac(upper, right);
                    c10.mac(lower, left);
                    c11.mac(lower, right);
                }
            }

            bfloat16* __restrict c0 = c + (row * COL_BLOCKS + col) * Mmul::size_C;
            bfloat16* __restrict c1 = c0 + COL_BLOCKS * Mmul::size_C;
            aie::store_v(c0, c00.to_vector<bfloat16>());
            aie::store_v(c0 + Mmul::size_C, c01.to_vector<bfloat16>());
            aie::store_v(c1, c10.to_vector<bfloat16>());
            aie::store_v(c1 + Mmul::size_C, c11.to_vector<bfloat16>());
        }
    }
}

}  // namespace

extern "C" {

void matmul_bf16_scalar(const bfloat16* a, const bfloat16* b, bfloat16* c) {
    event0();
    matmul_scalar(a, b, c);
    event1();
}

void matmul_bf16_vector(const bfloat16* a, const bfloat16* b, bfloat16* c) {
    event0();
    matmul_vector(a, b, c);
    event1();
}

}  // extern "C"
