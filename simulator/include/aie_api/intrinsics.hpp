// The core's own operations that kernels use next to aie_api, by their names: element access,
// parts of registers, bits, conversions, bfloat16 products.

#pragma once

#include "compare.hpp"
#include "convert.hpp"
#include "elementwise.hpp"
#include "math.hpp"
#include "multiply.hpp"
#include "native_types.hpp"
#include "shuffle_unit.hpp"
#include "streams.hpp"

// Registers without a value.
#define AIE_UNDEFINED(Register) \
    __aie_inline Register undef_##Register() { return {}; }
AIE_UNDEFINED(v64int8)
AIE_UNDEFINED(v64uint8)
AIE_UNDEFINED(v32int16)
AIE_UNDEFINED(v16int32)
AIE_UNDEFINED(v32bfloat16)
AIE_UNDEFINED(v16float)
AIE_UNDEFINED(v32acc32)
AIE_UNDEFINED(v16acc64)
AIE_UNDEFINED(v16accfloat)
#undef AIE_UNDEFINED

// Vectors of one value.
__aie_inline v32bfloat16 broadcast_zero_bfloat16() {
    return aie::zeros<bfloat16, 32>();
}
__aie_inline v32bfloat16 broadcast_zero_to_v32bfloat16() {
    return aie::zeros<bfloat16, 32>();
}
__aie_inline v32bfloat16 broadcast_one_to_v32bfloat16() {
    return aie::broadcast<bfloat16, 32>(1.0f);
}
__aie_inline v32int16 broadcast_zero_to_v32int16() {
    return aie::zeros<int16, 32>();
}
__aie_inline v64int8 broadcast_to_v64int8(int8 value) {
    return aie::broadcast<int8, 64>(value);
}
__aie_inline v32int16 broadcast_to_v32int16(int16 value) {
    return aie::broadcast<int16, 32>(value);
}
__aie_inline v16int32 broadcast_to_v16int32(int32 value) {
    return aie::broadcast<int32, 16>(value);
}
__aie_inline v32bfloat16 broadcast_bfloat16(bfloat16 value) {
    return aie::broadcast<bfloat16, 32>(value);
}
__aie_inline v32bfloat16 broadcast_to_v32bfloat16(bfloat16 value) {
    return aie::broadcast<bfloat16, 32>(value);
}
__aie_inline v16float broadcast_to_v16float(float value) {
    return aie::broadcast<float, 16>(value);
}
__aie_inline v16accfloat broadcast_to_v16accfloat(float value) {
    return v16accfloat(aie::broadcast<float, 16>(value));
}

// Single elements.
template <typename T, unsigned Elems>
__aie_inline T ext_elem(const aie::vector<T, Elems>& v, unsigned idx) {
    return v.get(idx);
}
template <typename T, unsigned Elems>
__aie_inline T extract_elem(const aie::vector<T, Elems>& v, unsigned idx) {
    return v.get(idx);
}
template <typename T, unsigned Elems>
__aie_inline aie::vector<T, Elems> upd_elem(aie::vector<T, Elems> v, unsigned idx,
                                            std::type_identity_t<T> value) {
    v.set(value, idx);
    return v;
}

// Parts of registers: extract_v16bfloat16(v, i), set_v32bfloat16(i, part), insert(v, i, part).
#define AIE_REGISTER_PARTS(Whole, Part)                                \
    __aie_inline Part extract_##Part(const Whole& v, unsigned idx) {    \
        return v.template extract<Part::size()>(idx);                   \
    }                                                                   \
    __aie_inline Whole set_##Whole(unsigned idx, const Part& part) {    \
        return part.template grow<Whole::size()>(idx);                  \
    }
AIE_REGISTER_PARTS(v64int8, v32int8)
AIE_REGISTER_PARTS(v64uint8, v32uint8)
AIE_REGISTER_PARTS(v32int16, v16int16)
AIE_REGISTER_PARTS(v32uint16, v16uint16)
AIE_REGISTER_PARTS(v16int32, v8int32)
AIE_REGISTER_PARTS(v32bfloat16, v16bfloat16)
AIE_REGISTER_PARTS(v16bfloat16, v8bfloat16)
AIE_REGISTER_PARTS(v16float, v8float)
AIE_REGISTER_PARTS(v32acc32, v16acc32)
AIE_REGISTER_PARTS(v16acc64, v8acc64)
AIE_REGISTER_PARTS(v32accfloat, v16accfloat)
#undef AIE_REGISTER_PARTS

