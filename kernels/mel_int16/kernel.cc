// One frame of 400 int16 samples to 80 log-mel features, in integers.
//
//   window    periodic Hann
//   spectrum  400-point DFT as 25 x 16 (Cooley-Tukey): 25-point DFTs down the columns of the
//             frame seen as 25 rows of 16 samples, a twiddle factor each, 16-point DFTs along the
//             rows; each stage a sum of vectors times coefficients
//   mel       the filters' weighted sums of re^2 + im^2 over bins 0 to 200, in 64 bits
//   log       log2 by leading zeros and a table; out comes (log10 + 4) / 4 in steps of 2^-14
//
// Data is fixed point: `*_BITS` is the number of fraction bits of a stage's output, in units of
// one input step, chosen so that the largest possible magnitude (full scale at one frequency)
// just fits into an int32, and sums of products into 64 bits:
//   windowed  |x| <= 2^15, 14 bits: 2^29
//   columns   sum of 25 windowed values <= 2^15 * 13: 2^18.7, 12 bits: 2^30.7
//   spectrum  sum of the window * 2^15 = 200 * 2^15: 2^22.7, 8 bits: 2^30.7; as sums of products
//             before rounding 2^(22.7 + 12 + 28) = 2^62.7

#include <aie_api/aie.hpp>
#include <stdint.h>

#include "tables.hpp"

