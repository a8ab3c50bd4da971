// Elements moved about: within a vector, between two, by the shuffle unit, by table.

#include <aie_api/aie.hpp>

template <typename V>
static void store_pair(typename V::value_type* out, const V& first, const V& second) {
    aie::store_v(out, first);
    aie::store_v(out + V::size(), second);
}

// `which` chooses the operation, so that every element type has one entry point.
template <typename T, unsigned Elems>
static void move(const T* a, const T* fill, T* out, int which, int n) {
    const auto v = aie::load_v<Elems>(a);
    const auto w = aie::load_v<Elems>(fill);
    switch (which) {
        case 0: aie::store_v(out, aie::shuffle_up(v, n)); break;
        case 1: aie::store_v(out, aie::shuffle_up_rotate(v, n)); break;
        case 2: aie::store_v(out, aie::shuffle_up_replicate(v, n)); break;
        case 3: aie::store_v(out, aie::shuffle_up_fill(v, w, n)); break;
        case 4: aie::store_v(out, aie::shuffle_down(v, n)); break;
        case 5: aie::store_v(out, aie::shuffle_down_rotate(v, n)); break;
        case 6: aie::store_v(out, aie::shuffle_down_replicate(v, n)); break;
        case 7: aie::store_v(out, aie::shuffle_down_fill(v, w, n)); break;
        case 8: aie::store_v(out, aie::reverse(v)); break;
    }
}

template <typename T, unsigned Elems>
static void weave(const T* a, const T* b, T* out, int which, int chunk) {
    const auto v = aie::load_v<Elems>(a);
    const auto w = aie::load_v<Elems>(b);
    const unsigned step = static_cast<unsigned>(chunk);
    if (which == 0) {
        const auto [low, high] = aie::interleave_zip(v, w, step);
        store_pair(out, low, high);
    } else if (which == 1) {
        const auto [even, odd] = aie::interleave_unzip(v, w, step);
        store_pair(out, even, odd);
    } else if (which == 2) {
        aie::store_v(out, aie::concat(aie::filter_even(v, step), aie::filter_odd(v, step)));
        aie::store_v(out + Elems, aie::concat(aie::filter_even(w, step), aie::filter_odd(w, step)));
    } else if (which == 3) {
        const auto [low, high] =
            aie::interleave_zip(v, w, aie::interleave_zip_mode<T, Elems>(step));
        store_pair(out, low, high);
    } else if (which == 4) {
        const auto [even, odd] =
            aie::interleave_unzip(v, w, aie::interleave_unzip_mode<T, Elems>(step));
        store_pair(out, even, odd);
    } else {
        using Mode = aie::filter_mode<T, Elems>;
        aie::store_v(out, aie::concat(aie::filter(v, Mode::even(step)),
                                      aie::filter(v, Mode::odd(step))));
        aie::store_v(out + Elems, aie::concat(aie::filter(w, Mode::even(step)),
                                              aie::filter(w, Mode::odd(step))));
    }
}

template <typename T>
static void unit(const T* a, const T* b, T* out, aie::host::ShuffleMode mode) {
    constexpr unsigned elems = 64 / sizeof(T);
    aie::store_v(out, shuffle(aie::load_v<elems>(a), aie::load_v<elems>(b), mode));
}

extern "C" {

#define MOVES(T, Elems)                                                     \
    void move_##T##_##Elems(const T* a, const T* fill, T* out, int which, int n) { \
        move<T, Elems>(a, fill, out, which, n);                             \
    }                                                                       \
    void weave_##T##_##Elems(const T* a, const T* b, T* out, int which, int chunk) { \
        weave<T, Elems>(a, b, out, which, chunk);                           \
    }                                                                       \
    void transpose_##T##_##Elems(const T* a, T* out, int rows, int columns) { \
        aie::store_v(out, aie::transpose(aie::load_v<Elems>(a), static_cast<unsigned>(rows), \
                                         static_cast<unsigned>(columns)));  \
    }
MOVES(int8, 32)
MOVES(uint8, 64)
MOVES(int16, 16)
MOVES(int16, 32)
MOVES(bfloat16, 16)
MOVES(int32, 16)
MOVES(float, 16)

// Sizes known to the compiler, where it may take the loops apart.
void transposes_uint8(const uint8* a, uint8* out) {
    const auto v = aie::load_v<64>(a);
    aie::store_v(out, aie::transpose(v, 8, 8));
    aie::store_v(out + 64, aie::transpose(v, 4, 16));
    aie::store_v(out + 128, aie::transpose(v, 16, 4));
    aie::store_v(out + 192, aie::transpose(v, 2, 32));
    aie::store_v(out + 256, aie::transpose(v, 32, 2));
}

void custom_int32(const int32* a, const int32* b, int32* out) {
    const auto [low, high] = aie::interleave_custom(aie::load_v<4>(a), aie::load_v<4>(b),  //
                                                    7, 0, 3, 4, 1, 1, 6, 2);
    store_pair(out, low, high);
}

void shift_bytes_int8(const int8* a, const int8* b, int8* out, int shift) {
    aie::store_v(out, shift_bytes(aie::load_v<64>(a), aie::load_v<64>(b),
                                  static_cast<unsigned>(shift)));
}

#define UNIT(mode) \
    void unit_##mode(const uint8* a, const uint8* b, uint8* out) { unit(a, b, out, mode); }
#define UNITS(mode) UNIT(mode##_lo) UNIT(mode##_hi)
UNITS(T8_64x2)
UNITS(T8_2x64)
UNITS(T16_32x2)
UNITS(T16_2x32)
UNITS(T32_16x2)
UNITS(T32_2x16)
UNITS(T64_8x2)
UNITS(T64_2x8)
UNITS(T128_4x2)
UNITS(T128_2x4)
UNITS(T256_2x2)
UNITS(T512_1x2)
UNITS(T16_16x4)
UNITS(T16_4x16)
UNITS(T32_8x4)
UNITS(T32_4x8)
UNIT(T16_8x4)
UNIT(T16_4x8)
UNIT(T32_4x4)
UNIT(T8_8x8)
UNIT(T8_16x4)
UNIT(T8_4x16)
UNIT(T16_4x4)
UNIT(T16_4x2)
UNIT(T16_2x4)
UNIT(T16_8x2)
UNIT(T16_2x8)
UNIT(T16_16x2)
UNIT(T16_2x16)
UNIT(T8_8x4)
UNIT(T8_4x8)
}
