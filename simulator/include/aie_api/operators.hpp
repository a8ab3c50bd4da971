// Operators on vectors and accumulators, for kernels that say `using namespace aie::operators`.

#pragma once

#include "compare.hpp"
#include "concepts.hpp"
#include "elementwise.hpp"

namespace aie::operators {

// clang-format off
template <typename A, typename B>
concept Operands = detail::Elementwise<A, B>;
template <typename A>
concept VectorOrAccum = detail::is_vector<A> || detail::is_accum<A>;
template <typename A, typename B>
concept Summands = Operands<A, B> || detail::is_accum<A>;

template <VectorOrAccum A> __aie_inline auto operator-(const A& a) { return neg(a); }
template <typename A, typename B> requires Summands<A, B>
__aie_inline auto operator+(const A& a, const B& b) { return add(a, b); }
template <typename A, typename B> requires Summands<A, B>
__aie_inline auto operator-(const A& a, const B& b) { return sub(a, b); }
template <VectorOrAccum A, typename B> __aie_inline A& operator+=(A& a, const B& b) { return a = add(a, b); }
template <VectorOrAccum A, typename B> __aie_inline A& operator-=(A& a, const B& b) { return a = sub(a, b); }

template <typename A, typename B> requires Operands<A, B>
__aie_inline auto operator<(const A& a, const B& b) { return lt(a, b); }
template <typename A, typename B> requires Operands<A, B>
__aie_inline auto operator<=(const A& a, const B& b) { return le(a, b); }
template <typename A, typename B> requires Operands<A, B>
__aie_inline auto operator>(const A& a, const B& b) { return gt(a, b); }
template <typename A, typename B> requires Operands<A, B>
__aie_inline auto operator>=(const A& a, const B& b) { return ge(a, b); }
template <typename A, typename B> requires Operands<A, B>
__aie_inline auto operator==(const A& a, const B& b) { return eq(a, b); }
template <typename A, typename B> requires Operands<A, B>
__aie_inline auto operator!=(const A& a, const B& b) { return neq(a, b); }

template <typename A, typename B> requires Operands<A, B>
__aie_inline auto operator&(const A& a, const B& b) { return bit_and(a, b); }
template <typename A, typename B> requires Operands<A, B>
__aie_inline auto operator|(const A& a, const B& b) { return bit_or(a, b); }
template <typename A, typename B> requires Operands<A, B>
__aie_inline auto operator^(const A& a, const B& b) { return bit_xor(a, b); }
template <Vector V> __aie_inline auto operator~(const V& v) { return bit_not(v); }
template <Vector V> __aie_inline auto operator<<(const V& v, unsigned shift) { return upshift(v, shift); }
template <Vector V> __aie_inline auto operator>>(const V& v, unsigned shift) { return downshift(v, shift); }
// clang-format on

}  // namespace aie::operators
