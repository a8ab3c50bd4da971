// Elementwise operations, comparisons and reductions, for every element type that has them.

#include <aie_api/aie.hpp>

template <unsigned Elems, typename T, typename Operation>
static void apply(const T* a, const T* b, T* out, Operation operation) {
    aie::store_v(out, operation(aie::load_v<Elems>(a), aie::load_v<Elems>(b)));
}

template <unsigned Elems>
static void store(uint8_t* out, const aie::mask<Elems>& m) {
    for (unsigned i = 0; i < Elems; ++i) out[i] = m.test(i);
}

extern "C" {

void set_modes(int rounding, int saturation) {
    aie::set_rounding(static_cast<aie::rounding_mode>(rounding));
    aie::set_saturation(static_cast<aie::saturation_mode>(saturation));
}

#define BINARY(name, T, N)                                                                    \
    void name##_##T(const T* a, const T* b, T* out) {                                         \
        apply<N>(a, b, out, [](auto x, auto y) { return aie::name(x, y); });                  \
    }
#define BY_SCALAR(name, T, N)                                                                 \
    void name##_scalar_##T(const T* a, const T* b, T* out) {                                  \
        const T first = b[0];                                                                 \
        apply<N>(a, b, out, [&](auto x, auto) { return aie::name(x, first); });               \
    }
#define COMPARISON(name, T, N)                                                                \
    void name##_##T(const T* a, const T* b, uint8_t* out) {                                   \
        store(out, aie::name(aie::load_v<N>(a), aie::load_v<N>(b)));                          \
    }
#define UNARY(name, T, N)                                                                     \
    void name##_##T(const T* a, T* out) { aie::store_v(out, aie::name(aie::load_v<N>(a))); }
#define REDUCTION(name, T, N)                                                                 \
    void name##_##T(const T* a, T* out) { out[0] = aie::name(aie::load_v<N>(a)); }
#define ALL(T, N)                                                                             \
    BINARY(add, T, N) BINARY(sub, T, N) BINARY(max, T, N) BINARY(min, T, N)                   \
    BY_SCALAR(add, T, N) BY_SCALAR(max, T, N)                                                 \
    COMPARISON(lt, T, N) COMPARISON(le, T, N) COMPARISON(gt, T, N) COMPARISON(ge, T, N)       \
    COMPARISON(eq, T, N) COMPARISON(neq, T, N)                                                \
    UNARY(neg, T, N) UNARY(abs, T, N) REDUCTION(reduce_add, T, N)                             \
    REDUCTION(reduce_max, T, N) REDUCTION(reduce_min, T, N)                                   \
    void select_##T(const T* a, const T* b, const uint32_t* m, T* out) {                      \
        aie::mask<N> chosen;                                                                  \
        for (unsigned i = 0; i < N; ++i)                                                      \
            if (m[i / 32] >> i % 32 & 1) chosen.set(i);                                       \
        aie::store_v(out, aie::select(aie::load_v<N>(a), aie::load_v<N>(b), chosen));         \
    }
ALL(int8, 64)
ALL(uint8, 64)
ALL(int16, 32)
ALL(uint16, 32)
ALL(int32, 16)
ALL(uint32, 16)
ALL(bfloat16, 32)
ALL(float, 16)

#define INTEGER(T, N)                                                                         \
    BINARY(bit_and, T, N) BINARY(bit_or, T, N) BINARY(bit_xor, T, N) UNARY(bit_not, T, N)     \
    BINARY(saturating_add, T, N) BINARY(saturating_sub, T, N) BINARY(maxdiff, T, N)           \
    void upshift_##T(const T* a, T* out, int n) {                                             \
        aie::store_v(out, aie::upshift(aie::load_v<N>(a), n));                                \
    }                                                                                         \
    void downshift_##T(const T* a, T* out, int n) {                                           \
        aie::store_v(out, aie::downshift(aie::load_v<N>(a), n));                              \
    }                                                                                         \
    void logical_downshift_##T(const T* a, T* out, int n) {                                   \
        aie::store_v(out, aie::logical_downshift(aie::load_v<N>(a), n));                      \
    }                                                                                         \
    void clamp_##T(const T* a, const T* b, T* out) {                                          \
        aie::store_v(out, aie::clamp(aie::load_v<N>(a), b[0], b[1]));                         \
    }
INTEGER(int8, 64)
INTEGER(uint8, 64)
INTEGER(int16, 32)
INTEGER(uint16, 32)
INTEGER(int32, 16)

void operators_int16(const int16* a, const int16* b, int16* out) {
    using namespace aie::operators;
    apply<32>(a, b, out, [](auto x, auto y) {
        auto sum = x + y;
        sum -= -y;
        return aie::select(sum & x, sum ^ ~y, x < y);
    });
}

void inv_bfloat16(const bfloat16* a, bfloat16* out) {
    aie::store_v(out, aie::inv(aie::load_v<16>(a)));
}
void invsqrt_bfloat16(const bfloat16* a, bfloat16* out) {
    aie::store_v(out, aie::invsqrt(aie::load_v<16>(a)));
}
void inv_float(const float* a, float* out) { aie::store_v(out, aie::inv(aie::load_v<16>(a))); }
void invsqrt_float(const float* a, float* out) {
    aie::store_v(out, aie::invsqrt(aie::load_v<16>(a)));
}
void scalars_float(const float* a, float* out) {
    out[0] = aie::inv(a[0]);
    out[1] = aie::invsqrt(a[0]);
    out[2] = aie::sqrt(a[0]);
}

void mask_words(const uint8_t* bits, uint32_t* words, uint8_t* counts, int shift) {
    aie::mask<64> m;
    for (unsigned i = 0; i < 64; ++i)
        if (bits[i]) m.set(i);
    words[0] = m.to_uint32(0);
    words[1] = m.to_uint32(1);
    words[2] = static_cast<uint32_t>((m << shift).to_uint64() >> 32);
    words[3] = (m >> shift).extract<16>(1).to_uint32();
    counts[0] = static_cast<uint8_t>(m.count());
    counts[1] = static_cast<uint8_t>(m.clz());
    counts[2] = (~m).empty() == m.full();
}
}
