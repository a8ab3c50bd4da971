// Tables in memory: lookups, lines between entries, and the functions of mlir-aie's library.

#include <aie_api/aie.hpp>
#include <lut_based_ops.h>

extern "C" {

void lookup_int8(const void* table, const int8* keys, int8* out) {
    const aie::lut<4, int8> lut(64, table, table);
    aie::parallel_lookup<int8, aie::lut<4, int8>> clamped(lut, 1, 32);
    aie::parallel_lookup<int8, aie::lut<4, int8>, aie::lut_oor_policy::truncate> cut(lut, 0, 1);
    aie::store_v(out, clamped.fetch(aie::load_v<32>(keys)));
    aie::store_v(out + 32, cut.fetch(aie::load_v<32>(keys)));
}
void approximate_int16(const void* table, const int16* x, int64_t* out) {
    const aie::lut<4, int16> lut(32, table, table);
    aie::linear_approx<int16, aie::lut<4, int16>> line(lut, 8, 16, 2);
    const auto acc = line.compute(aie::load_v<16>(x));
    for (unsigned i = 0; i < 16; ++i) out[i] = acc.lane(i);
}
void approximate_bfloat16(const void* table, const bfloat16* x, float* out) {
    const aie::lut<4, float, bfloat16> lut(32, table, table);
    aie::linear_approx<bfloat16, aie::lut<4, float, bfloat16>> line(lut, 0, 16);
    aie::store_v(out, line.compute(aie::load_v<16>(x)).to_vector<float>());
}
void exponentials(const bfloat16* x, float* out) {
    aie::store_v(out, aie::vector<float, 16>(getExpBf16(aie::load_v<16>(x))));
}
void tanhs(const bfloat16* x, bfloat16* out) {
    aie::store_v(out, aie::vector<bfloat16, 16>(getTanhBf16(aie::load_v<16>(x))));
}
void inverse_of(const float* x, bfloat16* out) { *out = getInvBf16(*x); }
}
