// Elementwise products into accumulators: mul, mac, msc, negmul and the squares.
//
// Integer products are exact in the lane's width and wrap beyond. bfloat16 products go through
// AIE2's adder (fp32.hpp). fp32 has no multiplier on AIE2: Peano splits each factor into three
// bfloat16 parts by the core's rounding mode and adds their nine products, smallest first
// (its mul_elem_16_accuracy_safe, the default), and so does this.

#pragma once

#include "lanes.hpp"
#include "memory.hpp"

namespace aie {

namespace detail {

// The element type of an operand: a vector's, or a scalar's own.
template <typename A>
struct operand_type {
    using type = A;
};
template <typename T, unsigned Elems>
struct operand_type<vector<T, Elems>> {
    using type = T;
};
template <typename A>
using operand_type_t = typename operand_type<A>::type;

template <typename A, typename B>
concept Multiplicable = (is_vector<A> && (is_vector<B> || is_scalar<B>)) ||
                        (is_scalar<A> && is_vector<B>);

template <typename A, typename B>
constexpr unsigned common_size() {
    if constexpr (is_vector<A> && is_vector<B>)
        static_assert(A::size() == B::size(), "aie::mul: operands of different sizes");
    if constexpr (is_vector<A>)
        return A::size();
    else
        return B::size();
}

// The type that operand A is multiplied as. A scalar is taken as the vector's element type if AIE2
// has no product of the two, as in a bfloat16 vector times a double literal.
template <typename A, typename B>
constexpr auto factor_type_of() {
    using T = operand_type_t<B>;
    if constexpr (is_vector<A>)
        return operand_type_t<A>{};
    else if constexpr (!is_element<A> || is_floating<A> != is_floating<T> ||
                       (is_floating<T> && !std::is_same_v<A, T>))
        return T{};
    else
        return A{};
}

template <typename A, typename B>
using factor_type = decltype(factor_type_of<A, B>());

template <typename Tag, typename A, typename B>
using product_tag = accum_tag_or_default<Tag, factor_type<A, B>, factor_type<B, A>>;

template <unsigned Elems>
using FloatLanes = accum<accfloat, Elems>;
template <unsigned Elems>
using Bfloat16Lanes = vector<bfloat16, Elems>;

// acc + a * b, and another accumulator in the same step if given.
template <unsigned Elems, typename... With>
__aie_inline FloatLanes<Elems> mac_bfloat16(const FloatLanes<Elems>& acc,
                                            const Bfloat16Lanes<Elems>& a,
                                            const Bfloat16Lanes<Elems>& b, const With&... with) {
    Adder<Elems, 1> adder;
    copy_bits(adder.acc, acc);
    copy_bits(adder.a, a);
    copy_bits(adder.b, b);
    (copy_bits(adder.with, with), ...);
    adder.template run<sizeof...(With) != 0>();
    FloatLanes<Elems> result;
    copy_bits(result, adder.acc);
    return result;
}

template <unsigned Elems>
struct Bfloat16Parts {
    Bfloat16Lanes<Elems> high, middle, low;

