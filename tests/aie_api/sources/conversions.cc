// Accumulators to vectors and back, elements to wider and narrower ones, fixed and floating point.

#include <aie_api/aie.hpp>

template <typename Tag, unsigned Elems>
static aie::accum<Tag, Elems> lanes(const typename aie::accum<Tag, Elems>::lane_type* from) {
    aie::accum<Tag, Elems> acc;
    for (unsigned i = 0; i < Elems; ++i) acc.set_lane(from[i], i);
    return acc;
}

template <typename Tag, unsigned Elems>
static void store(typename aie::accum<Tag, Elems>::lane_type* to,
                  const aie::accum<Tag, Elems>& acc) {
    for (unsigned i = 0; i < Elems; ++i) to[i] = acc.lane(i);
}

extern "C" {

void set_modes(int rounding, int saturation) {
    aie::set_rounding(static_cast<aie::rounding_mode>(rounding));
    aie::set_saturation(static_cast<aie::saturation_mode>(saturation));
}

#define SRS(Tag, Lane, To)                                                  \
    void srs_##Tag##_##To(const Lane* from, To* to, int shift) {            \
        aie::store_v(to, lanes<Tag, 32>(from).to_vector<To>(shift));        \
    }
SRS(acc32, int32_t, int8)
SRS(acc32, int32_t, uint8)
SRS(acc32, int32_t, int16)
SRS(acc32, int32_t, uint16)
SRS(acc32, int32_t, int32)
SRS(acc64, int64_t, int8)
SRS(acc64, int64_t, uint8)
SRS(acc64, int64_t, int16)
SRS(acc64, int64_t, uint16)
SRS(acc64, int64_t, int32)
SRS(acc64, int64_t, uint32)

#define UPS(From, Tag, Lane)                                                \
    void ups_##From##_##Tag(const From* from, Lane* to, int shift) {        \
        store(to, aie::accum<Tag, 32>(aie::load_v<32>(from), shift));       \
    }
UPS(int8, acc32, int32_t)
UPS(uint8, acc32, int32_t)
UPS(int16, acc32, int32_t)
UPS(uint16, acc32, int32_t)
UPS(int16, acc64, int64_t)
UPS(int32, acc64, int64_t)

void round_bfloat16(const float* from, bfloat16* to) {
    aie::store_v(to, lanes<accfloat, 16>(from).to_vector<bfloat16>());
}

void scalar_bfloat16(const float* from, bfloat16* to) {
    for (int i = 0; i < 16; ++i) to[i] = from[i];
}

void widen_bfloat16(const bfloat16* from, float* to) {
    aie::store_v(to, aie::accum<accfloat, 16>(aie::load_v<16>(from)).to_vector<float>());
}

#define PACK(From, To)                                                      \
    void pack_##From(const From* from, To* to) {                            \
        aie::store_v(to, aie::load_v<32>(from).pack());                     \
    }
PACK(int16, int8)
PACK(uint16, uint8)
PACK(int32, int16)

#define UNPACK(From, To)                                                    \
    void unpack_##From(const From* from, To* to) {                          \
        aie::store_v(to, aie::unpack(aie::load_v<32>(from)));               \
    }
UNPACK(int4, int8)
UNPACK(uint4, uint8)
UNPACK(int8, int16)
UNPACK(uint8, uint16)
UNPACK(int16, int32)

void pack_int8(const int8* from, int4* to) { aie::store_v(to, aie::load_v<32>(from).pack()); }

void fixed_bfloat16_int32(const bfloat16* from, int32* to, int shift) {
    aie::store_v(to, aie::to_fixed<int32>(aie::load_v<16>(from), shift));
}
void fixed_float_int32(const float* from, int32* to, int shift) {
    aie::store_v(to, aie::to_fixed<int32>(aie::load_v<16>(from), shift));
}
void fixed_float_int16(const float* from, int16* to, int shift) {
    aie::store_v(to, aie::to_fixed<int16>(aie::load_v<16>(from), shift));
}
void float_int16(const int16* from, float* to, int shift) {
    aie::store_v(to, aie::to_float(aie::load_v<16>(from), shift));
}
void float_int32(const int32* from, float* to, int shift) {
    aie::store_v(to, aie::to_float(aie::load_v<16>(from), shift));
}
}
