// Elements moved within a vector: shifts and rotations by whole elements, reversal.
//
// What a shift leaves undefined on the device is undefined here too (the pattern of an unwritten
// vector), so that a kernel that reads it does not come out right by luck.

#pragma once

#include "vector.hpp"

namespace aie {

// Element i goes to i + n.
template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> shuffle_up(const vector<T, Elems>& v, unsigned n) {
    vector<T, Elems> result;
    for (unsigned i = n; i < Elems; ++i) result.set(v.get(i - n), i);
    return result;
}

template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> shuffle_up_rotate(const vector<T, Elems>& v, unsigned n) {
    return detail::reorder<vector<T, Elems>>(
        [&](unsigned i) { return v.get((i + Elems - n) % Elems); });
}

template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> shuffle_up_replicate(const vector<T, Elems>& v, unsigned n) {
    return detail::reorder<vector<T, Elems>>(
        [&](unsigned i) { return v.get(i < n ? 0 : i - n); });
}

// The last n elements of `fill` come in below.
template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> shuffle_up_fill(const vector<T, Elems>& v,
                                              const vector<T, Elems>& fill, unsigned n) {
    return detail::reorder<vector<T, Elems>>(
        [&](unsigned i) { return i < n ? fill.get(Elems - n + i) : v.get(i - n); });
}

// Element i goes to i - n.
template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> shuffle_down(const vector<T, Elems>& v, unsigned n) {
    vector<T, Elems> result;
    for (unsigned i = n; i < Elems; ++i) result.set(v.get(i), i - n);
    return result;
}

template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> shuffle_down_rotate(const vector<T, Elems>& v, unsigned n) {
    return detail::reorder<vector<T, Elems>>([&](unsigned i) { return v.get((i + n) % Elems); });
}

template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> shuffle_down_replicate(const vector<T, Elems>& v, unsigned n) {
    return detail::reorder<vector<T, Elems>>(
        [&](unsigned i) { return v.get(i + n < Elems ? i + n : Elems - 1); });
}

// The first n elements of `fill` come in above.
template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> shuffle_down_fill(const vector<T, Elems>& v,
                                                const vector<T, Elems>& fill, unsigned n) {
    return detail::reorder<vector<T, Elems>>(
        [&](unsigned i) { return i + n < Elems ? v.get(i + n) : fill.get(i + n - Elems); });
}

template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> reverse(const vector<T, Elems>& v) {
    return detail::reorder<vector<T, Elems>>([&](unsigned i) { return v.get(Elems - 1 - i); });
}

}  // namespace aie
