// One core's share of C = A * B on the whole array: an output tile of M x N is set to zero,
// takes one product of an M x K tile of A and a K x N tile of B at a time, and is handed on as
// int32, or requantised to int8 first.
//
// Tiles are stored as blocks of the matrix unit's shape, each block row by row and the blocks
// row by row: A in blocks of 4 x 8, B of 8 x 8, C of 4 x 8. The memory tiles' DMAs bring
// row-major tiles into this order and back.

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
constexpr unsigned LANES = Mmul::size_C;

static_assert(M % (2 * Mmul::M) == 0, "M: two rows of blocks are computed at once");
static_assert(N % (2 * Mmul::N) == 0, "N: two columns of blocks are computed at once");
static_assert(K % Mmul::K == 0, "K must be whole blocks");
static_assert(SHIFT > 0 && SHIFT < 31, "SHIFT must leave something to round and something to keep");

void zero(int32* __restrict c) {
    const auto zeros = aie::zeros<int32, LANES>();
    for (unsigned i = 0; i < M * N; i += LANES) aie::store_v(c + i, zeros);
}

// C += A * B, two by two blocks of C at a time: four products then share two loads of A and two
// of B, so that the matrix unit, one product a cycle, waits for no load (two 256-bit loads a
// cycle).
void mac(const int8* __restrict a, const int8* __restrict b, int32* __restrict c) {
    for (unsigned row = 0; row < ROW_BLOCKS; row += 2) {
        for (unsigned col = 0; col < COL_BLOCKS; col += 2) {
            const int8* __restrict a0 = a + row * INNER_BLOCKS * Mmul::size_A;
            const int8* __restrict a1 = a0 + INNER_BLOCKS * Mmul::size_A;
            const int8* __restrict b0 = b + col * Mmul::size_B;
            int32* __restrict c0 = c + (row * COL_BLOCKS + col) * LANES;
            int32* __restrict c1 = c0 + COL_BLOCKS * LANES;

            Mmul c00(aie::load_v<LANES>(c0));
            Mmul c01(aie::load_v<LANES>(c0 + LANES));
            Mmul c10(aie::load_v<LANES>(c1));
            Mmul c11(aie::load_v<LANES>(c1 + LANES));
            for (unsigned i = 0; i < INNER_BLOCKS; ++i) {
                const auto upper = aie::load_v<Mmul::size_A>(a0 + i * Mmul::size_A);
                const auto lower = aie::load_v<Mmul::size_A>(a1 + i * Mmul::size_A);
                const int8* bi = b0 + i * COL_BLOCKS * Mmul::size_B;
                const auto left = aie::load_v<Mmul::size_B>(bi);
                const auto right = aie::load_v<Mmul::size_B>(bi + Mmul::size_B);
                c00.mac(upper, left);
                c01.mac(upper, right);
                c10.mac(lower, left);
                c11.mac(lower, right);
            }
            aie::store_v(c0, c00.to_vector<int32>());
            aie::store_v(c0 + LANES, c01.to_vector<int32>());
            aie::store_v(c1, c10.to_vector<int32>());
            aie::store_v(c1 + LANES, c11.to_vector<int32>());
        }
    }
}

// sum / 2^SHIFT, rounded to nearest with ties to even, saturated to [-128, 127].
void requantise(const int32* __restrict sums, int8* __restrict c) {
    aie::set_rounding(aie::rounding_mode::conv_even);
    aie::set_saturation(aie::saturation_mode::saturate);
    for (unsigned i = 0; i < M * N; i += LANES) {
        const aie::accum<acc32, LANES> acc(aie::load_v<LANES>(sums + i));
        aie::store_v(c + i, acc.to_vector<int8>(SHIFT));
    }
}

}  // namespace

extern "C" {

void matmul_zero(int32_t* c) {
    zero(c);
}

void matmul_mac(const int8_t* a, const int8_t* b, int32_t* c) {
    event0();
    mac(a, b, c);
    event1();
}

void matmul_requantise(const int32_t* sums, int8_t* c) {
    requantise(sums, c);
}

}  // extern "C"
