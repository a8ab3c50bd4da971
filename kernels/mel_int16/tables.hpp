// Constants of the mel kernel, computed by the compiler from their definitions: the Hann window,
// the roots of unity of the two DFT stages, Slaney's filterbank as Whisper uses it, and log2.

#pragma once

#include <stdint.h>

namespace mel {

constexpr unsigned FRAME = 400;  // samples, 25 ms at 16 kHz
constexpr unsigned BINS = FRAME / 2 + 1;
constexpr unsigned FILTERS = 80;
constexpr unsigned LANES = 16;

// The DFT's two stages: FRAME = OUTER * LANES. The input is real, so that stage one yields only
// the HALF outputs 0..12 of its 25; the others are their conjugates.
constexpr unsigned OUTER = FRAME / LANES;
constexpr unsigned HALF = OUTER / 2 + 1;

// Coefficients are fractions of 2^28.
constexpr int COEF_BITS = 28;

// ---- Elementary functions, exact to about 1e-15 where they are used. ----

constexpr double PI = 3.14159265358979323846;

constexpr double cosine(double x) {
    double term = 1.0, sum = 1.0;
    for (int i = 1; i < 22; ++i) {
        term *= -x * x / ((2 * i - 1) * (2 * i));
        sum += term;
    }
    return sum;
}

// cos and sin of 2 pi i / n, at an angle of at most pi.
constexpr double cos_turns(unsigned i, unsigned n) {
    const double turns = static_cast<double>(i % n) / n;
    return cosine(2.0 * PI * (turns > 0.5 ? 1.0 - turns : turns));
}

constexpr double sin_turns(unsigned i, unsigned n) {
    return cos_turns(4 * (i % n) + 3 * n, 4 * n);
}

constexpr double exponential(double x) {
    double term = 1.0, sum = 1.0;
    for (int i = 1; i < 30; ++i) {
        term *= x / i;
        sum += term;
    }
    return sum;
}

// ln(x) for x around 1 to 10: 2 atanh((x - 1) / (x + 1)).
constexpr double logarithm(double x) {
    const double y = (x - 1.0) / (x + 1.0);
    double power = y, sum = 0.0;
    for (int i = 1; i < 200; i += 2) {
        sum += power / i;
        power *= y * y;
    }
    return 2.0 * sum;
}

constexpr double square_root(double x) {
    double root = 1.0;
    for (int i = 0; i < 40; ++i) root = 0.5 * (root + x / root);
    return root;
}

constexpr int32_t nearest(double x) {
    return static_cast<int32_t>(x < 0 ? x - 0.5 : x + 0.5);
}

constexpr int32_t coefficient(double x) {
    return nearest(x * (1 << COEF_BITS));
}

// ---- Window and roots of unity. ----

template <unsigned ROWS>
struct alignas(32) Rows {
    int32_t at[ROWS][LANES];
};

constexpr Rows<OUTER> WINDOW = [] {
    Rows<OUTER> window{};
    for (unsigned i = 0; i < FRAME; ++i)
        window.at[i / LANES][i % LANES] = coefficient(0.5 - 0.5 * cos_turns(i, FRAME));
    return window;
}();

struct Root {
    int32_t cos;
    int32_t sin;
};

struct OuterRoots {
    Root at[OUTER];
};

constexpr OuterRoots OUTER_ROOTS = [] {
    OuterRoots roots{};
    for (unsigned i = 0; i < OUTER; ++i)
        roots.at[i] = {coefficient(cos_turns(i, OUTER)), coefficient(sin_turns(i, OUTER))};
    return roots;
}();

// ROOTS[i][j] is the (i * j)-th of N roots of unity.
template <unsigned ROWS, unsigned N>
struct RootTable {
    Rows<ROWS> cos;
    Rows<ROWS> sin;
};

template <unsigned ROWS, unsigned N>
constexpr RootTable<ROWS, N> ROOTS = [] {
    RootTable<ROWS, N> roots{};
    for (unsigned i = 0; i < ROWS; ++i) {
        for (unsigned j = 0; j < LANES; ++j) {
            roots.cos.at[i][j] = coefficient(cos_turns(i * j, N));
            roots.sin.at[i][j] = coefficient(sin_turns(i * j, N));
        }
    }
    return roots;
}();

// ---- The filterbank. ----

// Edge i of 82 that are equally far apart on Slaney's mel scale from 0 to 8,000 Hz: 3 mel per
// 200 Hz up to 1,000 Hz, then 27 mel per factor of 6.4.
constexpr double edge(unsigned i) {
    constexpr double LN_STEP = logarithm(6.4) / 27.0;
    constexpr double TOP = 15.0 + logarithm(8.0) / LN_STEP;
    const double mel = TOP * i / (FILTERS + 1);
    return mel < 15.0 ? 200.0 * mel / 3.0 : 1000.0 * exponential((mel - 15.0) * LN_STEP);
}

// Height of filter i, a triangle of area 1 per Hz, at a bin.
constexpr double weight(double low, double centre, double high, unsigned bin) {
    const double hz = 40.0 * bin;
    const double rising = (hz - low) / (centre - low);
    const double falling = (high - hz) / (high - centre);
    const double height = rising < falling ? rising : falling;
    return height > 0.0 ? height * 2.0 / (high - low) : 0.0;
}

// No weight is larger: the height of filter 0, the narrowest.
constexpr double WEIGHT_UNIT = 2.0 / edge(2);

// Filters are computed in groups of one per lane; a group's filters lie on neighbouring bins.
constexpr unsigned GROUPS = FILTERS / LANES;

struct Group {
    unsigned first_bin;
    unsigned bins;
    unsigned row;  // of the first bin's weights in FILTERBANK
};

struct Groups {
    Group at[GROUPS];
    unsigned rows;
};

constexpr Groups FILTER_GROUPS = [] {
    Groups groups{};
    for (unsigned i = 0; i < GROUPS; ++i) {
        const auto first = static_cast<unsigned>(edge(i * LANES) / 40.0) + 1;
        const auto last = static_cast<unsigned>(edge((i + 1) * LANES + 1) / 40.0);
        groups.at[i] = {first, last - first + 1, groups.rows};
        groups.rows += groups.at[i].bins;
    }
    return groups;
}();

// Square roots of the weights, as fractions of sqrt(WEIGHT_UNIT): an amplitude is weighted before
// it is squared, so that 32 bits hold it and 64 bits its square.
constexpr Rows<FILTER_GROUPS.rows> FILTERBANK = [] {
    Rows<FILTER_GROUPS.rows> bank{};
    for (unsigned filter = 0; filter < FILTERS; ++filter) {
        const Group& group = FILTER_GROUPS.at[filter / LANES];
        const double low = edge(filter), centre = edge(filter + 1), high = edge(filter + 2);
        for (unsigned i = 0; i < group.bins; ++i) {
            const double height = weight(low, centre, high, group.first_bin + i);
            if (height > 0.0) {
                bank.at[group.row + i][filter % LANES] =
                    coefficient(square_root(height / WEIGHT_UNIT));
            }
        }
    }
    return bank;
}();

// Where the DFT leaves bin k: outputs k1 + 25 k2 lie at row k1 and lane k2, for k1 up to 12; the
// others are the conjugates of bin 400 - k.
struct Positions {
    uint16_t at[BINS];
};

constexpr Positions POSITIONS = [] {
    Positions positions{};
    for (unsigned bin = 0; bin < BINS; ++bin) {
        const unsigned kept = bin % OUTER < HALF ? bin : FRAME - bin;
        positions.at[bin] = static_cast<uint16_t>(kept % OUTER * LANES + kept / OUTER);
    }
    return positions;
}();

// ---- The logarithm. ----

// Output steps per decade: the features are (log10 + 4) / 4 in steps of 2^-14.
constexpr double STEPS_PER_DECADE = 16384.0 / 4.0;
constexpr double STEPS_PER_OCTAVE = STEPS_PER_DECADE * logarithm(2.0) / logarithm(10.0);

// Logarithms are summed in fractions of a step.
constexpr int LOG_BITS = 8;
constexpr unsigned LOG_SEGMENTS = 64;

struct LogTable {
    int32_t at[LOG_SEGMENTS + 1];
};

constexpr LogTable LOG2 = [] {
    LogTable table{};
    for (unsigned i = 0; i <= LOG_SEGMENTS; ++i) {
        const double mantissa = 1.0 + static_cast<double>(i) / LOG_SEGMENTS;
        const double octaves = logarithm(mantissa) / logarithm(2.0);
        table.at[i] = nearest(octaves * STEPS_PER_OCTAVE * (1 << LOG_BITS));
    }
    return table;
}();

}  // namespace mel