namespace {

using namespace mel;

using Vector = aie::vector<int32, LANES>;
using Accumulator = aie::accum<acc64, LANES>;

constexpr int WINDOWED_BITS = 14;
constexpr int COLUMN_BITS = 12;
constexpr int SPECTRUM_BITS = 8;

// Mel sums are kept at three scales, 2^16 apart: the finest that did not saturate is used.
constexpr unsigned SCALES = 3;
constexpr int SCALE_STEP = 16;

// The core's memory for what lies between the stages.
struct alignas(32) Scratch {
    int32 windowed[OUTER][LANES];
    int32 column_re[HALF][LANES];
    int32 column_im[HALF][LANES];
    int32 spectrum_re[HALF * LANES];
    int32 spectrum_im[HALF * LANES];
    int32 mel[SCALES][FILTERS];
};

static_assert(sizeof(Scratch) == 4 * MEL_SCRATCH_WORDS, "the design's scratch buffer is this big");

// --- The plain loops: the same stages, one element after the other.

// What an accumulator is as int32 after a shift: rounded to nearest with ties to even, saturated.
int32_t rounded(int64_t value, int shift) {
    int64_t whole = value >> shift;
    const int64_t rest = value - whole * (int64_t{1} << shift);
    const int64_t half = shift > 0 ? int64_t{1} << (shift - 1) : 1;
    whole += rest > half || (rest == half && whole % 2 != 0);
    whole = whole > INT32_MAX ? INT32_MAX : whole;
    return static_cast<int32_t>(whole < INT32_MIN ? INT32_MIN : whole);
}

int64_t product(int32_t a, int32_t b) {
    return static_cast<int64_t>(a) * b;
}

void transform_columns_scalar(Scratch& scratch) {
    constexpr int SHIFT = COEF_BITS + WINDOWED_BITS - COLUMN_BITS;
    constexpr const auto& TWIDDLES = ROOTS<HALF, FRAME>;
    for (unsigned k = 0; k < HALF; ++k) {
        for (unsigned col = 0; col < LANES; ++col) {
            int64_t re = 0, im = 0;
            for (unsigned n = 0; n < OUTER; ++n) {
                const auto& root = OUTER_ROOTS.at[k * n % OUTER];
                re += product(scratch.windowed[n][col], root.cos);
                im -= product(scratch.windowed[n][col], root.sin);
            }
            const int32_t x = rounded(re, SHIFT), y = rounded(im, SHIFT);
            const int32_t cos = TWIDDLES.cos.at[k][col], sin = TWIDDLES.sin.at[k][col];
            scratch.column_re[k][col] = rounded(product(x, cos) + product(y, sin), COEF_BITS);
            scratch.column_im[k][col] = rounded(product(y, cos) - product(x, sin), COEF_BITS);
        }
    }
}

void transform_rows_scalar(Scratch& scratch) {
    constexpr const auto& INNER = ROOTS<LANES, LANES>;
    constexpr int SHIFT = COEF_BITS + COLUMN_BITS - SPECTRUM_BITS;
    for (unsigned row = 0; row < HALF; ++row) {
        for (unsigned k = 0; k < LANES; ++k) {
            int64_t re = 0, im = 0;
            for (unsigned n = 0; n < LANES; ++n) {
                const int32_t x = scratch.column_re[row][n], y = scratch.column_im[row][n];
                const int32_t cos = INNER.cos.at[n][k], sin = INNER.sin.at[n][k];
                re += product(x, cos) + product(y, sin);
                im += product(y, cos) - product(x, sin);
            }
            scratch.spectrum_re[row * LANES + k] = rounded(re, SHIFT);
            scratch.spectrum_im[row * LANES + k] = rounded(im, SHIFT);
        }
    }
}

void apply_filters_scalar(Scratch& scratch) {
    for (unsigned filter = 0; filter < FILTERS; ++filter) {
        const Group& span = FILTER_GROUPS.at[filter / LANES];
        int64_t power = 0;
        for (unsigned i = 0; i < span.bins; ++i) {
            const unsigned position = POSITIONS.at[span.first_bin + i];
            const int32_t weight = FILTERBANK.at[span.row + i][filter % LANES];
            const int32_t x = rounded(product(weight, scratch.spectrum_re[position]), COEF_BITS);
            const int32_t y = rounded(product(weight, scratch.spectrum_im[position]), COEF_BITS);
            power += product(x, x) + product(y, y);
        }
        for (unsigned scale = 0; scale < SCALES; ++scale) {
            scratch.mel[scale][filter] = rounded(power, scale * SCALE_STEP);
        }
    }
}

void apply_window_scalar(const int16* samples, Scratch& scratch) {
    for (unsigned i = 0; i < OUTER * LANES; ++i) {
        const int64_t windowed = product(samples[i], WINDOW.at[i / LANES][i % LANES]);
        scratch.windowed[i / LANES][i % LANES] = rounded(windowed, COEF_BITS - WINDOWED_BITS);
    }
}

// --- The vector version.

Accumulator zero() {
    return aie::zeros<acc64, LANES>();
}

void apply_window(const int16* __restrict samples, Scratch& scratch) {
    for (unsigned row = 0; row < OUTER; ++row) {
        const aie::vector<int16, LANES> x = aie::load_v<LANES>(samples + row * LANES);
        const Accumulator product = aie::mul(x, aie::load_v<LANES>(WINDOW.at[row]));
        aie::store_v(scratch.windowed[row], product.to_vector<int32>(COEF_BITS - WINDOWED_BITS));
    }
}

// (re + i im) * e^(-i angle), rounded.
void rotate(const Vector& re, const Vector& im, unsigned row, Scratch& scratch) {
    constexpr const auto& TWIDDLES = ROOTS<HALF, FRAME>;
    const Vector cos = aie::load_v<LANES>(TWIDDLES.cos.at[row]);
    const Vector sin = aie::load_v<LANES>(TWIDDLES.sin.at[row]);
    const Accumulator rotated_re = aie::mac(aie::mul(re, cos), im, sin);
    const Accumulator rotated_im = aie::msc(aie::mul(im, cos), re, sin);
    aie::store_v(scratch.column_re[row], rotated_re.to_vector<int32>(COEF_BITS));
    aie::store_v(scratch.column_im[row], rotated_im.to_vector<int32>(COEF_BITS));
}

// Stage one: 25-point DFTs of the columns, all 16 at once, and their twiddle factors.
void transform_columns(Scratch& scratch) {
    constexpr int SHIFT = COEF_BITS + WINDOWED_BITS - COLUMN_BITS;
    for (unsigned k = 0; k < HALF; ++k) {
        Accumulator re = zero(), im = zero();
        unsigned root = 0;  // k * n modulo 25
        for (unsigned n = 0; n < OUTER; ++n) {
            const Vector x = aie::load_v<LANES>(scratch.windowed[n]);
            re = aie::mac(re, x, OUTER_ROOTS.at[root].cos);
            im = aie::msc(im, x, OUTER_ROOTS.at[root].sin);
            root += root + k < OUTER ? k : k - OUTER;
        }
        rotate(re.to_vector<int32>(SHIFT), im.to_vector<int32>(SHIFT), k, scratch);
    }
}

// Stage two: a 16-point DFT of each row; its 16 outputs are the lanes.
void transform_rows(Scratch& scratch) {
    constexpr const auto& INNER = ROOTS<LANES, LANES>;
    constexpr int SHIFT = COEF_BITS + COLUMN_BITS - SPECTRUM_BITS;
    for (unsigned row = 0; row < HALF; ++row) {
        Accumulator re = zero(), im = zero();
        for (unsigned n = 0; n < LANES; ++n) {
            const Vector cos = aie::load_v<LANES>(INNER.cos.at[n]);
            const Vector sin = aie::load_v<LANES>(INNER.sin.at[n]);
            const int32 x = scratch.column_re[row][n];
            const int32 y = scratch.column_im[row][n];
            re = aie::mac(aie::mac(re, cos, x), sin, y);
            im = aie::msc(aie::mac(im, cos, y), sin, x);
        }
        aie::store_v(scratch.spectrum_re + row * LANES, re.to_vector<int32>(SHIFT));
        aie::store_v(scratch.spectrum_im + row * LANES, im.to_vector<int32>(SHIFT));
    }
}

// The 80 filters, 16 at a time: one filter a lane, over the bins that any of the 16 covers.
void apply_filters(Scratch& scratch) {
    for (unsigned group = 0; group < GROUPS; ++group) {
        const Group& span = FILTER_GROUPS.at[group];
        Accumulator power = zero();
        for (unsigned i = 0; i < span.bins; ++i) {
            const unsigned position = POSITIONS.at[span.first_bin + i];
            const Vector weights = aie::load_v<LANES>(FILTERBANK.at[span.row + i]);
            const Accumulator re = aie::mul(weights, scratch.spectrum_re[position]);
            const Accumulator im = aie::mul(weights, scratch.spectrum_im[position]);
            const Vector x = re.to_vector<int32>(COEF_BITS);
            const Vector y = im.to_vector<int32>(COEF_BITS);
            power = aie::mac(aie::mac(power, x, x), y, y);
        }
        for (unsigned scale = 0; scale < SCALES; ++scale) {
            aie::store_v(scratch.mel[scale] + group * LANES,
                         power.to_vector<int32>(scale * SCALE_STEP));
        }
    }
}

// A feature from a mel sum of `value` * 2^`octaves`, value > 0.
int32_t log_feature(int32_t value, int octaves) {
    constexpr double DECADES_PER_OCTAVE = STEPS_PER_OCTAVE / STEPS_PER_DECADE;
    // What a sum of 1 is as a power: samples are fractions of 2^15, squared, and WEIGHT_UNIT.
    constexpr double UNIT = logarithm(WEIGHT_UNIT * 100.0) / logarithm(10.0) - 2.0 -
                            (2 * (SPECTRUM_BITS + 15)) * DECADES_PER_OCTAVE;
    constexpr int32_t OFFSET = nearest((UNIT + 4.0) * STEPS_PER_DECADE * (1 << LOG_BITS));
    constexpr int32_t OCTAVE = nearest(STEPS_PER_OCTAVE * (1 << LOG_BITS));

    const int leading = __builtin_clz(static_cast<uint32_t>(value));
    const uint32_t mantissa = static_cast<uint32_t>(value) << leading;  // 1.xxx, 31 fraction bits
    const uint32_t segment = (mantissa >> 25) & (LOG_SEGMENTS - 1);
    const auto rest = static_cast<int32_t>((mantissa >> 9) & 0xffff);  // 16 bits within a segment
    const int32_t rise = LOG2.at[segment + 1] - LOG2.at[segment];
    const int32_t fraction = LOG2.at[segment] + ((rise * rest) >> 16);
    const int32_t steps = (31 - leading + octaves) * OCTAVE + fraction + OFFSET;
    return (steps + (1 << (LOG_BITS - 1))) >> LOG_BITS;
}

// Whisper's floor, a mel power of 1e-10: (-10 + 4) / 4.
constexpr int32_t FLOOR = -24576;

void take_logarithms(const Scratch& scratch, int16* __restrict features) {
    constexpr int32_t SATURATED = 0x7fffffff;
    for (unsigned filter = 0; filter < FILTERS; ++filter) {
        unsigned scale = 0;
        while (scale < SCALES - 1 && scratch.mel[scale][filter] == SATURATED) ++scale;
        const int32_t value = scratch.mel[scale][filter];
        const int32_t feature = value > 0 ? log_feature(value, scale * SCALE_STEP) : FLOOR;
        features[filter] = static_cast<int16>(feature > FLOOR ? feature : FLOOR);
    }
}

}  // namespace

extern "C" {

void mel_int16_frame_scalar(const int16_t* samples, int32_t* scratch_words, int16_t* features) {
    event0();
    Scratch& scratch = *reinterpret_cast<Scratch*>(scratch_words);
    apply_window_scalar(samples, scratch);
    transform_columns_scalar(scratch);
    transform_rows_scalar(scratch);
    apply_filters_scalar(scratch);
    take_logarithms(scratch, features);
    event1();
}

void mel_int16_frame(const int16_t* samples, int32_t* scratch_words, int16_t* features) {
    event0();
    aie::set_rounding(aie::rounding_mode::conv_even);
    aie::set_saturation(aie::saturation_mode::saturate);
    Scratch& scratch = *reinterpret_cast<Scratch*>(scratch_words);
    apply_window(samples, scratch);
    transform_columns(scratch);
    transform_rows(scratch);
    apply_filters(scratch);
    take_logarithms(scratch, features);
    event1();
}

}  // extern "C"
