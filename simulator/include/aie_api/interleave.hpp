// Elements woven between vectors: zip, unzip, filters and transposition, in chunks of a power of
// two elements.

#pragma once

#include "vector.hpp"

namespace aie {

namespace detail {

// Two vectors of one type, for `auto [low, high] = ...`.
template <typename V>
struct VectorPair {
    V first;
    V second;
};

// Element i of `low` and `high` put one after the other.
template <typename V>
__aie_inline auto element_of_both(const V& low, const V& high, unsigned i) {
    return i < V::size() ? low.get(i) : high.get(i - V::size());
}

}  // namespace detail

// Chunks taken from a and b in turn.
template <typename T, unsigned Elems>
__aie_inline auto interleave_zip(const vector<T, Elems>& a, const vector<T, Elems>& b,
                                 unsigned chunk) {
    using V = vector<T, Elems>;
    if (chunk >= Elems) return detail::VectorPair<V>{a, b};
    const auto element = [&](unsigned i) {
        const unsigned pair = i / chunk;
        const unsigned source = pair / 2 * chunk + i % chunk;
        return pair % 2 ? b.get(source) : a.get(source);
    };
    return detail::VectorPair<V>{
        detail::reorder<V>([&](unsigned i) { return element(i); }),
        detail::reorder<V>([&](unsigned i) { return element(i + Elems); })};
}

// Even chunks of a and b to the first result, odd ones to the second: undoes interleave_zip.
template <typename T, unsigned Elems>
__aie_inline auto interleave_unzip(const vector<T, Elems>& a, const vector<T, Elems>& b,
                                   unsigned chunk) {
    using V = vector<T, Elems>;
    if (chunk >= Elems) return detail::VectorPair<V>{a, b};
    const auto element = [&](unsigned i, unsigned odd) {
        return detail::element_of_both(a, b, (i / chunk * 2 + odd) * chunk + i % chunk);
    };
    return detail::VectorPair<V>{
        detail::reorder<V>([&](unsigned i) { return element(i, 0); }),
        detail::reorder<V>([&](unsigned i) { return element(i, 1); })};
}

// Every second chunk, the first or the second of each two.
template <typename T, unsigned Elems>
__aie_inline auto filter_even(const vector<T, Elems>& v, unsigned chunk = 1) {
    return detail::reorder<vector<T, Elems / 2>>(
        [&](unsigned i) { return v.get(i / chunk * 2 * chunk + i % chunk); });
}

template <typename T, unsigned Elems>
__aie_inline auto filter_odd(const vector<T, Elems>& v, unsigned chunk = 1) {
    return detail::reorder<vector<T, Elems / 2>>(
        [&](unsigned i) { return v.get((i / chunk * 2 + 1) * chunk + i % chunk); });
}

// Modes made beforehand, to choose a shuffle at run time.
template <typename T, unsigned Elems>
class interleave_zip_mode {
  public:
    explicit constexpr interleave_zip_mode(unsigned chunk) : chunk_(chunk) {}
    constexpr unsigned chunk() const { return chunk_; }

  private:
    unsigned chunk_;
};

template <typename T, unsigned Elems>
class interleave_unzip_mode {
  public:
    explicit constexpr interleave_unzip_mode(unsigned chunk) : chunk_(chunk) {}
    constexpr unsigned chunk() const { return chunk_; }

  private:
    unsigned chunk_;
};

template <typename T, unsigned Elems>
class filter_mode {
  public:
    static constexpr filter_mode even(unsigned chunk) { return filter_mode(chunk, false); }
    static constexpr filter_mode odd(unsigned chunk) { return filter_mode(chunk, true); }
    constexpr unsigned chunk() const { return chunk_; }
    constexpr bool takes_odd() const { return odd_; }

  private:
    constexpr filter_mode(unsigned chunk, bool odd) : chunk_(chunk), odd_(odd) {}

    unsigned chunk_;
    bool odd_;
};

template <typename T, unsigned Elems>
__aie_inline auto interleave_zip(const vector<T, Elems>& a, const vector<T, Elems>& b,
                                 const interleave_zip_mode<T, Elems>& mode) {
    return interleave_zip(a, b, mode.chunk());
}

template <typename T, unsigned Elems>
__aie_inline auto interleave_unzip(const vector<T, Elems>& a, const vector<T, Elems>& b,
                                   const interleave_unzip_mode<T, Elems>& mode) {
    return interleave_unzip(a, b, mode.chunk());
}

template <typename T, unsigned Elems>
__aie_inline auto filter(const vector<T, Elems>& v, const filter_mode<T, Elems>& mode) {
    return mode.takes_odd() ? filter_odd(v, mode.chunk()) : filter_even(v, mode.chunk());
}

// Both results chosen element by element: the arguments are indices into a and b put end to end.
template <typename T, unsigned Elems, typename... Indices>
    requires(sizeof...(Indices) == 2 * Elems)
__aie_inline auto interleave_custom(const vector<T, Elems>& a, const vector<T, Elems>& b,
                                    Indices... indices) {
    using V = vector<T, Elems>;
    const unsigned source[] = {static_cast<unsigned>(indices)...};
    return detail::VectorPair<V>{
        detail::reorder<V>([&](unsigned i) { return detail::element_of_both(a, b, source[i]); }),
        detail::reorder<V>(
            [&](unsigned i) { return detail::element_of_both(a, b, source[i + Elems]); })};
}

// The vector read as `rows` x `columns`, row by row, written column by column.
template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> transpose(const vector<T, Elems>& v, unsigned rows,
                                        unsigned columns) {
    return detail::reorder<vector<T, Elems>>(
        [&](unsigned i) { return v.get(i % rows * columns + i / rows); });
}

}  // namespace aie
