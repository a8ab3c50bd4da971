// aie::vector: a vector register of Elems elements.

#pragma once

#include "types.hpp"

namespace aie {

namespace detail {

// The bits of one object to another of the same size.
template <typename To, typename From>
__aie_inline void copy_bits(To& to, const From& from) {
    static_assert(sizeof(To) == sizeof(From));
    __builtin_memcpy(static_cast<void*>(&to), &from, sizeof(to));
}

template <typename T>
inline constexpr bool is_vector = false;
template <typename T, unsigned Elems>
inline constexpr bool is_vector<vector<T, Elems>> = true;

// Elements in memory order. Not aligned beyond an element, so that a reference to a vector in a
// host buffer is always a valid one.
template <typename T, unsigned Elems>
struct Elements {
    T data[Elems];

    __aie_inline constexpr T get(unsigned idx) const { return data[idx]; }
    __aie_inline constexpr void set(T value, unsigned idx) { data[idx] = value; }
};

template <typename T, unsigned Elems>
    requires is_int4<T>
struct Elements<T, Elems> {
    uint8_t data[Elems / 2];

    __aie_inline constexpr T get(unsigned idx) const { return T(data[idx / 2] >> (idx % 2 * 4)); }
    __aie_inline constexpr void set(T value, unsigned idx) {
        const unsigned shift = idx % 2 * 4;
        const unsigned kept = data[idx / 2] & (0xf0u >> shift);
        data[idx / 2] = static_cast<uint8_t>(kept | (int(value) & 0xfu) << shift);
    }
};

}  // namespace detail

// A register may stand for any memory: kernels cast pointers to elements to pointers to vectors.
template <typename T, unsigned Elems = native_vector_length_v<T>>
class __attribute__((may_alias)) vector {
    static_assert(!detail::is_complex<T>,
                  "aie::vector of complex elements is not available on the simulated AIE2 host "
                  "target yet: keep real and imaginary parts in vectors of their own");
    static_assert(detail::is_element<T> || detail::is_complex<T>,
                  "aie::vector: not an element type of AIE2");
    static_assert(Elems * detail::type_bits<T> >= 128 && (Elems & (Elems - 1)) == 0,
                  "aie::vector: a vector has 128 bits or a power of two times that");

  public:
    using value_type = T;
    using native_type = vector;
    using storage_t = vector;

    static constexpr unsigned size() { return Elems; }
    static constexpr unsigned type_bits() { return detail::type_bits<T>; }
    static constexpr unsigned bits() { return Elems * type_bits(); }
    static constexpr unsigned bytes() { return bits() / 8; }
    static constexpr bool is_signed() { return detail::is_signed_element<T>; }
    static constexpr bool is_complex() { return detail::is_complex<T>; }
    static constexpr bool is_real() { return !is_complex(); }
    static constexpr bool is_floating_point() { return detail::is_floating<T>; }
    static constexpr bool is_integral() { return !is_floating_point(); }

    // A register holds what was last in it; on the host a fixed pattern, so that a kernel that
    // reads what it never wrote gives the same wrong answer every time. A static one is zero.
    __aie_inline constexpr vector() {
        if (std::is_constant_evaluated())
            elements_ = {};
        else
            __builtin_memset(&elements_, 0xa5, sizeof(elements_));
    }

    template <typename... Values>
        requires(sizeof...(Values) < Elems)
    __aie_inline constexpr explicit vector(T first, Values... rest) : vector() {
        const T values[] = {first, static_cast<T>(rest)...};
        for (unsigned i = 0; i < sizeof...(Values) + 1; ++i) set(values[i], i);
    }

    // The same bits, as a conversion between the core's own vector types takes them.
    template <typename Other, unsigned Count>
        requires(!std::is_same_v<Other, T> && Count * detail::type_bits<Other> == bits())
    __aie_inline explicit vector(const vector<Other, Count>& other) {
        detail::copy_bits(elements_, other);
    }

    __aie_inline constexpr T get(unsigned idx) const { return elements_.get(idx); }
    __aie_inline constexpr void set(T value, unsigned idx) { elements_.set(value, idx); }
    __aie_inline T operator[](unsigned idx) const { return get(idx); }
    __aie_inline T& operator[](unsigned idx)
        requires(!detail::is_int4<T>)
    {
        return elements_.data[idx];
    }

    __aie_inline vector to_native() const { return *this; }

    // Shift `value` in at index 0: every element moves one up and the last falls out.
    __aie_inline vector& push(T value) {
        for (unsigned i = Elems - 1; i > 0; --i) set(get(i - 1), i);
        set(value, 0);
        return *this;
    }

