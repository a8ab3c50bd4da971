// The multiplier array, as execution/products.py and float_adder.py have it.

static inline int bit(u32 word, int n) { return word >> n & 1; }

// Sums of products: a matrix product, or where COLUMNS is 0 of lanes ROWS apart.
template <class T, int ROWS, int INNER, int COLUMNS>
static void multiply(T *out, const T *x, const T *y) {
    if (!COLUMNS) {
        for (int r = 0; r < ROWS; r++) out[r] = 0;
        for (int k = 0; k < INNER; k++)
            for (int r = 0; r < ROWS; r++) out[r] += x[k * ROWS + r] * y[k * ROWS + r];
        return;
    }
    for (int r = 0; r < ROWS; r++) {
        T sum[COLUMNS ? COLUMNS : 1] = {};
        for (int k = 0; k < INNER; k++)
            for (int c = 0; c < COLUMNS; c++) sum[c] += x[r * INNER + k] * y[k * COLUMNS + c];
        for (int c = 0; c < COLUMNS; c++) out[r * COLUMNS + c] = sum[c];
    }
}

template <class T, class Lane> static void factor(T *out, const u8 *in, int count, u32 sign) {
    typedef typename Other<Lane>::Signed Signed;
    if (sign)
        for (int n = 0; n < count; n++) out[n] = (T)(i64)((const Signed *)in)[n];
    else
        for (int n = 0; n < count; n++) out[n] = (T)((const Lane *)in)[n];
}

// Lanes of a factor; one of 4 bits has its even lanes in the low halves of bytes.
template <class T> static void factor_of(T *out, const u8 *in, int bits, int count, u32 sign) {
    if (bits == 8) return factor<T, u8>(out, in, count, sign);
    if (bits == 16) return factor<T, uint16_t>(out, in, count, sign);
    if (bits == 32) return factor<T, u32>(out, in, count, sign);
    for (int n = 0; n < count; n++) {
        int nibble = in[n / 2] >> (n & 1) * 4 & 15;
        out[n] = (T)(i64)(sign ? (nibble ^ 8) - 8 : nibble);
    }
}

template <class T, int A, int B, int ROWS, int INNER, int COLUMNS>
static int arranged(T *out, const u8 *a, int a_size, const u8 *b, int b_size, u32 word) {
    const int left = ROWS * INNER, right = COLUMNS ? INNER * COLUMNS : left;
    alignas(64) T x[left], y[right];
    if (a_size * 8 < left * A || b_size * 8 < right * B) return 0;
    factor_of<T>(x, a, A, left, bit(word, 9));
    factor_of<T>(y, b, B, right, bit(word, 8));
    multiply<T, ROWS, INNER, COLUMNS>(out, x, y);
    return 1;
}

// Generated from tables/products.toml: 0 where an arrangement is not implemented.
static int arrange32(u32 *out, const u8 *a, int a_size, const u8 *b, int b_size, u32 word);
static int arrange64(u64 *out, const u8 *a, int a_size, const u8 *b, int b_size, u32 word);

template <class T>
static void accumulate(u8 *out, const T *products, const u8 *first, const u8 *second, u32 word) {
    for (int n = 0; n < 128 / (int)sizeof(T); n++) {
        T total = bit(word, 11) ? -products[n] : products[n];
        if (first && !bit(word, 0)) {
            T value = ((const T *)first)[n] << (bit(word, 10) ? 16 : 0);
            total += bit(word, 12) ? -value : value;
        }
        if (second) total += bit(word, 13) ? -((const T *)second)[n] : ((const T *)second)[n];
        ((T *)out)[n] = total;
    }
}

// Products and accumulators, lanes wrapping; 0 where Python has to say what is wrong.
static int multiply_add(u8 *out, const u8 *first, const u8 *second, const u8 *a, int a_size,
                        const u8 *b, int b_size, u32 word) {
    if (a_size % 64 || b_size % 64) return 0;
    if ((word >> 1 & 3) == 1) {
        alignas(64) u64 products[16];
        if (!arrange64(products, a, a_size, b, b_size, word)) return 0;
        accumulate<u64>(out, products, first, second, word);
    } else {
        alignas(64) u32 products[32];
        if (!arrange32(products, a, a_size, b, b_size, word)) return 0;
        accumulate<u32>(out, products, first, second, word);
    }
    return 1;
}

static void add_accumulators(u8 *out, const u8 *first, const u8 *second, u32 word) {
    alignas(64) static const u64 none[16] = {};
    if ((word >> 1 & 3) == 1)
        accumulate<u64>(out, none, first, second, word);
    else
        accumulate<u32>(out, (const u32 *)none, first, second, word);
}

// Up to ten summands in each of 16 lanes, with the largest exponent.
struct Sum {
    int count;
    int special;
    alignas(64) int32_t mantissa[10][16], exponent[10][16];
    alignas(64) int32_t largest[16], nan[16], plus[16], minus[16];
};

static void clear(Sum *s) {
    s->count = s->special = 0;
    memset(s->largest, 0, sizeof s->largest + sizeof s->nan + sizeof s->plus + sizeof s->minus);
}

static void summand(Sum *s, const int32_t *mantissa, const int32_t *exponent) {
    for (int n = 0; n < 16; n++) {
        s->mantissa[s->count][n] = mantissa[n];
        s->exponent[s->count][n] = exponent[n];
        s->largest[n] = s->largest[n] > exponent[n] ? s->largest[n] : exponent[n];
    }
    s->count++;
}

