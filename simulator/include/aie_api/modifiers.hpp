// Modifiers of operands: op_add(acc), op_sub(acc), op_zero(acc, flag), op_abs(v), op_max(a, b)...
//
// On the device they choose the form of the instruction that takes the operand. On the host each
// computes its operand at once, which gives the same numbers.

#pragma once

#include "compare.hpp"
#include "elementwise.hpp"

namespace aie {

template <typename T>
__aie_inline const T& op_none(const T& operand) {
    return operand;
}

template <typename Tag, unsigned Elems>
__aie_inline accum<Tag, Elems> op_add(const accum<Tag, Elems>& acc) {
    return acc;
}

template <typename Tag, unsigned Elems>
__aie_inline accum<Tag, Elems> op_sub(const accum<Tag, Elems>& acc) {
    return neg(acc);
}

template <typename Tag, unsigned Elems>
__aie_inline accum<Tag, Elems> op_zero(const accum<Tag, Elems>& acc, bool to_zero = true) {
    return to_zero ? zeros<Tag, Elems>() : acc;
}

template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> op_abs(const vector<T, Elems>& v) {
    return abs(v);
}

template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> op_max(const vector<T, Elems>& a, const vector<T, Elems>& b) {
    return max(a, b);
}

template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> op_min(const vector<T, Elems>& a, const vector<T, Elems>& b) {
    return min(a, b);
}

}  // namespace aie
