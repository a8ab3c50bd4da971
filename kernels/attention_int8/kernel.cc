// One attention head of 64 x 64 int8: softmax(Q K^T) V in integers, as kernel.py defines it.
//
// Q, K and V follow each other in one buffer, each as blocks of 8 x 8, row by row: the memory tile
// brings them into this order. Half a block of Q is then the left operand of the matrix unit, a
// block of V the right one, and a block of K the right one once it is transposed. The result is
// stored row by row.

#include <aie_api/aie.hpp>
#include <stdint.h>

#include "weights.hpp"

namespace {

constexpr unsigned N = ATTENTION_SIZE;  // rows and columns of Q, K and V

using Scores = aie::mmul<4, 8, 8, int8, int8>;
using Outputs = aie::mmul<4, 8, 8, uint8, int8>;

constexpr unsigned ROWS = Scores::M;  // of Q that are worked on at once
constexpr unsigned BLOCK = 8;
constexpr unsigned BLOCKS = N / BLOCK;
constexpr unsigned LANES = ROWS * BLOCK;

static_assert(N == 64, "the fixed-point formats are worked out for 64 keys of 64 features");

constexpr int SCORE_SHIFT = 8;      // leaves scores with 5 fraction bits, within int16
constexpr int OUTPUT_SHIFT = 22;    // 28 fraction bits of a reciprocal, less ROOM
constexpr int ROOM = 6;             // bits that bring a weighted sum within int16
constexpr uint32_t ONE = 1u << 28;  // what a reciprocal is a share of

constexpr attention::Weights WEIGHTS;
alignas(32) constexpr attention::ParallelWeights LOOKUP_AB;
alignas(32) constexpr attention::ParallelWeights LOOKUP_CD;

// What turns a row's weighted sum into an average.
struct Share {
    int shift;           // bits that the sum of weights is short of [2^13, 2^14)
    int16_t reciprocal;  // 2^28 / (sum * 2^shift), below 2^15 + 1 and kept below 2^15
};

// The quotient is found bit by bit: the core has no division.
Share share_of(uint32_t sum) {
    int shift = 0;
    while (sum < 1u << 13) {
        sum <<= 1;
        ++shift;
    }
    uint32_t quotient = 0;
    for (uint32_t bit = 1u << 14; bit != 0; bit >>= 1) {
        if ((quotient | bit) * sum <= ONE) {
            quotient |= bit;
        }
    }
    return {shift, static_cast<int16_t>(quotient)};
}

// Where element (row, col) of Q, K or V is stored.
constexpr unsigned blocked(unsigned row, unsigned col) {
    return ((row / BLOCK * BLOCKS + col / BLOCK) * BLOCK + row % BLOCK) * BLOCK + col % BLOCK;
}

// Divide by 2^shift, rounded to nearest with ties up, as the core's `positive_inf` mode does.
int32_t round_shift(int32_t value, int shift) {
    return shift == 0 ? value : (value + (1 << (shift - 1))) >> shift;
}

int32_t clamped(int32_t value, int32_t low, int32_t high) {
    return value < low ? low : value > high ? high : value;
}

// The plain loops, row by row.
void attention_scalar(const int8_t* q, const int8_t* k, const int8_t* v, int8_t* out) {
    for (unsigned row = 0; row < N; ++row) {
        int32_t scores[N];
        int32_t largest = -32768;
        for (unsigned key = 0; key < N; ++key) {
            int32_t sum = 0;
            for (unsigned i = 0; i < N; ++i) {
                sum += q[blocked(row, i)] * k[blocked(key, i)];
            }
            scores[key] = round_shift(sum, SCORE_SHIFT);
            largest = scores[key] > largest ? scores[key] : largest;
        }
        uint32_t total = 0;
        for (unsigned key = 0; key < N; ++key) {
            scores[key] = WEIGHTS.of[clamped(largest - scores[key], 0, 255)];
            total += static_cast<uint32_t>(scores[key]);
        }
        const Share share = share_of(total);
        for (unsigned col = 0; col < N; ++col) {
            int32_t sum = 0;
            for (unsigned key = 0; key < N; ++key) {
                sum += scores[key] * v[blocked(key, col)];
            }
            const int32_t narrow = clamped(round_shift(sum, ROOM - share.shift), -32768, 32767);
            const int32_t y = round_shift(narrow * share.reciprocal, OUTPUT_SHIFT);
            out[row * N + col] = static_cast<int8_t>(clamped(y, -128, 127));
        }
    }
}

using Bytes = aie::vector<int8, LANES>;
using Words = aie::vector<int16, LANES>;
using Block = aie::vector<uint8, LANES>;

// Four rows' scores against all keys: 4 x 8 at a time, as the matrix unit gives them.
void score(const int8* __restrict q, const int8* __restrict keys, int16* __restrict scores) {
    for (unsigned col = 0; col < BLOCKS; ++col) {
        Scores product;
        for (unsigned i = 0; i < BLOCKS; ++i) {
            const auto left = aie::load_v<Scores::size_A>(q + i * BLOCK * BLOCK);
            const int8* block = keys + (col * BLOCKS + i) * Scores::size_B;
            const auto right = aie::load_v<Scores::size_B>(block);
            if (i == 0) {
                product.mul(left, right);
            } else {
                product.mac(left, right);
            }
        }
        aie::store_v(scores + col * LANES, product.to_vector<int16>(SCORE_SHIFT));
    }
}

// Each of four rows' largest score, in all 8 lanes of the row.
Words row_maxima(const int16* scores) {
    Words largest = aie::load_v<LANES>(scores);
    for (unsigned col = 1; col < BLOCKS; ++col) {
        largest = aie::max(largest, aie::load_v<LANES>(scores + col * LANES));
    }
    const auto row = [&](unsigned index) {
        return aie::broadcast<int16, BLOCK>(aie::reduce_max(largest.extract<BLOCK>(index)));
    };
    return aie::concat(row(0), row(1), row(2), row(3));
}

// Scores become weights; returns the sums of each row's weights.
aie::vector<int32, LANES> weigh(const int16* __restrict scores, uint8* __restrict weights) {
    const aie::lut<4, uint8> table(attention::DISTANCES, LOOKUP_AB.of, LOOKUP_CD.of);
    aie::parallel_lookup<int16, aie::lut<4, uint8>, aie::lut_oor_policy::saturate> lookup(table);
    const Words largest = row_maxima(scores);
    aie::accum<acc32, LANES> sums = aie::zeros<acc32, LANES>();
    for (unsigned col = 0; col < BLOCKS; ++col) {
        const Words distance = aie::sub(largest, aie::load_v<LANES>(scores + col * LANES));
        const Block weight = lookup.fetch(distance);
        sums = aie::mac(sums, weight, static_cast<uint8>(1));
        aie::store_v(weights + col * LANES, weight);
    }
    return sums.to_vector<int32>();
}

// Four rows' weights times V: 4 x 8 at a time.
void accumulate(const uint8* __restrict weights, const int8* __restrict v, int32* __restrict sums) {
    for (unsigned col = 0; col < BLOCKS; ++col) {
        Outputs product;
        for (unsigned i = 0; i < BLOCKS; ++i) {
            const auto left = aie::load_v<Outputs::size_A>(weights + i * LANES);
            const auto right = aie::load_v<Outputs::size_B>(v + (i * BLOCKS + col) * BLOCK * BLOCK);
            if (i == 0) {
                product.mul(left, right);
            } else {
                product.mac(left, right);
            }
        }
        aie::store_v(sums + col * LANES, product.to_vector<int32>());
    }
}

// One row's sums, spread over the blocks, as its averages in row order.
void divide(const int32* __restrict sums, const Share& share, int8* __restrict out) {
    for (unsigned half = 0; half < 2; ++half) {
        const int32* from = sums + half * 4 * LANES;
        const auto row =
            aie::concat(aie::load_v<BLOCK>(from), aie::load_v<BLOCK>(from + LANES),
                        aie::load_v<BLOCK>(from + 2 * LANES), aie::load_v<BLOCK>(from + 3 * LANES));
        const Words narrow = aie::accum<acc32, LANES>(row).to_vector<int16>(ROOM - share.shift);
        const Bytes y = aie::mul<acc32>(narrow, share.reciprocal).to_vector<int8>(OUTPUT_SHIFT);
        aie::store_v(out + half * LANES, y);
    }
}

// K's blocks are transposed where they stand: the buffer is the core's own until it is released.
void attention_vector(const int8* __restrict q, int8* __restrict k, const int8* __restrict v,
                      int8* __restrict out) {
    aie::set_rounding(aie::rounding_mode::positive_inf);
    aie::set_saturation(aie::saturation_mode::saturate);

    for (unsigned i = 0; i < N * N; i += BLOCK * BLOCK) {
        aie::store_v(k + i, aie::transpose(aie::load_v<BLOCK * BLOCK>(k + i), BLOCK, BLOCK));
    }

    alignas(32) int16 scores[ROWS * N];
    alignas(32) uint8 weights[ROWS * N];
    alignas(32) int32 sums[ROWS * N];
    for (unsigned row = 0; row < N; row += ROWS) {
        score(q + blocked(row, 0), k, scores);
        const auto totals = weigh(scores, weights);
        accumulate(weights, v, sums);
        for (unsigned i = 0; i < ROWS; ++i) {
            const int32_t total = aie::reduce_add(totals.extract<BLOCK>(i));
            const Share share = share_of(static_cast<uint32_t>(total));
            divide(sums + i * BLOCK, share, out + (row + i) * N);
        }
    }
}

}  // namespace

extern "C" {

// `packed` holds Q, then K, then V.
void attention_int8_scalar(const int8_t* packed, int8_t* out) {
    event0();
    attention_scalar(packed, packed + N * N, packed + 2 * N * N, out);
    event1();
}

void attention_int8_vector(int8_t* packed, int8_t* out) {
    event0();
    attention_vector(packed, packed + N * N, packed + 2 * N * N, out);
    event1();
}

}  // extern "C"