    __aie_inline explicit Bfloat16Parts(const FloatLanes<Elems>& value) {
        const auto minus_one = broadcast<bfloat16, Elems>(-1.0f);
        high = value.template to_vector<bfloat16>();
        const auto rest = mac_bfloat16(value, high, minus_one);
        middle = rest.template to_vector<bfloat16>();
        low = mac_bfloat16(rest, middle, minus_one).template to_vector<bfloat16>();
    }
};

// Out of line for the sake of compile time: nine passes through the adder.
template <unsigned Elems>
__attribute__((noinline)) FloatLanes<Elems> mac_float(const FloatLanes<Elems>& acc,
                                                      const FloatLanes<Elems>& a,
                                                      const FloatLanes<Elems>& b) {
    const Bfloat16Parts<Elems> x(a);
    const Bfloat16Parts<Elems> y(b);
    auto minor = mac_bfloat16(zeros<accfloat, Elems>(), x.low, y.low);
    minor = mac_bfloat16(minor, x.low, y.middle);
    minor = mac_bfloat16(minor, x.middle, y.low);
    minor = mac_bfloat16(minor, x.high, y.low);
    minor = mac_bfloat16(minor, x.middle, y.middle);
    minor = mac_bfloat16(minor, y.high, x.low);
    minor = mac_bfloat16(minor, x.middle, y.high);
    minor = mac_bfloat16(minor, x.high, y.middle);
    return mac_bfloat16(minor, x.high, y.high, acc);
}

// A floating-point operand as a vector of its factors, with the sign changed if `Minus`.
template <typename T, unsigned Elems, bool Minus, typename A>
__aie_inline vector<T, Elems> factors(const A& operand) {
    return generate<vector<T, Elems>>([&](unsigned i) {
        const T factor = lane_of<T>(operand, i);
        if constexpr (!Minus)
            return factor;
        else if constexpr (std::is_same_v<T, bfloat16>)
            return bfloat16::from_bits(factor.bits ^ 0x8000);
        else
            return negate_fp32(factor);
    });
}

// acc + a * b lane by lane, or acc - a * b.
template <bool Minus, typename Acc, typename A, typename B>
__aie_inline Acc multiply_add(const Acc& acc, const A& a, const B& b) {
    using TypeA = factor_type<A, B>;
    using TypeB = factor_type<B, A>;
    constexpr unsigned elems = Acc::size();
    if constexpr (!Acc::is_floating_point()) {
        using Lane = typename Acc::lane_type;
        return generate_lanes<Acc>([&](unsigned i) {
            const Lane x = static_cast<Lane>(lane_of<TypeA>(a, i));
            const Lane product = wrap_mul(x, static_cast<Lane>(lane_of<TypeB>(b, i)));
            return Minus ? wrap_sub(acc.lane(i), product) : wrap_add(acc.lane(i), product);
        });
    } else if constexpr (std::is_same_v<TypeA, bfloat16> && std::is_same_v<TypeB, bfloat16>) {
        return mac_bfloat16(acc, factors<TypeA, elems, Minus>(a), factors<TypeB, elems, false>(b));
    } else {
        return mac_float(acc, FloatLanes<elems>(factors<TypeA, elems, Minus>(a)),
                         FloatLanes<elems>(factors<TypeB, elems, false>(b)));
    }
}

template <typename Tag, typename A, typename B>
using product_accum = accum<product_tag<Tag, A, B>, common_size<A, B>()>;

}  // namespace detail

template <typename Tag = accauto, typename A, typename B>
    requires detail::Multiplicable<A, B>
__aie_inline auto mul(const A& a, const B& b) {
    using Acc = detail::product_accum<Tag, A, B>;
    return detail::multiply_add<false>(zeros<typename Acc::value_type, Acc::size()>(), a, b);
}

template <typename Tag = accauto, typename A, typename B>
    requires detail::Multiplicable<A, B>
__aie_inline auto negmul(const A& a, const B& b) {
    using Acc = detail::product_accum<Tag, A, B>;
    return detail::multiply_add<true>(zeros<typename Acc::value_type, Acc::size()>(), a, b);
}

template <typename Tag, unsigned Elems, typename A, typename B>
    requires detail::Multiplicable<A, B>
__aie_inline accum<Tag, Elems> mac(const accum<Tag, Elems>& acc, const A& a, const B& b) {
    static_assert(detail::common_size<A, B>() == Elems, "aie::mac: sizes differ");
    return detail::multiply_add<false>(acc, a, b);
}

template <typename Tag, unsigned Elems, typename A, typename B>
    requires detail::Multiplicable<A, B>
__aie_inline accum<Tag, Elems> msc(const accum<Tag, Elems>& acc, const A& a, const B& b) {
    static_assert(detail::common_size<A, B>() == Elems, "aie::msc: sizes differ");
    return detail::multiply_add<true>(acc, a, b);
}

template <typename Tag = accauto, typename T, unsigned Elems>
__aie_inline auto mul_square(const vector<T, Elems>& v) {
    return mul<Tag>(v, v);
}

template <typename Tag, typename T, unsigned Elems>
__aie_inline accum<Tag, Elems> mac_square(const accum<Tag, Elems>& acc, const vector<T, Elems>& v) {
    return mac(acc, v, v);
}

template <typename Tag, typename T, unsigned Elems>
__aie_inline accum<Tag, Elems> msc_square(const accum<Tag, Elems>& acc, const vector<T, Elems>& v) {
    return msc(acc, v, v);
}

// The product of all elements, wrapping.
template <typename T, unsigned Elems>
    requires(!detail::is_floating<T>)
__aie_inline T reduce_mul(const vector<T, Elems>& v) {
    T product = 1;
    for (unsigned i = 0; i < Elems; ++i) product = detail::wrap_mul(product, v.get(i));
    return product;
}

}  // namespace aie
