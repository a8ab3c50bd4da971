// out = x + residual for ELEMENTS bfloat16 values: added in fp32, rounded once to bfloat16.

#include <aie_api/aie.hpp>
#include <stdint.h>

namespace {

constexpr unsigned ELEMENTS = ADD_ELEMENTS;
constexpr unsigned LANES = 16;

static_assert(ELEMENTS % LANES == 0, "ADD_ELEMENTS must be whole vectors");

using Float = aie::accum<accfloat, LANES>;

void add_scalar(const bfloat16* x, const bfloat16* residual, bfloat16* out) {
    for (unsigned i = 0; i < ELEMENTS; ++i) {
        out[i] = static_cast<bfloat16>(static_cast<float>(x[i]) + static_cast<float>(residual[i]));
    }
}

void add_vector(const bfloat16* __restrict x, const bfloat16* __restrict residual,
                bfloat16* __restrict out) {
    aie::set_rounding(aie::rounding_mode::conv_even);
    for (unsigned i = 0; i < ELEMENTS; i += LANES) {
        const Float left(aie::load_v<LANES>(x + i));
        const Float right(aie::load_v<LANES>(residual + i));
        aie::store_v(out + i, aie::add(left, right).to_vector<bfloat16>());
    }
}

}  // namespace

extern "C" {

void add_residual_scalar(const bfloat16* x, const bfloat16* residual, bfloat16* out) {
    event0();
    add_scalar(x, residual, out);
    event1();
}

void add_residual_vector(const bfloat16* x, const bfloat16* residual, bfloat16* out) {
    event0();
    add_vector(x, residual, out);
    event1();
}

}  // extern "C"
