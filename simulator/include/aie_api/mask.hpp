// aie::mask: one bit per element, what comparisons give and selections take.

#pragma once

#include "types.hpp"

namespace aie {

template <unsigned Elems>
class mask {
    static constexpr unsigned words = (Elems + 31) / 32;
    static constexpr uint32_t last_word = Elems % 32 ? (1u << Elems % 32) - 1 : ~0u;

  public:
    static constexpr unsigned size() { return Elems; }

    __aie_inline constexpr explicit mask(bool initial = false) : words_{} {
        if (initial) *this = ~*this;
    }

    template <typename... Words>
        requires(sizeof...(Words) + 1 == words)
    __aie_inline static constexpr mask from_uint32(uint32_t first, Words... rest) {
        mask result;
        const uint32_t given[] = {first, static_cast<uint32_t>(rest)...};
        for (unsigned i = 0; i < words; ++i) result.words_[i] = given[i];
        result.words_[words - 1] &= last_word;
        return result;
    }

    template <typename... Words>
        requires((sizeof...(Words) + 1) * 2 == words)
    __aie_inline static constexpr mask from_uint64(uint64_t first, Words... rest) {
        mask result;
        const uint64_t given[] = {first, static_cast<uint64_t>(rest)...};
        for (unsigned i = 0; i < words; ++i)
            result.words_[i] = static_cast<uint32_t>(given[i / 2] >> i % 2 * 32);
        return result;
    }

    template <unsigned Part, typename... Others>
        requires(Part*(1 + sizeof...(Others)) == Elems)
    __aie_inline static constexpr mask from_masks(const mask<Part>& first, const Others&... rest) {
        mask result;
        unsigned idx = 0;
        result.insert(idx++, first);
        (result.insert(idx++, rest), ...);
        return result;
    }

    __aie_inline constexpr bool test(unsigned i) const { return words_[i / 32] >> i % 32 & 1u; }
    __aie_inline constexpr void set(unsigned i) { words_[i / 32] |= 1u << i % 32; }
    __aie_inline constexpr void clear(unsigned i) { words_[i / 32] &= ~(1u << i % 32); }

    __aie_inline constexpr mask operator&(const mask& other) const {
        return zip(other, [](uint32_t a, uint32_t b) { return a & b; });
    }
    __aie_inline constexpr mask operator|(const mask& other) const {
        return zip(other, [](uint32_t a, uint32_t b) { return a | b; });
    }
    __aie_inline constexpr mask operator^(const mask& other) const {
        return zip(other, [](uint32_t a, uint32_t b) { return a ^ b; });
    }
    __aie_inline constexpr mask operator~() const {
        return zip(*this, [](uint32_t a, uint32_t) { return ~a; });
    }
    __aie_inline constexpr mask& operator&=(const mask& other) { return *this = *this & other; }
    __aie_inline constexpr mask& operator|=(const mask& other) { return *this = *this | other; }
    __aie_inline constexpr mask& operator^=(const mask& other) { return *this = *this ^ other; }
    __aie_inline constexpr bool operator==(const mask& other) const {
        return (*this ^ other).empty();
    }

    __aie_inline constexpr mask operator<<(unsigned shift) const {
        mask result;
        for (unsigned i = shift; i < Elems; ++i)
            if (test(i - shift)) result.set(i);
        return result;
    }
    __aie_inline constexpr mask operator>>(unsigned shift) const {
        mask result;
        for (unsigned i = shift; i < Elems; ++i)
            if (test(i)) result.set(i - shift);
        return result;
    }
    __aie_inline constexpr mask& operator<<=(unsigned shift) { return *this = *this << shift; }
    __aie_inline constexpr mask& operator>>=(unsigned shift) { return *this = *this >> shift; }

    __aie_inline constexpr unsigned count() const {
        unsigned total = 0;
        for (uint32_t word : words_) total += static_cast<unsigned>(__builtin_popcount(word));
        return total;
    }

    // Zero bits above the highest set one.
    __aie_inline constexpr unsigned clz() const {
        unsigned zeros = 0;
        while (zeros < Elems && !test(Elems - 1 - zeros)) ++zeros;
        return zeros;
    }

    __aie_inline constexpr bool empty() const { return count() == 0; }
    __aie_inline constexpr bool full() const { return count() == Elems; }

    __aie_inline constexpr uint32_t to_uint32(unsigned i = 0) const { return words_[i]; }
    __aie_inline constexpr uint64_t to_uint64(unsigned i = 0) const {
        return words_[2 * i] | static_cast<uint64_t>(words_[2 * i + 1]) << 32;
    }

    // What the core's own comparisons give.
    __aie_inline constexpr operator uint32_t() const
        requires(Elems <= 32)
    {
        return words_[0];
    }

    template <unsigned Part>
    __aie_inline constexpr mask<Part> extract(unsigned idx) const {
        mask<Part> result;
        for (unsigned i = 0; i < Part; ++i)
            if (test(idx * Part + i)) result.set(i);
        return result;
    }

    template <unsigned Part>
    __aie_inline constexpr mask& insert(unsigned idx, const mask<Part>& part) {
        for (unsigned i = 0; i < Part; ++i)
            part.test(i) ? set(idx * Part + i) : clear(idx * Part + i);
        return *this;
    }

  private:
    template <typename Combine>
    __aie_inline constexpr mask zip(const mask& other, Combine combine) const {
        mask result;
        for (unsigned i = 0; i < words; ++i) result.words_[i] = combine(words_[i], other.words_[i]);
        result.words_[words - 1] &= last_word;
        return result;
    }

    uint32_t words_[words];
};

namespace detail {

template <typename T>
inline constexpr bool is_mask = false;
template <unsigned Elems>
inline constexpr bool is_mask<mask<Elems>> = true;

}  // namespace detail
}  // namespace aie
