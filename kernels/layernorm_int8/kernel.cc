// Layer normalisation of FEATURES int8 values in integer arithmetic; kernel.py defines it.
//
// The input is one buffer: FEATURES features, then as many gammas, then as many betas. All sums
// are exact. The one square root and the one reciprocal of a row are found bit by bit: no libm,
// no division, 31 rounds for the whole row.

#include <aie_api/aie.hpp>
#include <stdint.h>

namespace {

constexpr unsigned FEATURES = LAYERNORM_FEATURES;
constexpr unsigned LANES = 32;

static_assert(FEATURES == 256, "the fixed-point format is worked out for 256 features");
static_assert(FEATURES % LANES == 0, "LAYERNORM_FEATURES must be whole vectors");

constexpr int LOG2_FEATURES = 8;
constexpr int DEVIATION_SHIFT = 4;    // keeps a scaled deviation within int16
constexpr int NORMALISED_SHIFT = 14;  // leaves the normalised value with 11 fraction bits
constexpr int OUTPUT_SHIFT = 12;      // 11 of them, 6 of gamma's, less the output's 5

// What scales a row's deviations from its mean.
struct Scale {
    int32_t sum;         // of the features
    int32_t exponent;    // k, with which FEATURES^2 * variance * 4^k is in [2^28, 2^30)
    int16_t reciprocal;  // 2^29 / sqrt(FEATURES^2 * variance * 4^k)
};

// The largest 16-bit value of which `fits` is true, for a `fits` that is true up to some value.
template <typename Fits>
uint32_t largest(Fits fits) {
    uint32_t value = 0;
    for (uint32_t bit = 1u << 15; bit != 0; bit >>= 1) {
        if (fits(value | bit)) {
            value |= bit;
        }
    }
    return value;
}

Scale scale_of(int32_t sum, int32_t squares) {
    // FEATURES^2 * variance, below 2^30.
    uint32_t spread = FEATURES * static_cast<uint32_t>(squares) - static_cast<uint32_t>(sum * sum);
    if (spread == 0) {
        return {sum, 0, 0};  // every deviation is 0 too
    }
    int32_t exponent = 0;
    while (spread < 1u << 28) {
        spread <<= 2;
        ++exponent;
    }
    // A root of 16 bits would square to 2^32: 15 are enough.
    const uint32_t root = largest([=](uint32_t v) { return v < 1u << 15 && v * v <= spread; });
    const uint32_t reciprocal = largest([=](uint32_t v) { return v * root <= 1u << 29; });
    return {sum, exponent, static_cast<int16_t>(reciprocal < 32767 ? reciprocal : 32767)};
}

// Divide by 2^shift, rounded to nearest with ties up, as the core's `positive_inf` mode does.
int32_t round_shift(int32_t value, int shift) {
    return (value + (1 << (shift - 1))) >> shift;
}

void layernorm_scalar(const int8_t* features, const int8_t* gamma, const int8_t* beta,
                      int8_t* out) {
    int32_t sum = 0;
    int32_t squares = 0;
    for (unsigned i = 0; i < FEATURES; ++i) {
        sum += features[i];
        squares += features[i] * features[i];
    }
    const Scale scale = scale_of(sum, squares);

    for (unsigned i = 0; i < FEATURES; ++i) {
        const int32_t deviation = features[i] * (1 << LOG2_FEATURES) - sum;
        const int32_t narrow = round_shift(deviation * (1 << scale.exponent), DEVIATION_SHIFT);
        const int32_t normalised = round_shift(narrow * scale.reciprocal, NORMALISED_SHIFT);
        const int32_t product = normalised * gamma[i] + beta[i] * (1 << OUTPUT_SHIFT);
        const int32_t y = round_shift(product, OUTPUT_SHIFT);
        out[i] = static_cast<int8_t>(y < -128 ? -128 : y > 127 ? 127 : y);
    }
}

void layernorm_vector(const int8* __restrict features, const int8* __restrict gamma,
                      const int8* __restrict beta, int8* __restrict out) {
    aie::set_rounding(aie::rounding_mode::positive_inf);
    aie::set_saturation(aie::saturation_mode::saturate);

    aie::accum<acc32, LANES> sums = aie::zeros<acc32, LANES>();
    aie::accum<acc32, LANES> squares = aie::zeros<acc32, LANES>();
    for (unsigned i = 0; i < FEATURES; i += LANES) {
        const aie::vector<int8, LANES> x = aie::load_v<LANES>(features + i);
        sums = aie::mac(sums, x, static_cast<int8>(1));
        squares = aie::mac(squares, x, x);
    }
    const Scale scale = scale_of(aie::reduce_add(sums.to_vector<int32>()),
                                 aie::reduce_add(squares.to_vector<int32>()));
    const aie::vector<int32, LANES> mean =
        aie::broadcast<int32, LANES>(scale.sum * (1 << scale.exponent));

    for (unsigned i = 0; i < FEATURES; i += LANES) {
        aie::accum<acc32, LANES> deviation;
        deviation.from_vector(aie::load_v<LANES>(features + i), LOG2_FEATURES + scale.exponent);
        deviation = aie::sub(deviation, mean);
        const aie::vector<int16, LANES> narrow = deviation.to_vector<int16>(DEVIATION_SHIFT);
        const aie::vector<int16, LANES> normalised =
            aie::mul<acc32>(narrow, scale.reciprocal).to_vector<int16>(NORMALISED_SHIFT);

        aie::accum<acc32, LANES> y;
        y.from_vector(aie::load_v<LANES>(beta + i), OUTPUT_SHIFT);
        y = aie::mac(y, normalised, aie::load_v<LANES>(gamma + i));
        aie::store_v(out + i, y.to_vector<int8>(OUTPUT_SHIFT));
    }
}

}  // namespace

extern "C" {

void layernorm_int8_scalar(const int8_t* packed, int8_t* out) {
    event0();
    layernorm_scalar(packed, packed + FEATURES, packed + 2 * FEATURES, out);
    event1();
}

void layernorm_int8_vector(const int8_t* packed, int8_t* out) {
    event0();
    layernorm_vector(packed, packed + FEATURES, packed + 2 * FEATURES, out);
    event1();
}

}  // extern "C"
