// ROWS queries of one attention head against a stream of keys and values: softmax(Q K^T / 8) V
// with 64 features, as kernel.py defines it. No row of scores is ever whole: a block of keys after
// the other changes each row's largest score, sum of weights and weighted sum of values, which
// are kept in fp32 (Milakov and Gimelshein, 2018; Dao et al., 2022).
//
// Q is stored in blocks of 4 x 8, row by row, a block of KEYS keys or values in blocks of 8 x 8,
// and the result leaves in blocks of 4 x 4. The memory tiles make and undo these orders, as far as
// a DMA can, which moves two bfloat16 at a time: what is left is done in place (`arrange`).

#include <aie_api/aie.hpp>
#include <stdint.h>

#include "../common/exp2.hpp"
#include "../common/softmax.hpp"

namespace {

using exp2_bf16::Float;
using exp2_bf16::Half;
using exp2_bf16::Halves;
using exp2_bf16::LANES;

constexpr unsigned ROWS = ATTENTION_ROWS;  // of Q
constexpr unsigned KEYS = ATTENTION_KEYS;  // of a block
constexpr unsigned DIM = 64;               // features

using Mmul = aie::mmul<4, 8, 4, bfloat16, bfloat16, accfloat>;
using Lanes = aie::vector<float, LANES>;
using Order = aie::vector<int32, LANES>;
using Pair = aie::vector<bfloat16, 2 * LANES>;

constexpr unsigned GROUP = Mmul::M;  // rows that are worked on at once
constexpr unsigned KEY_BLOCKS = KEYS / Mmul::N;
constexpr unsigned VALUE_BLOCKS = DIM / Mmul::N;
constexpr unsigned INNER_BLOCKS = DIM / Mmul::K;
constexpr unsigned SQUARE = 64;   // elements of a block of 8 x 8 keys or values
constexpr unsigned AT_ONCE = 4;   // products that share one left operand

static_assert(ROWS % GROUP == 0, "ATTENTION_ROWS must be whole groups of 4");
static_assert(KEYS % (AT_ONCE * Mmul::N) == 0, "ATTENTION_KEYS must be multiples of 16");

constexpr float SCALE = 0.125f;  // 1 / sqrt(DIM)

// Below the largest score by this much, before it is scaled, a weight is at its least: 2^-125.5.
constexpr float FARTHEST = 696.0f;
constexpr float LOWEST = -3.3895314e38f;
constexpr uint32_t INFINITE = 0x7f800000;

// What is kept of four rows between blocks of keys. The lanes of `largest` and `sums` are those of
// a block of 4 x 4: four per row, of which `largest` has the same value in each and `sums` a part.
struct State {
    float largest[LANES];
    float sums[LANES];
    float values[VALUE_BLOCKS * LANES];
};

static_assert(sizeof(State) == GROUP * ATTENTION_STATE * sizeof(float), "kernel.py gives the room");

// --- The plain loops, in software floating point on the core. A row's state is its largest score,
// its sum of weights, and its values.

constexpr unsigned ROW_STATE = ATTENTION_STATE;

constexpr unsigned in_queries(unsigned row, unsigned col) {
    return (row / 4 * (DIM / 8) + col / 8) * 32 + row % 4 * 8 + col % 8;
}

constexpr unsigned in_block(unsigned row, unsigned col) {
    return (row / 8 * (DIM / 8) + col / 8) * SQUARE + row % 8 * 8 + col % 8;
}

float weight(float score, float largest) {
    const float below = score - largest;
    return exp2_bf16::exp_scalar(SCALE * (below < -FARTHEST ? -FARTHEST : below));
}

void start_scalar(float* state) {
    for (unsigned i = 0; i < ROWS * ROW_STATE; ++i) {
        state[i] = i % ROW_STATE == 0 ? LOWEST : 0.0f;
    }
}

bool is_finite(float value) {
    return (__builtin_bit_cast(uint32_t, value) & ~(1u << 31)) < INFINITE;
}

void update_scalar(const bfloat16* q, const bfloat16* k, const bfloat16* v, float* state,
                   unsigned first) {
    for (unsigned row = 0; row < ROWS; ++row) {
        float& largest = state[row * ROW_STATE];
        float& total = state[row * ROW_STATE + 1];
        float* values = &total + 1;
        float scores[KEYS];
        float next = largest;
        for (unsigned key = first; key < KEYS; ++key) {
            float sum = 0;
            for (unsigned i = 0; i < DIM; ++i) {
                sum += static_cast<float>(q[in_queries(row, i)]) *
                       static_cast<float>(k[in_block(key, i)]);
            }
            scores[key] = sum;
            next = sum > next ? sum : next;
            if (!is_finite(sum)) {
                total = __builtin_nanf("");
            }
        }
        if (!is_finite(next)) {
            continue;
        }
        const float shrink = weight(largest, next);
        largest = next;
        total *= shrink;
        for (unsigned i = 0; i < DIM; ++i) {
            values[i] *= shrink;
        }
        for (unsigned key = first; key < KEYS; ++key) {
            if (!is_finite(scores[key])) {
                continue;
            }
            const float share = static_cast<float>(static_cast<bfloat16>(weight(scores[key], next)));
            total += share;
            for (unsigned i = 0; i < DIM; ++i) {
                values[i] += share * static_cast<float>(v[in_block(key, i)]);
            }
        }
    }
}

void finish_scalar(const float* state, bfloat16* out, unsigned group) {
    for (unsigned i = 0; i < GROUP * DIM; ++i) {
        const unsigned row = i % LANES / 4;
        const unsigned col = i / LANES * 4 + i % 4;
        const float* mine = state + (group * GROUP + row) * ROW_STATE;
        out[i] = static_cast<bfloat16>(mine[2 + col] / mine[1]);
    }
}

// --- The vector version.

void start(State* state) {
    for (unsigned group = 0; group < ROWS / GROUP; ++group) {
        aie::store_v(state[group].largest, aie::broadcast<float, LANES>(LOWEST));
        aie::store_v(state[group].sums, aie::zeros<float, LANES>());
        for (unsigned i = 0; i < VALUE_BLOCKS; ++i) {
            aie::store_v(state[group].values + i * LANES, aie::zeros<float, LANES>());
        }
    }
}

// Turns blocks of 8 x 8 into right operands of the matrix unit, 8 x 4, where they stand: two
// halves of keys transposed, two halves of the values' features.
void arrange(bfloat16* __restrict keys, bfloat16* __restrict values) {
    for (unsigned i = 0; i < KEYS * DIM; i += 2 * LANES) {
        const Pair rows = aie::load_v<2 * LANES>(keys + i);
        aie::store_v(keys + i, aie::transpose(rows, 4, 8));
    }
    for (unsigned i = 0; i < KEYS * DIM; i += SQUARE) {
        const auto rows = aie::load_v<SQUARE>(values + i);
        aie::store_v(values + i, aie::filter_even(rows, 4));
        aie::store_v(values + i + 2 * LANES, aie::filter_odd(rows, 4));
    }
}

// Where block `col` of four keys, or of four features of values, starts within its row of blocks.
constexpr unsigned half_square(unsigned col) {
    return col / 2 * SQUARE + col % 2 * 2 * LANES;
}

// Four rows' scores against four blocks of four keys.
void score(const bfloat16* __restrict q, const bfloat16* __restrict keys, float* __restrict out) {
    Mmul c0, c1, c2, c3;
    for (unsigned i = 0; i < INNER_BLOCKS; ++i) {
        const auto left = aie::load_v<Mmul::size_A>(q + i * Mmul::size_A);
        const bfloat16* upper = keys + i * SQUARE;
        const bfloat16* lower = upper + INNER_BLOCKS * SQUARE;
        c0.mac(left, aie::load_v<Mmul::size_B>(upper));
        c1.mac(left, aie::load_v<Mmul::size_B>(upper + Mmul::size_B));
        c2.mac(left, aie::load_v<Mmul::size_B>(lower));
        c3.mac(left, aie::load_v<Mmul::size_B>(lower + Mmul::size_B));
    }
    aie::store_v(out, c0.to_vector<float>());
    aie::store_v(out + LANES, c1.to_vector<float>());
    aie::store_v(out + 2 * LANES, c2.to_vector<float>());
    aie::store_v(out + 3 * LANES, c3.to_vector<float>());
}

// Floats as integers of the same order, and back: the core compares no floats.
Order ordered(const Order& bits) {
    const auto negative = aie::lt(bits, static_cast<int32>(0));
    return aie::select(bits, aie::bit_xor(static_cast<int32>(0x7fffffff), bits), negative);
}

// The largest of each row's four lanes, or their sum, in all four.
template <typename V, typename Combine>
V across_row(const V& lanes, Combine combine) {
    V columns = aie::transpose(lanes, 4, 4);
    columns = combine(columns, aie::shuffle_down_rotate(columns, 8));
    columns = combine(columns, aie::shuffle_down_rotate(columns, 4));
    return aie::transpose(columns, 4, 4);
}

// 2^(distance * SCALE * log2(e)) for a distance of at most 0. Its bits grow with its magnitude.
Float power_of(const Float& distance) {
    const auto bits = distance.to_vector<float>().cast_to<uint32>();
    constexpr uint32_t LAST = __builtin_bit_cast(uint32_t, -FARTHEST);
    const Float kept(aie::min(bits, static_cast<uint32>(LAST)).cast_to<float>());
    return exp2_bf16::exp2(exp2_bf16::in_octaves(Halves(kept), SCALE));
}

// Brings a group's sums down to a new largest score.
void shrink(State& state, const Lanes& largest) {
    const Float distance = aie::sub(Float(aie::load_v<LANES>(state.largest)), Float(largest));
    const Lanes factor = power_of(distance).to_vector<float>();
    aie::store_v(state.largest, largest);
    const auto scale = [&](float* lanes) {
        aie::store_v(lanes, aie::mul(aie::load_v<LANES>(lanes), factor).to_vector<float>());
    };
    scale(state.sums);
    for (unsigned i = 0; i < VALUE_BLOCKS; ++i) {
        scale(state.values + i * LANES);
    }
}

// Scores of the blocks from `first` on: raises the group's largest, and makes the group NaN where
// a score is not finite.
void raise(State& state, const float* scores, unsigned first) {
    const Order before = ordered(aie::load_v<LANES>(state.largest).cast_to<int32>());
    Order largest = before;
    Order magnitude = aie::zeros<int32, LANES>();
    for (unsigned i = first; i < KEY_BLOCKS; ++i) {
        const Order bits = aie::load_v<LANES>(scores + i * LANES).cast_to<int32>();
        largest = aie::max(largest, ordered(bits));
        magnitude = aie::max(magnitude, aie::bit_and(static_cast<int32>(0x7fffffff), bits));
    }
    largest = across_row(largest, [](const Order& a, const Order& b) { return aie::max(a, b); });
    if (!aie::lt(before, largest).empty()) {
        shrink(state, ordered(largest).cast_to<float>());
    }
    const auto spoilt = aie::ge(magnitude, static_cast<int32>(INFINITE));
    if (!spoilt.empty()) {
        const Lanes nan = aie::broadcast<float, LANES>(__builtin_nanf(""));
        aie::store_v(state.sums, aie::select(aie::load_v<LANES>(state.sums), nan, spoilt));
    }
}

// Scores become weights, two blocks of 4 x 4 a left operand of 4 x 8; blocks before `first` weigh 0.
void weigh(State& state, const float* __restrict scores, bfloat16* __restrict weights,
           unsigned first) {
    const Float largest(aie::load_v<LANES>(state.largest));
    const Half one = aie::broadcast<bfloat16, LANES>(1.0f);
    Float sums(aie::load_v<LANES>(state.sums));
    const auto weight = [&](unsigned i) {
        if (i < first) {
            return aie::zeros<bfloat16, LANES>();
        }
        const Float distance = aie::sub(Float(aie::load_v<LANES>(scores + i * LANES)), largest);
        const Half power = power_of(distance).to_vector<bfloat16>();
        sums = aie::mac(sums, power, one);
        return power;
    };
    for (unsigned i = 0; i < KEY_BLOCKS; i += 2) {
        const Half left = weight(i);
        const auto [upper, lower] = aie::interleave_zip(left, weight(i + 1), 4);
        aie::store_v(weights + i * LANES, aie::concat(upper, lower));
    }
    aie::store_v(state.sums, sums.to_vector<float>());
}

// Adds weighted values: sixteen features of four rows.
void accumulate(const bfloat16* __restrict weights, const bfloat16* __restrict values,
                float* __restrict sums) {
    Mmul c0(aie::load_v<LANES>(sums));
    Mmul c1(aie::load_v<LANES>(sums + LANES));
    Mmul c2(aie::load_v<LANES>(sums + 2 * LANES));
    Mmul c3(aie::load_v<LANES>(sums + 3 * LANES));
    for (unsigned i = 0; i < KEYS / Mmul::K; ++i) {
        const auto left = aie::load_v<Mmul::size_A>(weights + i * Mmul::size_A);
        const bfloat16* right = values + i * INNER_BLOCKS * SQUARE;
        c0.mac(left, aie::load_v<Mmul::size_B>(right));
        c1.mac(left, aie::load_v<Mmul::size_B>(right + Mmul::size_B));
        c2.mac(left, aie::load_v<Mmul::size_B>(right + 2 * Mmul::size_B));
        c3.mac(left, aie::load_v<Mmul::size_B>(right + 3 * Mmul::size_B));
    }
    aie::store_v(sums, c0.to_vector<float>());
    aie::store_v(sums + LANES, c1.to_vector<float>());
    aie::store_v(sums + 2 * LANES, c2.to_vector<float>());
    aie::store_v(sums + 3 * LANES, c3.to_vector<float>());
}

void update(const bfloat16* __restrict q, bfloat16* __restrict keys, bfloat16* __restrict values,
            State* __restrict state, unsigned first) {
    aie::set_rounding(aie::rounding_mode::conv_even);
    aie::set_saturation(aie::saturation_mode::none);
    arrange(keys, values);

    alignas(32) float scores[KEY_BLOCKS * LANES];
    alignas(32) bfloat16 weights[KEY_BLOCKS * LANES];
    for (unsigned group = 0; group < ROWS / GROUP; ++group) {
        const bfloat16* queries = q + group * GROUP * DIM;
        for (unsigned i = 0; i < KEY_BLOCKS; i += AT_ONCE) {
            score(queries, keys + i / 2 * INNER_BLOCKS * SQUARE, scores + i * LANES);
        }
        raise(state[group], scores, first / Mmul::N);
        weigh(state[group], scores, weights, first / Mmul::N);
        for (unsigned i = 0; i < VALUE_BLOCKS; i += AT_ONCE) {
            accumulate(weights, values + half_square(i), state[group].values + i * LANES);
        }
    }
}

void finish(const State& state, bfloat16* __restrict out) {
    aie::set_rounding(aie::rounding_mode::conv_even);
    aie::set_saturation(aie::saturation_mode::none);
    const auto sum = [](const Lanes& a, const Lanes& b) { return aie::add(a, b); };
    const Halves scale = softmax_bf16::inverse(across_row(aie::load_v<LANES>(state.sums), sum));
    for (unsigned i = 0; i < VALUE_BLOCKS; ++i) {
        const Halves value(Float(aie::load_v<LANES>(state.values + i * LANES)));
        Float y = aie::mul(value.low, scale.high);
        y = aie::mac(y, value.high, scale.low);
        y = aie::mac(y, value.high, scale.high);
        aie::store_v(out + i * LANES, y.to_vector<bfloat16>());
    }
}

}  // namespace

extern "C" {

void attention_bf16_start_scalar(float* state) {
    start_scalar(state);
}

// A block of KEYS keys and their values; those before `first` have come before and do not count.
void attention_bf16_update_scalar(const bfloat16* q, bfloat16* k, bfloat16* v, float* state,
                                  int32_t first) {
    event0();
    update_scalar(q, k, v, state, static_cast<unsigned>(first));
    event1();
}

void attention_bf16_finish_scalar(const float* state, bfloat16* out, int32_t group) {
    finish_scalar(state, out, static_cast<unsigned>(group));
}

void attention_bf16_start(float* state) {
    start(reinterpret_cast<State*>(state));
}

void attention_bf16_update(const bfloat16* q, bfloat16* k, bfloat16* v, float* state,
                           int32_t first) {
    event0();
    update(q, k, v, reinterpret_cast<State*>(state), static_cast<unsigned>(first));
    event1();
}

void attention_bf16_finish(const float* state, bfloat16* out, int32_t group) {
    finish(reinterpret_cast<const State*>(state)[group], out);
}

}  // extern "C"