template <typename T, unsigned Elems, unsigned Part>
__aie_inline aie::vector<T, Elems> insert(aie::vector<T, Elems> v, unsigned idx,
                                          const aie::vector<T, Part>& part) {
    return v.insert(idx, part);
}

// Bits, by the names of the instructions.
template <typename T, unsigned Elems>
__aie_inline aie::vector<T, Elems> band(const aie::vector<T, Elems>& a,
                                        const aie::vector<T, Elems>& b) {
    return aie::bit_and(a, b);
}
template <typename T, unsigned Elems>
__aie_inline aie::vector<T, Elems> bor(const aie::vector<T, Elems>& a,
                                       const aie::vector<T, Elems>& b) {
    return aie::bit_or(a, b);
}
template <typename T, unsigned Elems>
__aie_inline aie::vector<T, Elems> bxor(const aie::vector<T, Elems>& a,
                                        const aie::vector<T, Elems>& b) {
    return aie::bit_xor(a, b);
}

// Scalars.
__aie_inline float inv(float value) {
    return aie::inv(value);
}
__aie_inline float invsqrt(float value) {
    return aie::invsqrt(value);
}

// The second operand where the mask is set.
template <typename T, unsigned Elems>
__aie_inline aie::vector<T, Elems> sel(const aie::vector<T, Elems>& a,
                                       const aie::vector<T, Elems>& b, uint32_t mask) {
    static_assert(Elems <= 32, "sel: up to 32 elements by a 32-bit mask");
    return aie::select(a, b, aie::mask<Elems>::from_uint32(mask));
}

// Conversions between vectors and accumulators: 32 bits up to 64 and back.
__aie_inline v16acc64 lups(const v16int32& v, int shift) {
    return v16acc64(v, shift);
}
__aie_inline v16int32 lsrs(const v16acc64& acc, int shift, int is_signed = 1) {
    return acc.to_vector_sign<int32>(is_signed != 0, shift);
}
__aie_inline v16accfloat ups(const v16bfloat16& v) {
    return v16accfloat(v);
}
__aie_inline v16accfloat ups_to_v16accfloat(const v16bfloat16& v) {
    return v16accfloat(v);
}
__aie_inline v16bfloat16 to_v16bfloat16(const v16accfloat& acc) {
    return acc.to_vector<bfloat16>();
}

// bfloat16 times 2^shift as integers, rounded down and saturated.
template <unsigned Elems>
__aie_inline aie::vector<int32, Elems> bfloat16_to_int(const aie::vector<bfloat16, Elems>& v,
                                                       int shift) {
    return aie::to_fixed<int32>(v, shift);
}

// bfloat16 products: lane i takes elements i and i + 16, both products in one step.
__aie_inline v16accfloat mac_elem_16_2(const v32bfloat16& a, const v32bfloat16& b,
                                       const v16accfloat& acc) {
    aie::detail::Adder<16, 2> adder;
    aie::detail::copy_bits(adder.acc, acc);
    aie::detail::copy_bits(adder.a, a);
    aie::detail::copy_bits(adder.b, b);
    adder.run();
    v16accfloat result;
    aie::detail::copy_bits(result, adder.acc);
    return result;
}
__aie_inline v16accfloat mul_elem_16_2(const v32bfloat16& a, const v32bfloat16& b) {
    return mac_elem_16_2(a, b, aie::zeros<accfloat, 16>());
}
__aie_inline v16accfloat msc_elem_16_2(const v32bfloat16& a, const v32bfloat16& b,
                                       const v16accfloat& acc) {
    return mac_elem_16_2(aie::detail::factors<bfloat16, 32, true>(a), b, acc);
}
__aie_inline v16accfloat negmul_elem_16_2(const v32bfloat16& a, const v32bfloat16& b) {
    return msc_elem_16_2(a, b, aie::zeros<accfloat, 16>());
}
