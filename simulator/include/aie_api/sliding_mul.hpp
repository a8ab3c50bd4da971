// Products of a row of coefficients with data that slides past it, and weighted sums of vectors.

#pragma once

#include "multiply.hpp"

namespace aie {

// Lane l gets the sum over p of coeff[coeff_start + p * CoeffStep] *
// data[data_start + l * DataStepY + p * DataStepX]. Indices wrap round the vectors.
template <unsigned Lanes, unsigned Points, int CoeffStep, int DataStepX, int DataStepY,
          typename CoeffType, typename DataType, typename AccumTag = accauto>
struct sliding_mul_ops {
    using accum_tag = detail::accum_tag_or_default<AccumTag, CoeffType, DataType>;
    using accum_type = accum<accum_tag, Lanes>;

    static constexpr unsigned lanes = Lanes;
    static constexpr unsigned points = Points;

    template <unsigned Coeffs, unsigned Elems>
    __aie_inline static accum_type mul(const vector<CoeffType, Coeffs>& coeff, unsigned coeff_start,
                                       const vector<DataType, Elems>& data, unsigned data_start) {
        return run<false>(zeros<accum_tag, Lanes>(), coeff, coeff_start, data, data_start);
    }

    template <unsigned Coeffs, unsigned Elems>
    __aie_inline static accum_type negmul(const vector<CoeffType, Coeffs>& coeff,
                                          unsigned coeff_start,
                                          const vector<DataType, Elems>& data,
                                          unsigned data_start) {
        return run<true>(zeros<accum_tag, Lanes>(), coeff, coeff_start, data, data_start);
    }

    template <typename Tag, unsigned Coeffs, unsigned Elems>
    __aie_inline static accum_type mac(const accum<Tag, Lanes>& acc,
                                       const vector<CoeffType, Coeffs>& coeff, unsigned coeff_start,
                                       const vector<DataType, Elems>& data, unsigned data_start) {
        return run<false>(accum_type(acc), coeff, coeff_start, data, data_start);
    }

