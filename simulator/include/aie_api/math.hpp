// Elementary functions: inv, invsqrt, sqrt, div, and scalar helpers.
//
// AIE2 has no unit for them. The vector forms of inv and invsqrt follow the steps that aie_api
// takes on AIE2 (a bit trick for the first guess, then one Newton step in bfloat16 or emulated
// fp32), with its constants, so that they are as exact and as inexact. What the scalar forms give
// in the last bit is not documented; here they are rounded to nearest.

#pragma once

#include "elementwise.hpp"
#include "multiply.hpp"

namespace aie {

namespace detail {

inline constexpr float inverse_scale = 1.9395974f;
inline constexpr float inverse_offset = 1.436142f;
inline constexpr float root_scale = 0.703952253f;
inline constexpr float root_offset = 2.38924456f;

// 1 / x: a guess, and one step of Newton's method in the precision of T's products.
template <typename T, unsigned Elems, typename Round>
__aie_inline vector<T, Elems> newton_inverse(const vector<T, Elems>& v,
                                             const vector<T, Elems>& guess, Round round) {
    const auto offset = accum<accfloat, Elems>(broadcast<float, Elems>(inverse_offset));
    const auto two = accum<accfloat, Elems>(broadcast<float, Elems>(2.0f));
    const auto scale = broadcast<T, Elems>(T(inverse_scale));
    const auto correction = round(add(negmul(v, guess), offset));
    const auto minus_y = round(negmul(round(mul(correction, guess)), scale));
    const auto rest = round(mac(two, minus_y, v));
    return round(negmul(minus_y, rest));
}

template <typename T, unsigned Elems>
__aie_inline auto rounded_to() {
    return [](const accum<accfloat, Elems>& acc) { return acc.template to_vector<T>(); };
}

}  // namespace detail

template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> inv(const vector<T, Elems>& v) {
    static_assert(detail::is_floating<T>, "aie::inv: bfloat16 or float");
    using Bits = std::conditional_t<std::is_same_v<T, float>, int32, int16>;
    constexpr Bits magic = std::is_same_v<T, float> ? Bits(0x7eb53567) : Bits(0x7eb5);
    const auto guess = sub(magic, v.template cast_to<Bits>()).template cast_to<T>();
    return detail::newton_inverse(v, guess, detail::rounded_to<T, Elems>());
}

template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> invsqrt(const vector<T, Elems>& v) {
    static_assert(detail::is_floating<T>, "aie::invsqrt: bfloat16 or float");
    const auto round = detail::rounded_to<T, Elems>();
    const accum<accfloat, Elems> wide(v);
    const auto bits = wide.template to_vector<float>().template cast_to<int32>();
    const auto halved = accum<acc64, Elems>(bits).template to_vector<int32>(1);
    const auto guess = sub(int32(0x5f1ffff9), halved).template cast_to<float>();
    const auto y = round(accum<accfloat, Elems>(guess));
    const auto x2 = round(mul(v, broadcast<T, Elems>(T(detail::root_scale))));
    const auto offset = accum<accfloat, Elems>(
        broadcast<float, Elems>(detail::root_scale * detail::root_offset));
    return round(mul(y, round(msc(offset, x2, round(mul(y, y))))));
}

template <typename T, unsigned Elems>
__aie_inline vector<T, Elems> sqrt(const vector<T, Elems>& v) {
    AIE_HOST_UNAVAILABLE("aie::sqrt of a vector", "aie_api has none for AIE2 either; multiply by "
                         "aie::invsqrt", T);
    return v;
}

// a / b as aie_api divides: the product of a and inv(b).
template <typename T, unsigned Elems, typename B>
    requires(detail::is_floating<T> && (detail::is_vector<B> || detail::is_scalar<B>))
__aie_inline auto div(const vector<T, Elems>& a, const B& b) {
    if constexpr (detail::is_vector<B>)
        return mul(a, inv(b));
    else
        return mul(a, inv(broadcast<T, Elems>(T(b))));
}

namespace detail {

// 1 / sqrt(x) without the C library, which a core does not have: a guess from the exponent, and
// Newton's method to the end of a double.
constexpr double inverse_root(double x) {
    double y = __builtin_bit_cast(
        double, 0x5fe6eb50c7b537a9ull - (__builtin_bit_cast(uint64_t, x) >> 1));
    for (int step = 0; step < 5; ++step) y *= 1.5 - 0.5 * x * y * y;
    return y;
}

constexpr float scalar_invsqrt(float x) {
    if (x != x || x < 0) return __builtin_nanf("");
    if (x == 0) return __builtin_inff();
    return x == __builtin_inff() ? 0.0f : static_cast<float>(inverse_root(x));
}

constexpr float scalar_sqrt(float x) {
    if (x == 0 || x == __builtin_inff()) return x;
    return x > 0 ? static_cast<float>(x * inverse_root(x)) : __builtin_nanf("");
}

}  // namespace detail

// Scalars.
template <typename T>
    requires detail::is_floating<T>
__aie_inline T inv(T a) {
    return T(1.0f / static_cast<float>(a));
}

template <typename T>
    requires detail::is_floating<T>
__aie_inline T sqrt(T a) {
    return T(detail::scalar_sqrt(a));
}

template <typename T>
    requires detail::is_floating<T>
__aie_inline T invsqrt(T a) {
    return T(detail::scalar_invsqrt(a));
}

__aie_inline float div(float a, float b) {
    return a / b;
}

template <typename T>
    requires detail::is_scalar<T>
__aie_inline T abs(T a) {
    return a < T(0) ? T(-a) : a;
}

template <typename T>
    requires detail::is_floating<T>
__aie_inline T max(T a, T b) {
    return a < b ? b : a;
}

template <typename T>
    requires detail::is_floating<T>
__aie_inline T min(T a, T b) {
    return b < a ? b : a;
}

}  // namespace aie
