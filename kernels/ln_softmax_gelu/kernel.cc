// The stages of a chain of three cores, each on one row of FEATURES bfloat16 values: layer
// normalisation, softmax, GELU. kernel.py defines them; the work is done in common/.

#include <aie_api/aie.hpp>
#include <stdint.h>

#include "../common/gelu.hpp"
#include "../common/layernorm.hpp"
#include "../common/softmax.hpp"

namespace {

constexpr unsigned FEATURES = CHAIN_FEATURES;
constexpr unsigned LANES = gelu_bf16::LANES;

static_assert(FEATURES % LANES == 0, "CHAIN_FEATURES must be whole vectors");
static_assert((FEATURES & (FEATURES - 1)) == 0, "dividing by CHAIN_FEATURES must be exact");

void gelu_scalar(const bfloat16* x, bfloat16* out) {
    for (unsigned i = 0; i < FEATURES; ++i) {
        out[i] = static_cast<bfloat16>(gelu_bf16::gelu_scalar(static_cast<float>(x[i])));
    }
}

void gelu_vector(const bfloat16* __restrict x, bfloat16* __restrict out) {
    aie::set_rounding(aie::rounding_mode::conv_even);
    aie::set_saturation(aie::saturation_mode::none);
    for (unsigned i = 0; i < FEATURES; i += LANES) {
        aie::store_v(out + i, gelu_bf16::gelu_lanes(aie::load_v<LANES>(x + i)));
    }
}

}  // namespace

extern "C" {

// `params` holds FEATURES gammas and FEATURES betas.
void chain_layernorm_scalar(const bfloat16* x, const bfloat16* params, bfloat16* out) {
    event0();
    layernorm_bf16::layernorm_scalar<FEATURES>(x, params, params + FEATURES, out);
    event1();
}

void chain_softmax_scalar(const bfloat16* x, bfloat16* out) {
    event0();
    softmax_bf16::softmax_scalar<FEATURES>(x, out);
    event1();
}

void chain_gelu_scalar(const bfloat16* x, bfloat16* out) {
    event0();
    gelu_scalar(x, out);
    event1();
}

void chain_layernorm_vector(const bfloat16* x, const bfloat16* params, bfloat16* out) {
    event0();
    layernorm_bf16::layernorm_vector<FEATURES>(x, params, params + FEATURES, out);
    event1();
}

void chain_softmax_vector(const bfloat16* x, bfloat16* out) {
    event0();
    softmax_bf16::softmax_vector<FEATURES>(x, out);
    event1();
}

void chain_gelu_vector(const bfloat16* x, bfloat16* out) {
    event0();
    gelu_vector(x, out);
    event1();
}

}  // extern "C"
