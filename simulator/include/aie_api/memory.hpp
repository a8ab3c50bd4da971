// Loads, stores, and vectors made from scalars.

#pragma once

#include "accum.hpp"
#include "mask.hpp"
#include "vector.hpp"

namespace aie {

namespace detail {

// AIE2 drops the low bits of the address of an aligned access and reads other bytes than were
// meant, without a word. Here the bytes at the very address are taken, and the core's record says
// that it happened.
template <unsigned Bytes>
__aie_inline void expect_aligned(const void* address) {
    constexpr uintptr_t low_bits = (Bytes < vector_decl_align ? Bytes : vector_decl_align) - 1;
    const uintptr_t at = reinterpret_cast<uintptr_t>(address);
    if ((at & low_bits) != 0 && npu_core->misaligned == 0) [[unlikely]] npu_core->misaligned = at;
}

}  // namespace detail

// From and to memory aligned to 16 bytes for 128-bit vectors and to 32 bytes for longer ones.
template <unsigned Elems, typename T>
__aie_inline auto load_v(const T* from) {
    vector<std::remove_cv_t<T>, Elems> result;
    detail::expect_aligned<sizeof(result)>(from);
    result.load(from);
    return result;
}

template <typename T>
__aie_inline auto load_v(const T* from) {
    return load_v<native_vector_length_v<std::remove_cv_t<T>>>(from);
}

template <typename T, unsigned Elems>
__aie_inline T* store_v(T* to, const vector<T, Elems>& v) {
    detail::expect_aligned<sizeof(v)>(to);
    v.store(to);
    return to;
}

// From and to any address.
template <unsigned Elems, typename T>
__aie_inline auto load_unaligned_v(const T* from, unsigned /*aligned_elems*/ = 1) {
    vector<std::remove_cv_t<T>, Elems> result;
    result.load(from);
    return result;
}

template <typename T>
__aie_inline auto load_unaligned_v(const T* from, unsigned aligned_elems = 1) {
    return load_unaligned_v<native_vector_length_v<std::remove_cv_t<T>>>(from, aligned_elems);
}

template <typename T, unsigned Elems>
__aie_inline T* store_unaligned_v(T* to, const vector<T, Elems>& v, unsigned /*aligned*/ = 1) {
    v.store(to);
    return to;
}

// From and to the last address before the pointer that is aligned to `n` elements or `bytes`.
template <unsigned Elems, typename T>
__aie_inline auto load_floor_bytes_v(const T* from, size_t bytes) {
    const uintptr_t floor = reinterpret_cast<uintptr_t>(from) & ~(bytes - 1);
    return load_v<Elems>(reinterpret_cast<const T*>(floor));
}

template <unsigned Elems, typename T>
__aie_inline auto load_floor_v(const T* from, unsigned n = Elems) {
    return load_floor_bytes_v<Elems>(from, n * sizeof(T));
}

template <typename T, unsigned Elems>
__aie_inline T* store_floor_bytes_v(T* to, const vector<T, Elems>& v, size_t bytes) {
    const uintptr_t floor = reinterpret_cast<uintptr_t>(to) & ~(bytes - 1);
    return store_v(reinterpret_cast<T*>(floor), v);
}

template <typename T, unsigned Elems>
__aie_inline T* store_floor_v(T* to, const vector<T, Elems>& v, unsigned n = Elems) {
    return store_floor_bytes_v(to, v, n * sizeof(T));
}

// A vector with every element `value`.
template <typename T, unsigned Elems = native_vector_length_v<T>>
__aie_inline constexpr vector<T, Elems> broadcast(std::type_identity_t<T> value) {
    return detail::generate<vector<T, Elems>>([&](unsigned) { return value; });
}

template <unsigned Elems = 0, typename T>
    requires detail::is_element<T>
__aie_inline constexpr auto broadcast(T value) {
    return broadcast<T, Elems == 0 ? native_vector_length_v<T> : Elems>(value);
}

template <typename T, unsigned Elems = native_vector_length_v<T>>
    requires detail::is_element<T>
__aie_inline constexpr vector<T, Elems> zeros() {
    return broadcast<T, Elems>(T(0));
}

template <typename Tag, unsigned Elems>
    requires detail::is_accum_tag<Tag>
__aie_inline constexpr accum<Tag, Elems> zeros() {
    using Lane = detail::accum_lane_t<Tag>;
    return detail::generate_lanes<accum<Tag, Elems>>([](unsigned) { return Lane{0}; });
}

}  // namespace aie
