// C = requantise(A * B): int8 matrices of M x K and K x N in, int32 sums, int8 M x N out.
//
// All three matrices are stored as blocks of the matrix unit's shape, each block row by row and
// the blocks row by row: A in blocks of 4 x 8, B of 8 x 8, C of 4 x 8. The design's DMAs bring
// row-major matrices into this order and back.
//
// Requantising is the core's shift-round-saturate: sum / 2^SHIFT, rounded to nearest with ties to
// even, saturated to [-128, 127].

#include <aie_api/aie.hpp>
#include <stdint.h>

namespace {

constexpr unsigned M = MATMUL_M;
constexpr unsigned K = MATMUL_K;
constexpr unsigned N = MATMUL_N;
constexpr int SHIFT = MATMUL_SHIFT;

using Mmul = aie::mmul<4, 8, 8, int8, int8>;
constexpr unsigned ROW_BLOCKS = M / Mmul::M;
constexpr unsigned INNER_BLOCKS = K / Mmul::K;
constexpr unsigned COL_BLOCKS = N / Mmul::N;

static_assert(M % (2 * Mmul::M) == 0, "M: the vector version computes two rows of blocks at once");
static_assert(N % (2 * Mmul::N) == 0, "N: the vector version computes two columns of blocks at once");
static_assert(K % Mmul::K == 0, "K must be whole blocks");
static_assert(SHIFT > 0 && SHIFT < 31, "SHIFT must leave something to round and something to keep");
static_assert(K <= 131072, "2^17 products of two int8 fill an int32");

// Where element (row, col) of a matrix with COLS columns is stored.
template <unsigned COLS, unsigned BLOCK_ROWS, unsigned BLOCK_COLS>
constexpr unsigned blocked(unsigned row, unsigned col) {
    const unsigned block = row / BLOCK_ROWS * (COLS / BLOCK_COLS) + col / BLOCK_COLS;
    return (block * BLOCK_ROWS + row % BLOCK_ROWS) * BLOCK_COLS + col % BLOCK_COLS;
}

int8_t requantise(int32_t sum) {
    constexpr int32_t HALF = 1 << (SHIFT - 1);
    const int32_t below = sum >> SHIFT;
    const int32_t rest = sum - (below << SHIFT);
    const bool up = rest > HALF || (rest == HALF && (below & 1));
    const int32_t nearest = below + (up ? 1 : 0);
    return nearest < -128 ? -128 : nearest > 127 ? 127 : nearest;
}

// The plain loop that the vector version must equal bit for bit.
void matmul_scalar(const int8_t* a, const int8_t* b, int8_t* c) {
    for (unsigned row = 0; row < M; ++row) {
        for (unsigned col = 0; col < N; ++col) {
            int32_t sum = 0;
            for (unsigned i = 0; i < K; ++i) {
                sum += a[blocked<K, Mmul::M, Mmul::K>(row, i)] *
                       b[blocked<N, Mmul::K, Mmul::N>(i, col)];
            }
            c[blocked<N, Mmul::M, Mmul::N>(row, col)] = requantise(sum);
        }
    }
}

// Two by two blocks of C at a time: four products then share two loads of A and two of B, so
// that the matrix unit, one product a cycle, waits for no load (two 256-bit loads a cycle).
void matmul_vector(const int8* __restrict a, const int8* __restrict b, int8* __restrict c) {
    aie::set_rounding(aie::rounding_mode::conv_even);
    aie::set_saturation(aie::saturation_mode::saturate);

    for (unsigned row = 0; row < ROW_BLOCKS; row += 2) {
        for (unsigned col = 0; col < COL_BLOCKS; col += 2) {
            const int8* __restrict a0 = a + row * INNER_BLOCKS * Mmul::size_A;
            const int8* __restrict a1 = a0 + INNER_BLOCKS * Mmul::size_A;
            const int8* __restrict b0 = b + col * Mmul::size_B;

            Mmul c00, c01, c10, c11;
            for (unsigned i = 0; i < INNER_BLOCKS; ++i) {
                const auto upper = aie::load_v<Mmul::size_A>(a0 + i * Mmul::size_A);
                const auto lower = aie::load_v<Mmul::size_A>(a1 + i * Mmul::size_A);
                const int8* bi = b0 + i * COL_BLOCKS * Mmul::size_B;
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

            int8* __restrict c0 = c + (row * COL_BLOCKS + col) * Mmul::size_C;
            int8* __restrict c1 = c0 + COL_BLOCKS * Mmul::size_C;
            aie::store_v(c0, c00.to_vector<int8>(SHIFT));
            aie::store_v(c0 + Mmul::size_C, c01.to_vector<int8>(SHIFT));
            aie::store_v(c1, c10.to_vector<int8>(SHIFT));
            aie::store_v(c1 + Mmul::size_C, c11.to_vector<int8>(SHIFT));
        }
    }
}

}  // namespace

extern "C" {

void matmul_int8_scalar(const int8_t* a, const int8_t* b, int8_t* c) {
    event0();
    matmul_scalar(a, b, c);
    event1();
}

void matmul_int8_vector(const int8_t* a, const int8_t* b, int8_t* c) {
    event0();
    matmul_vector(a, b, c);
    event1();
}

}  // extern "C"
