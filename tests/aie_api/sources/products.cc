// Products: elementwise, blocks of matrices in every shape, sliding windows, weighted sums.

#include <aie_api/aie.hpp>

template <typename Tag, unsigned Elems>
static void store(void* to, const aie::accum<Tag, Elems>& acc) {
    auto* lanes = static_cast<typename aie::accum<Tag, Elems>::lane_type*>(to);
    for (unsigned i = 0; i < Elems; ++i) lanes[i] = acc.lane(i);
}

// a * b, then + c * d, - a * d, + (c * c); every lane kept.
template <unsigned Elems, typename Tag = accauto, typename A, typename B>
static void chain(const A* a, const B* b, void* out) {
    const auto x = aie::load_v<Elems>(a);
    const auto y = aie::load_v<Elems>(a + Elems);
    const auto u = aie::load_v<Elems>(b);
    const auto v = aie::load_v<Elems>(b + Elems);
    auto acc = aie::mul<Tag>(x, u);
    acc = aie::mac(acc, y, v);
    acc = aie::msc(acc, x, v);
    acc = aie::add(acc, aie::negmul<Tag>(x, b[0]));
    store(out, acc);
}

// Two blocks of A and B, the second added to the first.
template <unsigned M, unsigned K, unsigned N, typename A, typename B>
static void block(const A* a, const B* b, void* out) {
    using Block = aie::mmul<M, K, N, A, B>;
    constexpr unsigned bytes_b = Block::size_B * aie::detail::type_bits<B> / 8;
    Block c;
    c.mul(aie::load_v<Block::size_A>(a), aie::load_v<Block::size_B>(b));
    const auto* second = reinterpret_cast<const B*>(reinterpret_cast<const char*>(b) + bytes_b);
    c.mac(aie::load_v<Block::size_A>(a + Block::size_A), aie::load_v<Block::size_B>(second));
    store(out, c.to_accum());
}

extern "C" {

void set_modes(int rounding, int saturation) {
    aie::set_rounding(static_cast<aie::rounding_mode>(rounding));
    aie::set_saturation(static_cast<aie::saturation_mode>(saturation));
}

#define CHAIN(A, B, Elems) \
    void chain_##A##_##B(const A* a, const B* b, void* out) { chain<Elems>(a, b, out); }
CHAIN(int8, int8, 32)
CHAIN(uint8, int8, 32)
CHAIN(int16, int16, 16)
CHAIN(uint16, int16, 16)
CHAIN(int16, int32, 16)
CHAIN(int32, int32, 16)
CHAIN(bfloat16, bfloat16, 16)
CHAIN(float, float, 16)

void chain64_int16_int16(const int16* a, const int16* b, void* out) {
    chain<16, acc64>(a, b, out);
}

#define BLOCK(A, B, M, K, N)                                                \
    void mmul_##A##_##B##_##M##x##K##x##N(const A* a, const B* b, void* c) { \
        block<M, K, N>(a, b, c);                                            \
    }
BLOCK(int8, int4, 4, 16, 8)
BLOCK(int8, int4, 8, 16, 8)
BLOCK(uint8, int4, 4, 32, 8)
BLOCK(int8, int8, 4, 8, 4)
BLOCK(int8, int8, 4, 16, 4)
BLOCK(int8, int8, 8, 8, 4)
BLOCK(int8, int8, 2, 8, 8)
BLOCK(int8, int8, 4, 8, 8)
BLOCK(uint8, int8, 4, 8, 8)
BLOCK(int8, int8, 8, 8, 8)
BLOCK(int8, int8, 1, 16, 8)
BLOCK(int8, int8, 2, 16, 8)
BLOCK(int8, int8, 4, 16, 8)
BLOCK(int16, int8, 4, 4, 4)
BLOCK(int16, int8, 8, 4, 4)
BLOCK(int16, int8, 4, 8, 4)
BLOCK(int16, int8, 4, 4, 8)
BLOCK(int16, int8, 8, 4, 8)
BLOCK(int16, int8, 2, 8, 8)
BLOCK(int8, int16, 4, 4, 8)
BLOCK(int8, int16, 4, 4, 4)
BLOCK(int16, int16, 4, 2, 8)
BLOCK(int16, int16, 8, 2, 8)
BLOCK(int16, int16, 2, 4, 8)
BLOCK(int16, int16, 4, 4, 8)
BLOCK(int16, int16, 4, 4, 4)
BLOCK(int16, int16, 8, 1, 8)
BLOCK(int32, int16, 4, 2, 4)
BLOCK(int32, int16, 4, 4, 4)
BLOCK(int32, int16, 2, 4, 8)
BLOCK(int32, int16, 4, 4, 8)
BLOCK(int32, int16, 4, 1, 8)
BLOCK(int16, int32, 4, 4, 4)
BLOCK(int16, int32, 2, 4, 8)
BLOCK(int32, int32, 4, 2, 4)
BLOCK(int32, int32, 4, 4, 4)
BLOCK(int32, int32, 8, 2, 4)
BLOCK(int32, int32, 4, 1, 8)
BLOCK(bfloat16, bfloat16, 4, 8, 4)
BLOCK(bfloat16, bfloat16, 8, 8, 4)
BLOCK(bfloat16, bfloat16, 4, 8, 8)
BLOCK(bfloat16, bfloat16, 8, 8, 8)
BLOCK(bfloat16, bfloat16, 8, 1, 8)
BLOCK(float, float, 4, 8, 4)