static void add_accumulator(Sum *s, const u8 *value, u32 negate) {
    const u32 *bits = (const u32 *)value;
    int32_t mantissa[16], exponent[16], special = 0;
    for (int n = 0; n < 16; n++) {
        int32_t biased = bits[n] >> 23 & 0xFF, whole = bits[n] & 0x7FFFFF;
        whole |= biased ? 0x800000 : 0;
        exponent[n] = whole ? (biased ? biased : 1) + 128 : 0;
        mantissa[n] = (bits[n] >> 31) ^ negate ? -whole : whole;
        special |= biased == 255;
    }
    summand(s, mantissa, exponent);
    if (!special) return;
    s->special = 1;
    for (int n = 0; n < 16; n++) {
        u32 magnitude = bits[n] & 0x7FFFFFFF, negative = (bits[n] >> 31) ^ negate;
        s->nan[n] |= magnitude > 0x7F800000;
        s->plus[n] |= magnitude == 0x7F800000 && !negative;
        s->minus[n] |= magnitude == 0x7F800000 && negative;
    }
}

static void add_products(Sum *s, const uint16_t *x, const uint16_t *y, u32 negate) {
    int32_t mantissa[16], exponent[16], special = 0;
    for (int n = 0; n < 16; n++) {
        int32_t ex = x[n] >> 7 & 0xFF, ey = y[n] >> 7 & 0xFF;
        int32_t product = ((x[n] & 0x7F) | (ex ? 0x80 : 0)) * ((y[n] & 0x7F) | (ey ? 0x80 : 0)) << 9;
        exponent[n] = product ? (ex ? ex : 1) + (ey ? ey : 1) + 1 : 0;
        mantissa[n] = (u32)((x[n] ^ y[n]) >> 15) ^ negate ? -product : product;
        special |= (ex == 255) | (ey == 255);
    }
    summand(s, mantissa, exponent);
    if (!special) return;
    s->special = 1;
    for (int n = 0; n < 16; n++) {
        u32 a = x[n] & 0x7FFF, b = y[n] & 0x7FFF, negative = (u32)((x[n] ^ y[n]) >> 15) ^ negate;
        int infinite = a == 0x7F80 || b == 0x7F80;
        s->nan[n] |= a > 0x7F80 || b > 0x7F80 || (infinite && (!a || !b));
        s->plus[n] |= infinite && !negative;
        s->minus[n] |= infinite && negative;
    }
}

static void add_up(Sum *s, u8 *out) {
    alignas(64) int32_t total[16] = {};
    alignas(64) u32 result[16];
    for (int k = 0; k < s->count; k++)
        for (int n = 0; n < 16; n++) {
            int32_t shift = s->largest[n] - s->exponent[k][n];
            shift = shift > 30 ? 30 : shift;
            int32_t mantissa = s->mantissa[k][n], half = (1 << shift) >> 1;
            int32_t odd = half ? mantissa >> shift & 1 : 0;
            total[n] += (mantissa + half - (half > 0) + odd) >> shift;
        }
    for (int n = 0; n < 16; n++) {
        float rounded = (float)total[n];
        u32 bits;
        memcpy(&bits, &rounded, 4);
        int32_t biased = (int32_t)(bits >> 23 & 0xFF) + s->largest[n] - 278;
        u32 sign = bits & 0x80000000;
        u32 value = biased >= 255 ? sign | 0x7F800000 : sign | (u32)biased << 23 | (bits & 0x7FFFFF);
        value = biased <= 0 ? sign : value;
        result[n] = total[n] ? value : 0;
    }
    if (s->special)
        for (int n = 0; n < 16; n++) {
            if (s->plus[n]) result[n] = 0x7F800000;
            if (s->minus[n]) result[n] = 0xFF800000;
            if (s->nan[n] || (s->plus[n] && s->minus[n])) result[n] = 0x7F800001;
        }
    memcpy(out, result, 64);
}

// bfloat16 products and accumulators; 0 where Python has to say what is wrong.
static int multiply_add_f(u8 *out, const u8 *first, const u8 *second, const u8 *a, int a_size,
                          const u8 *b, int b_size, u32 word) {
    u32 variant = word >> 5 & 7;
    if (variant > 1 || a_size % 64 || b_size % 64) return 0;
    const uint16_t *x = (const uint16_t *)a, *y = (const uint16_t *)b;
    Sum s;
    clear(&s);
    for (int k = 0; k < (variant ? 2 : 8); k++) {
        if (variant) {
            add_products(&s, x + 16 * k, y + 16 * k, bit(word, 11));
            continue;
        }
        uint16_t left[16], right[16];
        for (int n = 0; n < 16; n++) left[n] = x[(n >> 2) * 8 + k], right[n] = y[k * 4 + (n & 3)];
        add_products(&s, left, right, bit(word, 11));
    }
    if (first && !bit(word, 0)) add_accumulator(&s, first, bit(word, 12));
    if (second) add_accumulator(&s, second, bit(word, 13));
    add_up(&s, out);
    return 1;
}

static void add_accumulators_f(u8 *out, const u8 *first, const u8 *second, u32 word) {
    alignas(64) static const u8 none[64] = {};
    Sum s;
    clear(&s);
    if (!bit(word, 0)) add_accumulator(&s, first, bit(word, 12));
    if (second) add_accumulator(&s, second, bit(word, 13));
    if (bit(word, 0) && !second) add_accumulator(&s, none, 0);
    add_up(&s, out);
}
