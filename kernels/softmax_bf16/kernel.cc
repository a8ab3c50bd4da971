// Softmax of one row of COLS bfloat16 values: exp(x - max) / sum, as kernel.py defines it. The
// scalar twin and the vector version are templates that other kernels fuse: common/softmax.hpp.

#include "../common/softmax.hpp"

namespace {

constexpr unsigned COLS = SOFTMAX_COLS;

static_assert(COLS >= softmax_bf16::LANES, "SOFTMAX_COLS must be at least one vector");
static_assert(COLS % 2 == 0, "a row is whole 32-bit words, as its DMA wants");

}  // namespace

extern "C" {

void softmax_bf16_scalar(const bfloat16* x, bfloat16* out) {
    event0();
    softmax_bf16::softmax_scalar<COLS>(x, out);
    event1();
}

void softmax_bf16_vector(const bfloat16* x, bfloat16* out) {
    event0();
    softmax_bf16::softmax_vector<COLS>(x, out);
    event1();
}

}  // extern "C"
