// GELU of ELEMENTS bfloat16 activations: x * Phi(x), with Phi the normal distribution function, by
// the polynomial of common/gelu.hpp.

#include "../common/gelu.hpp"

namespace {

constexpr unsigned ELEMENTS = GELU_ELEMENTS;
constexpr unsigned LANES = gelu_bf16::LANES;

static_assert(ELEMENTS % LANES == 0, "GELU_ELEMENTS must be whole vectors");

}  // namespace

extern "C" {

void gelu_bf16_scalar(const bfloat16* x, bfloat16* out) {
    event0();
    for (unsigned i = 0; i < ELEMENTS; ++i) {
        out[i] = static_cast<bfloat16>(gelu_bf16::gelu_scalar(static_cast<float>(x[i])));
    }
    event1();
}

void gelu_bf16_vector(const bfloat16* __restrict x, bfloat16* __restrict out) {
    event0();
    aie::set_rounding(aie::rounding_mode::conv_even);
    aie::set_saturation(aie::saturation_mode::none);
    for (unsigned i = 0; i < ELEMENTS; i += LANES) {
        aie::store_v(out + i, gelu_bf16::gelu_lanes(aie::load_v<LANES>(x + i)));
    }
    event1();
}

}  // extern "C"
