// What aie_api has for AIE2 and the simulated host target does not: each fails with a sentence.

#pragma once

#include "types.hpp"

namespace aie {

#define AIE_HOST_FFT(stage)                                                                       \
    template <unsigned Vectorization, typename... Args>                                           \
    void stage(Args&&...) {                                                                       \
        AIE_HOST_UNAVAILABLE("aie::" #stage, "complex vectors are not modelled; write the "       \
                             "butterflies with aie::mul and aie::mac on real and imaginary parts", \
                             Args...);                                                            \
    }
AIE_HOST_FFT(fft_dit_r2_stage)
AIE_HOST_FFT(fft_dit_r3_stage)
AIE_HOST_FFT(fft_dit_r4_stage)
AIE_HOST_FFT(fft_dit_r5_stage)
#undef AIE_HOST_FFT

template <unsigned Vectorization, unsigned Radix, typename... Types>
struct fft_dit {
    AIE_HOST_UNAVAILABLE("aie::fft_dit", "complex vectors are not modelled", Types...);
};

template <typename T, unsigned Elems>
class sparse_vector {
    AIE_HOST_UNAVAILABLE("aie::sparse_vector", "decompression on load is not modelled; use the "
                         "dense shapes of aie::mmul", T);
};

template <typename T, unsigned Elems>
class block_vector {
    AIE_HOST_UNAVAILABLE("aie::block_vector", "block floating point came with XDNA 2", T);
};

template <typename T, unsigned Elems, typename... Args>
void make_tensor_descriptor(Args&&...) {
    AIE_HOST_UNAVAILABLE("aie::make_tensor_descriptor", "address with loops and aie::load_v", T);
}

template <typename T, typename... Args>
void make_tensor_buffer_stream(T*, Args&&...) {
    AIE_HOST_UNAVAILABLE("aie::make_tensor_buffer_stream", "address with loops and aie::load_v", T);
}

template <unsigned Lanes, unsigned Points, int... Steps>
struct sliding_mul_sym_ops {
    static_assert(Lanes == 0, "aie::sliding_mul_sym_ops is not available on the simulated AIE2 host "
                              "target yet: add the mirrored data first and use aie::sliding_mul_ops");
};

template <typename To = float, typename V>
void exp2(const V&) {
    AIE_HOST_UNAVAILABLE("aie::exp2", "it came with XDNA 2; AIE2 kernels read a table", V);
}

template <typename To = float, typename V>
void tanh(const V&) {
    AIE_HOST_UNAVAILABLE("aie::tanh", "it came with XDNA 2; AIE2 kernels read a table", V);
}

template <typename T>
void sin(const T&) {
    AIE_HOST_UNAVAILABLE("aie::sin", "AIE2 has no unit for it; AIE2 kernels read a table", T);
}

template <typename T>
void cos(const T&) {
    AIE_HOST_UNAVAILABLE("aie::cos", "AIE2 has no unit for it; AIE2 kernels read a table", T);
}

template <typename... Args>
void print(const Args&...) {
    AIE_HOST_UNAVAILABLE("aie::print", "a core has no console; store what you want to see",
                         Args...);
}

template <typename... Args>
void print_matrix(const Args&...) {
    AIE_HOST_UNAVAILABLE("aie::print_matrix", "a core has no console; store what you want to see",
                         Args...);
}

template <typename V>
void conj(const V&) {
    AIE_HOST_UNAVAILABLE("aie::conj", "complex vectors are not modelled", V);
}

template <typename T>
void op_conj(const T&) {
    AIE_HOST_UNAVAILABLE("aie::op_conj", "complex vectors are not modelled", T);
}

template <typename T>
void op_sign(const T&, bool) {
    AIE_HOST_UNAVAILABLE("aie::op_sign", "cast the vector to the signed or unsigned type", T);
}

}  // namespace aie