void mmul_to_int8(const int8* a, const int8* b, int8* out, int shift) {
    aie::mmul<4, 8, 8, int8, int8> c(aie::load_v<32>(a + 64), 3);
    c.mac(aie::load_v<32>(a), aie::load_v<64>(b));
    aie::store_v(out, c.to_vector<int8>(shift));
}

void sliding_int8(const int8* coeff, const uint8* data, int32* out, int c, int d) {
    using Ops = aie::sliding_mul_ops<32, 8, 1, 1, 1, int8, uint8>;
    auto acc = Ops::mul(aie::load_v<32>(coeff), c, aie::load_v<64>(data), d);
    acc = Ops::mac(acc, aie::load_v<32>(coeff), c + 8, aie::load_v<64>(data), d + 3);
    store(out, acc);
}
void sliding_int16(const int16* coeff, const int16* data, int64_t* out, int c, int d) {
    store(out, aie::sliding_mul<16, 4, 1, 2, 2, acc64>(aie::load_v<16>(coeff), c,
                                                       aie::load_v<64>(data), d));
}
void sliding_bfloat16(const bfloat16* coeff, const bfloat16* data, float* out, int c, int d) {
    store(out, aie::sliding_mul<16, 4>(aie::load_v<16>(coeff), c, aie::load_v<32>(data), d));
}

void accumulate_int16(const int16* coeff, const int16* data, int32* out, int start) {
    const auto weights = aie::load_v<16>(coeff);
    auto acc = aie::accumulate<16>(weights, start, aie::load_v<16>(data),
                                   aie::load_v<16>(data + 16));
    acc = aie::accumulate<16>(acc, weights, start + 2, aie::load_v<16>(data + 32));
    store(out, acc);
}
void accumulate_bfloat16(const bfloat16* coeff, const bfloat16* data, float* out) {
    store(out, aie::accumulate<16>(aie::load_v<16>(coeff), 0, aie::load_v<16>(data),
                                   aie::load_v<16>(data + 16), aie::load_v<16>(data + 32)));
}

void modifiers_int16(const int16* a, const int16* b, int32* out) {
    const auto x = aie::load_v<16>(a);
    const auto y = aie::load_v<16>(b);
    const auto acc = aie::mul(x, y);
    const auto minus = aie::mac(aie::op_sub(acc), aie::op_abs(x), aie::op_none(y));
    store(out, aie::add(aie::op_zero(acc, true), aie::op_add(minus)));
}

void mac_elem_16_2_bfloat16(const bfloat16* a, const bfloat16* b, const float* c, float* out) {
    const v16accfloat acc(aie::load_v<16>(c));
    store(out, mac_elem_16_2(aie::load_v<32>(a), aie::load_v<32>(b), acc));
}

// `count` products of blocks with sums before: as the block's unit adds, and lane by lane.
void blocks_and_lanes(const bfloat16* a, const bfloat16* b, const float* c, float* blocks,
                      float* lanes, int count) {
    for (int each = 0; each < count; ++each, a += 32, b += 32, c += 16, blocks += 16, lanes += 16) {
        aie::mmul<4, 8, 4, bfloat16, bfloat16> block(aie::load_v<16>(c));
        block.mac(aie::load_v<32>(a), aie::load_v<32>(b));
        aie::store_v(blocks, block.to_vector<float>());
        for (unsigned i = 0; i < 16; ++i) {
            aie::detail::Adder<1, 8> adder;
            adder.acc[0] = c[i];
            for (unsigned k = 0; k < 8; ++k) {
                adder.a[k][0] = a[i / 4 * 8 + k];
                adder.b[k][0] = b[k * 4 + i % 4];
            }
            adder.run();
            lanes[i] = adder.acc[0];
        }
    }
}
}
