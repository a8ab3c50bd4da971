// aie::mmul: C (M x N) += A (M x K) * B (K x N), blocks held row by row in vectors.

#pragma once

#include "fp32_block.hpp"
#include "memory.hpp"
#include "mmul_shapes.hpp"
#include "multiply.hpp"

namespace aie {

template <unsigned M_, unsigned K_, unsigned N_, typename A, typename B = A,
          typename Tag = accauto>
class mmul {
    static constexpr auto accumulation = detail::mmul_accumulation<A, B>({M_, K_, N_});
    static_assert(accumulation != detail::Accumulation::none,
                  "aie::mmul: AIE2 has no such M x K x N for these operand types");

  public:
    static constexpr unsigned M = M_;
    static constexpr unsigned K = K_;
    static constexpr unsigned N = N_;
    static constexpr unsigned size_A = M * K;
    static constexpr unsigned size_B = K * N;
    static constexpr unsigned size_C = M * N;
    static constexpr unsigned size() { return size_C; }

    using accum_tag = std::conditional_t<accumulation == detail::Accumulation::wide, acc64,
                                         detail::accum_tag_or_default<Tag, A, B>>;
    using accum_type = accum<accum_tag, size_C>;
    using lane_type = typename accum_type::lane_type;

    // Before the first mul or mac the accumulator counts as zero.
    __aie_inline mmul() : acc_(zeros<accum_tag, size_C>()) {}
    __aie_inline mmul(const accum_type& acc) : acc_(acc) {}

    template <typename T>
    __aie_inline mmul(const vector<T, size_C>& v, int shift = 0) : acc_(v, shift) {}

    __aie_inline void mul(const vector<A, size_A>& a, const vector<B, size_B>& b) {
        acc_ = zeros<accum_tag, size_C>();
        mac(a, b);
    }

    __aie_inline void mac(const vector<A, size_A>& a, const vector<B, size_B>& b) {
        if constexpr (std::is_same_v<A, bfloat16>)
            mac_bfloat16(acc_, a, b);
        else if constexpr (std::is_same_v<A, float>)
            mac_float(acc_, a, b);
        else
            mac_integer(acc_, a, b);
    }

    __aie_inline accum_type to_accum() const { return acc_; }
    __aie_inline operator accum_type() const { return acc_; }

    template <typename T>
    __aie_inline vector<T, size_C> to_vector(int shift = 0) const {
        return acc_.template to_vector<T>(shift);
    }

  private:
    // All three are kept out of line: a kernel that unrolls its blocks would compile for seconds.

    // Row by row, with the compiler's own vectors (unsigned, so that lanes wrap).
    __attribute__((noinline)) static void mac_integer(accum_type& __restrict acc,
                                                      const vector<A, size_A>& __restrict a,
                                                      const vector<B, size_B>& __restrict b) {
        using Lane = std::make_unsigned_t<detail::accum_lane_t<accum_tag>>;
        typedef Lane Row __attribute__((vector_size(N * sizeof(Lane))));
        Lane lanes_a[size_A];
        Lane lanes_b[size_B];
        AIE_HOST_EACH_LANE
        for (unsigned i = 0; i < size_A; ++i) lanes_a[i] = Lane(lane_type(a.get(i)));
        AIE_HOST_EACH_LANE
        for (unsigned i = 0; i < size_B; ++i) lanes_b[i] = Lane(lane_type(b.get(i)));
        Row rows_b[K];
        detail::copy_bits(rows_b, lanes_b);
        auto* const rows_c = reinterpret_cast<char*>(&acc);
        for (unsigned m = 0; m < M; ++m) {
            Row sum;
            __builtin_memcpy(&sum, rows_c + m * sizeof(Row), sizeof(Row));
            for (unsigned k = 0; k < K; ++k) sum += lanes_a[m * K + k] * rows_b[k];
            __builtin_memcpy(rows_c + m * sizeof(Row), &sum, sizeof(Row));
        }
    }

    // Eight bfloat16 products of a row and a column enter AIE2's adder with the accumulator.
    __attribute__((noinline)) static void mac_bfloat16(accum_type& __restrict acc,
                                                       const vector<A, size_A>& __restrict a,
                                                       const vector<B, size_B>& __restrict b) {
        float lanes[size_C];
        uint32_t bits_a[size_A], bits_b[size_B];
        detail::copy_bits(lanes, acc);
        AIE_HOST_EACH_LANE
        for (unsigned i = 0; i < size_A; ++i) bits_a[i] = uint32_t(a.get(i).bits) << 16;
        AIE_HOST_EACH_LANE
        for (unsigned i = 0; i < size_B; ++i) bits_b[i] = uint32_t(b.get(i).bits) << 16;
        if (!detail::add_products<M, K, N>(lanes, bits_a, bits_b)) [[unlikely]]
            return mac_specials(acc, a, b);
        detail::copy_bits(acc, lanes);
    }

    // The same with infinities or NaNs among the operands.
    __attribute__((noinline, cold)) static void mac_specials(accum_type& __restrict acc,
                                                             const vector<A, size_A>& __restrict a,
                                                             const vector<B, size_B>& __restrict b) {
        detail::Adder<size_C, K> adder;
        detail::copy_bits(adder.acc, acc);
        for (unsigned k = 0; k < K; ++k) {
            for (unsigned c = 0; c < size_C; ++c) {
                adder.a[k][c] = a.get(c / N * K + k);
                adder.b[k][c] = b.get(k * N + c % N);
            }
        }
        adder.run();
        detail::copy_bits(acc, adder.acc);
    }

    // One column of A and one row of B at a time; every product is emulated.
    __attribute__((noinline)) static void mac_float(accum_type& __restrict acc,
                                                    const vector<A, size_A>& __restrict a,
                                                    const vector<B, size_B>& __restrict b) {
        for (unsigned k = 0; k < K; ++k) {
            const auto column = detail::reorder<vector<float, size_C>>(
                [&](unsigned c) { return a.get(c / N * K + k); });
            const auto row = detail::reorder<vector<float, size_C>>(
                [&](unsigned c) { return b.get(k * N + c % N); });
            acc = aie::mac(acc, column, row);
        }
    }

    accum_type acc_;
};

}  // namespace aie
