// What vector instructions compute, lane by lane; the same as execution/vector_*.py.

template <class T> struct Other;
template <> struct Other<u8> { typedef int8_t Signed; };
template <> struct Other<uint16_t> { typedef int16_t Signed; };
template <> struct Other<u32> { typedef int32_t Signed; };
template <> struct Other<u64> { typedef i64 Signed; };

// Lanes as 64 bits, with or without their signs.
template <class T> static inline void widen(i64 *out, const u8 *in, int count, u32 sign) {
    typedef typename Other<T>::Signed Signed;
    if (sign)
        for (int n = 0; n < count; n++) out[n] = ((const Signed *)in)[n];
    else
        for (int n = 0; n < count; n++) out[n] = (i64)((const T *)in)[n];
}

template <class T> static void vadd(u8 *out, const u8 *a, const u8 *b, int size) {
    for (int n = 0; n < size / (int)sizeof(T); n++) ((T *)out)[n] = ((T *)a)[n] + ((T *)b)[n];
}

template <class T> static void vsub(u8 *out, const u8 *a, const u8 *b, int size) {
    for (int n = 0; n < size / (int)sizeof(T); n++) ((T *)out)[n] = ((T *)a)[n] - ((T *)b)[n];
}

static inline void vband(u8 *out, const u8 *a, const u8 *b, int size) {
    for (int n = 0; n < size; n++) out[n] = a[n] & b[n];
}

static inline void vbor(u8 *out, const u8 *a, const u8 *b, int size) {
    for (int n = 0; n < size; n++) out[n] = a[n] | b[n];
}

template <class T>
static void vsel(u8 *out, const u8 *a, const u8 *b, u64 mask, int size) {
    for (int n = 0; n < size / (int)sizeof(T); n++)
        ((T *)out)[n] = mask >> n & 1 ? ((T *)b)[n] : ((T *)a)[n];
}

template <class T>
static void vaddsub(u8 *out, const u8 *a, const u8 *b, u64 mask, int size) {
    for (int n = 0; n < size / (int)sizeof(T); n++)
        ((T *)out)[n] = mask >> n & 1 ? ((T *)a)[n] - ((T *)b)[n] : ((T *)a)[n] + ((T *)b)[n];
}

template <class T> static u64 veqz(const u8 *a, int size) {
    u64 flags = 0;
    for (int n = 0; n < size / (int)sizeof(T); n++) flags |= (u64)(((T *)a)[n] == 0) << n;
    return flags;
}

template <class T> static u64 vneg_gtz(u8 *out, const u8 *a, u32 sign, int size) {
    i64 x[64];
    u64 flags = 0;
    int count = size / sizeof(T);
    widen<T>(x, a, count, sign);
    for (int n = 0; n < count; n++) ((T *)out)[n] = (T)-x[n], flags |= (u64)(x[n] > 0) << n;
    return flags;
}

template <class T> static u64 vabs_gtz(u8 *out, const u8 *a, u32 sign, int size) {
    i64 x[64];
    u64 flags = 0;
    int count = size / sizeof(T);
    widen<T>(x, a, count, sign);
    for (int n = 0; n < count; n++)
        ((T *)out)[n] = (T)(x[n] < 0 ? -x[n] : x[n]), flags |= (u64)(x[n] > 0) << n;
    return flags;
}

template <class T> static u64 vbneg_ltz(u8 *out, const u8 *a, int size) {
    u64 flags = 0;
    for (int n = 0; n < size / (int)sizeof(T); n++) {
        flags |= (u64)(((typename Other<T>::Signed *)a)[n] < 0) << n;
        ((T *)out)[n] = ~((T *)a)[n];
    }
    return flags;
}

enum { MAXDIFF, MINUS, LEAST, LARGEST };

// What is computed of two lanes, and the flags of a < b or of a >= b.
template <class T, int PAIR, int GE>
static u64 paired(u8 *out, const u8 *a, const u8 *b, u32 sign, int size) {
    i64 x[64], y[64];
    u64 flags = 0;
    int count = size / sizeof(T);
    widen<T>(x, a, count, sign);
    widen<T>(y, b, count, sign);
    for (int n = 0; n < count; n++) {
        int less = x[n] < y[n];
        i64 minus = x[n] - y[n];
        ((T *)out)[n] = (T)(PAIR == MAXDIFF   ? (less ? 0 : minus)
                            : PAIR == MINUS   ? minus
                            : PAIR == LEAST   ? (less ? x[n] : y[n])
                                              : (less ? y[n] : x[n]));
        flags |= (u64)(GE ? !less : less) << n;
    }
    return flags;
}

template <class T, int GE>
static u64 compared(const u8 *a, const u8 *b, u32 sign, int size) {
    alignas(64) u8 unused[128];
    return paired<T, MINUS, GE>(unused, a, b, sign, size);
}

// Elements
template <class T> static void vbcst(u8 *out, u64 value, int size) {
    for (int n = 0; n < size / (int)sizeof(T); n++) ((T *)out)[n] = (T)value;
}

template <class T> static T element(const u8 *a, u32 index) {
    return ((const T *)a)[index % (64 / sizeof(T))];
}

template <class T> static u64 vextract(const u8 *a, u32 index, u32 sign) {
    T value = element<T>(a, index);
    return sign ? (u64)(i64)(typename Other<T>::Signed)value : (u64)value;
}