    // The same bits as elements of another type.
    template <typename To>
    __aie_inline auto cast_to() const {
        vector<To, bits() / detail::type_bits<To>> result;
        detail::copy_bits(result, elements_);
        return result;
    }

    template <unsigned ElemsOut>
    __aie_inline vector<T, ElemsOut> extract(unsigned idx) const {
        static_assert(ElemsOut <= Elems);
        detail::Elements<T, ElemsOut> part;
        __builtin_memcpy(&part, at<ElemsOut>(idx), sizeof(part));
        vector<T, ElemsOut> result;
        detail::copy_bits(result, part);
        return result;
    }

    template <unsigned ElemsIn>
    __aie_inline vector& insert(unsigned idx, const vector<T, ElemsIn>& part) {
        static_assert(ElemsIn <= Elems);
        __builtin_memcpy(const_cast<uint8_t*>(at<ElemsIn>(idx)), &part, sizeof(part));
        return *this;
    }

    // A wider vector with this one as part `idx`; the other parts are undefined.
    template <unsigned ElemsOut>
    __aie_inline vector<T, ElemsOut> grow(unsigned idx = 0) const {
        vector<T, ElemsOut> result;
        result.insert(idx, *this);
        return result;
    }

    template <unsigned ElemsOut>
    __aie_inline vector<T, ElemsOut> grow_replicate() const {
        vector<T, ElemsOut> result;
        for (unsigned part = 0; part < ElemsOut / Elems; ++part) result.insert(part, *this);
        return result;
    }

    template <unsigned ElemsOut>
    __aie_inline vector<T, ElemsOut> grow_extract(unsigned idx) const {
        if constexpr (ElemsOut > Elems)
            return grow<ElemsOut>();
        else
            return extract<ElemsOut>(idx);
    }

    // Replace all parts, the first argument lowest.
    template <typename... Parts>
    __aie_inline vector& upd_all(const Parts&... parts) {
        unsigned idx = 0;
        (insert(idx++, parts), ...);
        return *this;
    }

    // Parts of ElemsOut elements as an array, lowest first.
    template <unsigned ElemsOut>
    __aie_inline auto split() const {
        struct Parts {
            vector<T, ElemsOut> part[Elems / ElemsOut];
            __aie_inline const vector<T, ElemsOut>& operator[](unsigned i) const { return part[i]; }
        } parts;
        for (unsigned i = 0; i < Elems / ElemsOut; ++i) parts.part[i] = extract<ElemsOut>(i);
        return parts;
    }

    // Twice and half the element width; in convert.hpp.
    template <typename To>
    vector<To, Elems> unpack_sign(bool is_signed) const;
    template <typename To>
    vector<To, Elems> pack_sign(bool is_signed) const;
    template <typename To = void>
    auto unpack() const;
    template <typename To = void>
    auto pack() const;

    __aie_inline void load(const T* from) {
        __builtin_memcpy(&elements_, from, sizeof(elements_));
    }
    __aie_inline void store(T* to) const { __builtin_memcpy(to, &elements_, sizeof(elements_)); }

  private:
    template <unsigned Part>
    __aie_inline const uint8_t* at(unsigned idx) const {
        return reinterpret_cast<const uint8_t*>(&elements_) + idx * Part * type_bits() / 8;
    }

    detail::Elements<T, Elems> elements_;
};

namespace detail {

// The vector of lanes `lane(0)`, `lane(1)`, ...: the loop that every elementwise operation is.
template <typename V, typename Lane>
__aie_inline constexpr V generate(Lane lane) {
    V result;
    AIE_HOST_EACH_LANE
    for (unsigned i = 0; i < V::size(); ++i) result.set(lane(i), i);
    return result;
}

// The same for lanes that come from elsewhere in a vector: `lane(i)` reads at any index.
template <typename V, typename Lane>
__aie_inline V reorder(Lane lane) {
    V result;
    AIE_HOST_REORDER
    for (unsigned i = 0; i < V::size(); ++i) result.set(lane(i), i);
    return result;
}

}  // namespace detail

// One vector of several of the same type, the first lowest.
template <typename T, unsigned Elems, typename... Others>
    requires(sizeof...(Others) > 0)
__aie_inline auto concat(const vector<T, Elems>& first, const Others&... others) {
    vector<T, Elems*(1 + sizeof...(Others))> result;
    return result.upd_all(first, others...);
}

template <typename To, typename T, unsigned Elems>
    requires detail::is_element<To>
__aie_inline auto vector_cast(const vector<T, Elems>& v) {
    return v.template cast_to<To>();
}

}  // namespace aie
