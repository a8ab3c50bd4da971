// The softmax weights: exp(-d / 32) of a score's distance d below the row's largest, in steps of
// 1/255, for d from 0 to 255. Computed by the compiler from the definition in kernel.py.

#pragma once

#include <stdint.h>

namespace attention {

constexpr unsigned DISTANCES = 256;

// exp(-x) for x from 0 to 8: the series at x / 256, squared eight times.
constexpr double exp_minus(double x) {
    const double y = -x / 256;
    double sum = 1.0;
    double term = 1.0;
    for (int i = 1; i < 12; ++i) {
        term *= y / i;
        sum += term;
    }
    for (int i = 0; i < 8; ++i) {
        sum *= sum;
    }
    return sum;
}

constexpr uint8_t weight_of(unsigned distance) {
    return static_cast<uint8_t>(255 * exp_minus(distance / 32.0) + 0.5);
}

struct Weights {
    uint8_t of[DISTANCES];

    constexpr Weights() : of{} {
        for (unsigned d = 0; d < DISTANCES; ++d) {
            of[d] = weight_of(d);
        }
    }
};

// The same as aie::parallel_lookup wants it for four accesses at once: entries of 16 bits, every
// run of 128 bits twice. A lookup takes two such copies.
struct ParallelWeights {
    uint16_t of[2 * DISTANCES];

    constexpr ParallelWeights() : of{} {
        constexpr unsigned RUN = 8;
        for (unsigned d = 0; d < DISTANCES; ++d) {
            of[d / RUN * 2 * RUN + d % RUN] = weight_of(d);
            of[d / RUN * 2 * RUN + RUN + d % RUN] = weight_of(d);
        }
    }
};

}  // namespace attention
