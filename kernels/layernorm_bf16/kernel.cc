// Layer normalisation of one row of FEATURES bfloat16 values; kernel.py defines it. The scalar twin
// and the vector version are templates that other kernels fuse: common/layernorm.hpp.

#include "../common/layernorm.hpp"

namespace {

constexpr unsigned FEATURES = LAYERNORM_FEATURES;

static_assert(FEATURES % layernorm_bf16::LANES == 0, "LAYERNORM_FEATURES must be whole vectors");
static_assert((FEATURES & (FEATURES - 1)) == 0, "dividing by LAYERNORM_FEATURES must be exact");

}  // namespace

extern "C" {

// `params` holds FEATURES gammas and FEATURES betas.
void layernorm_bf16_scalar(const bfloat16* x, const bfloat16* params, bfloat16* out) {
    event0();
    layernorm_bf16::layernorm_scalar<FEATURES>(x, params, params + FEATURES, out);
    event1();
}

void layernorm_bf16_vector(const bfloat16* x, const bfloat16* params, bfloat16* out) {
    event0();
    layernorm_bf16::layernorm_vector<FEATURES>(x, params, params + FEATURES, out);
    event1();
}

}  // extern "C"