template <class T> static void vinsert(u8 *out, const u8 *a, u32 index, u64 value, int size) {
    memcpy(out, a, size);
    ((T *)out)[index % (64 / sizeof(T))] = (T)value;
}

template <class T> static void vpush_hi(u8 *out, const u8 *a, u64 value, int size) {
    memcpy(out, a + sizeof(T), size - sizeof(T));
    *(T *)(out + size - sizeof(T)) = (T)value;
}

template <class T> static void vpush_lo(u8 *out, u64 value, const u8 *a, int size) {
    memcpy(out + sizeof(T), a, size - sizeof(T));
    *(T *)out = (T)value;
}

static inline void vshift(u8 *out, const u8 *a, const u8 *b, u32 count, int size) {
    u8 both[256];
    memcpy(both, a, size);
    memcpy(both + size, b, size);
    memcpy(out, both + (count & 63), size);
}

static inline void vshuffle(u8 *out, const u8 *a, const u8 *b, const u8 *route) {
    u8 both[128];
    memcpy(both, a, 64);
    memcpy(both + 64, b, 64);
    for (int n = 0; n < 64; n++) out[n] = both[route[n]];
}

// Widths
static inline i64 rounded(i64 value, u32 shift, u32 mode) {
    if (!shift) return value;
    i64 below = value >> shift, rest = (i64)((u64)value - ((u64)below << shift));
    if (mode < 8) {
        int up = (mode & 3) == 0 ? 0 : (mode & 3) == 1 ? 1 : (mode & 3) == 2 ? value < 0 : value > 0;
        return below + (up && rest > 0);
    }
    i64 half = (i64)1 << (shift - 1);
    int tie = mode == 8    ? 0
              : mode == 9  ? 1
              : mode == 10 ? value < 0
              : mode == 11 ? value > 0
              : mode == 13 ? !(below & 1)
                           : (int)(below & 1);
    return below + (rest > half || (rest == half && tie));
}

static inline void saturate(i64 *x, int count, int bits, u32 sign, u32 saturation) {
    if (!saturation) return;
    i64 high = ((i64)1 << (bits - (sign != 0))) - 1;
    i64 low = sign ? -high - (saturation != 3) : 0;
    for (int n = 0; n < count; n++) x[n] = x[n] < low ? low : x[n] > high ? high : x[n];
}

template <class Wide, class Narrow>
static void ups(u8 *out, const u8 *in, u32 shift, u32 saturation, u32 sign, int size) {
    i64 x[64];
    int count = size / sizeof(Narrow), bits = 8 * sizeof(Wide);
    widen<Narrow>(x, in, count, sign);
    for (int n = 0; n < count; n++) x[n] = (i64)((u64)x[n] << (shift & 63));
    if (saturation) {
        i64 high = (i64)(((u64)1 << (bits - 1)) - 1), low = -high - (saturation != 3);
        for (int n = 0; n < count; n++) x[n] = x[n] < low ? low : x[n] > high ? high : x[n];
    }
    for (int n = 0; n < count; n++) ((Wide *)out)[n] = (Wide)x[n];
}

template <class Wide, class Narrow>
static void srs(u8 *out, const u8 *in, u32 shift, u32 saturation, u32 rounding, u32 sign, int size) {
    i64 x[64];
    int count = size / sizeof(Wide);
    shift &= 63;
    widen<Wide>(x, in, count, 1);
    if (rounding == 0)
        for (int n = 0; n < count; n++) x[n] >>= shift;
    else
        for (int n = 0; n < count; n++) x[n] = rounded(x[n], shift, rounding);
    saturate(x, count, 8 * sizeof(Narrow), sign, saturation);
    for (int n = 0; n < count; n++) ((Narrow *)out)[n] = (Narrow)x[n];
}

static inline void pack(u8 *out, const u8 *in, u32 saturation, u32 sign, int size) {
    i64 x[64];
    widen<uint16_t>(x, in, size / 2, sign);
    saturate(x, size / 2, 8, sign, saturation);
    for (int n = 0; n < size / 2; n++) out[n] = (u8)x[n];
}

static inline void unpack(u8 *out, const u8 *in, u32 sign, int size) {
    for (int n = 0; n < size; n++)
        ((uint16_t *)out)[n] = sign ? (uint16_t)(int8_t)in[n] : in[n];
}

static inline void widen_bfloat16(u8 *out, const u8 *in, int size) {
    for (int n = 0; n < size / 2; n++) ((u32 *)out)[n] = (u32)((const uint16_t *)in)[n] << 16;
}

static inline void narrow_float32(u8 *out, const u8 *in, u32 rounding, int size) {
    for (int n = 0; n < size / 4; n++) {
        u32 bits = ((const u32 *)in)[n], negative = bits >> 31, high = bits >> 16;
        i64 magnitude = bits & 0x7FFFFFFF;
        i64 whole = rounded(negative ? -magnitude : magnitude, 16, rounding);
        u32 result = (u32)(whole < 0 ? -whole : whole) | negative << 15;
        if (magnitude >= 0x7F800000) result = high;
        if (magnitude > 0x7F800000) result = high | !(high & 0x7F);
        ((uint16_t *)out)[n] = (uint16_t)result;
    }
}
