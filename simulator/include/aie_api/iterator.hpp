// Iterators over memory in steps of a vector: `auto it = aie::begin_vector<32>(pointer)`.

#pragma once

#include "vector.hpp"

namespace aie {

template <typename T, unsigned Elems>
class vector_iterator {
    using element = std::remove_const_t<T>;
    using register_type = std::conditional_t<std::is_const_v<T>, const vector<element, Elems>,
                                             vector<element, Elems>>;

  public:
    using value_type = vector<element, Elems>;
    using reference = register_type&;
    using pointer = register_type*;
    using difference_type = ptrdiff_t;

    __aie_inline explicit vector_iterator(T* at) : at_(at) {}

    // The memory itself, read and written as a vector.
    __aie_inline reference operator*() const { return *reinterpret_cast<pointer>(at_); }
    __aie_inline pointer operator->() const { return reinterpret_cast<pointer>(at_); }
    __aie_inline reference operator[](difference_type steps) const { return *(*this + steps); }

    __aie_inline vector_iterator& operator++() { return *this += 1; }
    __aie_inline vector_iterator& operator--() { return *this -= 1; }
    __aie_inline vector_iterator operator++(int) { return step(1); }
    __aie_inline vector_iterator operator--(int) { return step(-1); }
    __aie_inline vector_iterator& operator+=(difference_type steps) {
        at_ += steps * stride;
        return *this;
    }
    __aie_inline vector_iterator& operator-=(difference_type steps) { return *this += -steps; }
    __aie_inline vector_iterator operator+(difference_type steps) const {
        return vector_iterator(at_ + steps * stride);
    }
    __aie_inline vector_iterator operator-(difference_type steps) const { return *this + -steps; }
    __aie_inline bool operator==(const vector_iterator& other) const = default;

  private:
    // Pointers to 4-bit elements count bytes, of two elements each.
    static constexpr difference_type stride = Elems * detail::type_bits<element> / 8 / sizeof(T);

    __aie_inline vector_iterator step(difference_type steps) {
        const vector_iterator before = *this;
        *this += steps;
        return before;
    }

    T* at_;
};

template <typename T, unsigned Elems>
using const_vector_iterator = vector_iterator<const T, Elems>;
template <typename T, unsigned Elems>
using restrict_vector_iterator = vector_iterator<T, Elems>;
template <typename T, unsigned Elems>
using const_restrict_vector_iterator = vector_iterator<const T, Elems>;
template <typename T, unsigned Elems>
using unaligned_vector_iterator = vector_iterator<T, Elems>;

template <unsigned Elems, typename T>
__aie_inline auto begin_vector(T* base) {
    return vector_iterator<T, Elems>(base);
}
template <unsigned Elems, typename T>
__aie_inline auto cbegin_vector(const T* base) {
    return vector_iterator<const T, Elems>(base);
}
template <unsigned Elems, typename T>
__aie_inline auto begin_restrict_vector(T* base) {
    return vector_iterator<T, Elems>(base);
}
template <unsigned Elems, typename T>
__aie_inline auto cbegin_restrict_vector(const T* base) {
    return vector_iterator<const T, Elems>(base);
}
template <unsigned Elems, typename T>
__aie_inline auto begin_unaligned_vector(T* base) {
    return vector_iterator<T, Elems>(base);
}
template <unsigned Elems, typename T>
__aie_inline auto cbegin_unaligned_vector(const T* base) {
    return vector_iterator<const T, Elems>(base);
}

// A circular buffer of `size` elements, read and written element by element or vector by vector.
template <typename T, unsigned Elems = 1>
class circular_iterator {
    using element = std::remove_const_t<T>;
    using vector_type = std::conditional_t<std::is_const_v<T>, const vector<element, Elems>,
                                           vector<element, Elems>>;

  public:
    __aie_inline circular_iterator(T* base, size_t size, size_t start = 0)
        : base_(base), size_(size), at_(start) {}

    __aie_inline auto& operator*() const {
        if constexpr (Elems == 1)
            return base_[at_];
        else
            return *reinterpret_cast<vector_type*>(base_ + at_);
    }
    __aie_inline circular_iterator& operator++() {
        at_ = (at_ + Elems) % size_;
        return *this;
    }
    __aie_inline circular_iterator operator++(int) {
        const circular_iterator before = *this;
        ++*this;
        return before;
    }
    __aie_inline bool operator==(const circular_iterator& other) const {
        return base_ + at_ == other.base_ + other.at_;
    }

  private:
    T* base_;
    size_t size_;
    size_t at_;
};

template <typename T>
__aie_inline auto begin_circular(T* base, size_t size) {
    return circular_iterator<T>(base, size);
}
template <unsigned Elems, typename T>
__aie_inline auto begin_vector_circular(T* base, size_t size) {
    return circular_iterator<T, Elems>(base, size);
}

}  // namespace aie