  private:
    template <bool Minus, unsigned Coeffs, unsigned Elems>
    __aie_inline static accum_type run(accum_type acc, const vector<CoeffType, Coeffs>& coeff,
                                       unsigned coeff_start, const vector<DataType, Elems>& data,
                                       unsigned data_start) {
        for (unsigned p = 0; p < Points; ++p) {
            const auto window = detail::reorder<vector<DataType, Lanes>>([&](unsigned lane) {
                return data.get((data_start + lane * DataStepY + p * DataStepX) % Elems);
            });
            const CoeffType coefficient = coeff.get((coeff_start + p * CoeffStep) % Coeffs);
            acc = detail::multiply_add<Minus>(acc, coefficient, window);
        }
        return acc;
    }
};

template <unsigned Lanes, unsigned Points, int CoeffStep, int DataStepX, typename CoeffType,
          typename DataType, typename AccumTag = accauto>
using sliding_mul_x_ops =
    sliding_mul_ops<Lanes, Points, CoeffStep, DataStepX, 1, CoeffType, DataType, AccumTag>;

template <unsigned Lanes, unsigned Points, int CoeffStep, int DataStepY, typename CoeffType,
          typename DataType, typename AccumTag = accauto>
using sliding_mul_y_ops =
    sliding_mul_ops<Lanes, Points, CoeffStep, 1, DataStepY, CoeffType, DataType, AccumTag>;

template <unsigned Lanes, unsigned Points, int CoeffStep, int DataStepXY, typename CoeffType,
          typename DataType, typename AccumTag = accauto>
using sliding_mul_xy_ops =
    sliding_mul_ops<Lanes, Points, CoeffStep, DataStepXY, DataStepXY, CoeffType, DataType,
                    AccumTag>;

template <unsigned Lanes, unsigned Points, int CoeffStep = 1, int DataStepX = 1,
          int DataStepY = DataStepX, typename AccumTag = accauto, typename C, unsigned Coeffs,
          typename D, unsigned Elems>
__aie_inline auto sliding_mul(const vector<C, Coeffs>& coeff, unsigned coeff_start,
                              const vector<D, Elems>& data, unsigned data_start) {
    using Ops = sliding_mul_ops<Lanes, Points, CoeffStep, DataStepX, DataStepY, C, D, AccumTag>;
    return Ops::mul(coeff, coeff_start, data, data_start);
}

template <unsigned Lanes, unsigned Points, int CoeffStep = 1, int DataStepX = 1,
          int DataStepY = DataStepX, typename Tag, typename C, unsigned Coeffs, typename D,
          unsigned Elems>
__aie_inline auto sliding_mac(const accum<Tag, Lanes>& acc, const vector<C, Coeffs>& coeff,
                              unsigned coeff_start, const vector<D, Elems>& data,
                              unsigned data_start) {
    using Ops = sliding_mul_ops<Lanes, Points, CoeffStep, DataStepX, DataStepY, C, D, Tag>;
    return Ops::mac(acc, coeff, coeff_start, data, data_start);
}

namespace detail {

// acc + c1 * a + c2 * b: AIE2 takes bfloat16 products two at a time.
template <typename Tag, unsigned Lanes, typename C, typename D>
__aie_inline accum<Tag, Lanes> mac_two(const accum<Tag, Lanes>& acc, C c1,
                                       const vector<D, Lanes>& a, C c2,
                                       const vector<D, Lanes>& b) {
    if constexpr (std::is_same_v<C, bfloat16> && std::is_same_v<D, bfloat16>) {
        const auto row1 = broadcast<C, Lanes>(c1);
        const auto row2 = broadcast<C, Lanes>(c2);
        Adder<Lanes, 2> adder;
        copy_bits(adder.acc, acc);
        copy_bits(adder.a[0], row1);
        copy_bits(adder.a[1], row2);
        copy_bits(adder.b[0], a);
        copy_bits(adder.b[1], b);
        adder.run();
        accum<Tag, Lanes> result;
        copy_bits(result, adder.acc);
        return result;
    } else {
        return multiply_add<false>(multiply_add<false>(acc, c1, a), c2, b);
    }
}

}  // namespace detail

// Lane l gets the sum over c of coeff[coeff_start + c] * data_c[l].
template <unsigned Lanes, typename Tag, typename C, unsigned Coeffs>
__aie_inline accum<Tag, Lanes> accumulate(const accum<Tag, Lanes>& acc, const vector<C, Coeffs>&,
                                          unsigned /*coeff_start*/) {
    return acc;
}

template <unsigned Lanes, typename Tag, typename C, unsigned Coeffs, typename D>
__aie_inline accum<Tag, Lanes> accumulate(const accum<Tag, Lanes>& acc,
                                          const vector<C, Coeffs>& coeff, unsigned coeff_start,
                                          const vector<D, Lanes>& last) {
    return detail::multiply_add<false>(acc, coeff.get(coeff_start), last);
}

template <unsigned Lanes, typename Tag, typename C, unsigned Coeffs, typename D, typename... Data>
__aie_inline accum<Tag, Lanes> accumulate(const accum<Tag, Lanes>& acc,
                                          const vector<C, Coeffs>& coeff, unsigned coeff_start,
                                          const vector<D, Lanes>& first,
                                          const vector<D, Lanes>& second, const Data&... others) {
    const auto sum = detail::mac_two(acc, coeff.get(coeff_start), first,
                                     coeff.get(coeff_start + 1), second);
    return accumulate<Lanes>(sum, coeff, coeff_start + 2, others...);
}

template <unsigned Lanes, typename AccumTag = accauto, typename C, unsigned Coeffs, typename D,
          typename... Data>
    requires(detail::is_vector<Data> && ...)
__aie_inline auto accumulate(const vector<C, Coeffs>& coeff, unsigned coeff_start,
                             const vector<D, Lanes>& first, const Data&... data) {
    using Tag = detail::accum_tag_or_default<AccumTag, C, D>;
    return accumulate<Lanes>(zeros<Tag, Lanes>(), coeff, coeff_start, first, data...);
}

}  // namespace aie
