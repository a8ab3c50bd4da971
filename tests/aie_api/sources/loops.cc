// Loops of the API: each call of a body leaves its index in `out`.

#include <aie_api/aie.hpp>
#include <aie_kernel_utils.h>

template <aie::Vector V>
static auto doubled(const V& v) {
    static_assert(!aie::Accum<V> && aie::ElemBaseType<typename V::value_type>);
    return aie::add(v, v);
}

extern "C" {

void unrolled(int32* out) {
    aie::unroll_for<int, 6, 0, -2>([&](auto i) {
        static_assert(i % 2 == 0);
        *out++ = i;
    });
    aie::unroll_for<unsigned, 1, 6, 2>([&](unsigned i) { *out++ = static_cast<int32>(i); });
    aie::unroll_times<2>([&]() { *out++ = -1; });
    aie::unroll_times_2d<2, 3>([&](auto y, auto x) { *out++ = 10 * y + x; });
}

void pipelined(int32* out, int count) {
    const unsigned times = static_cast<unsigned>(count);
    aie::pipelined_loop<8, aie::LoopOptions{.peel_front = 2, .peel_back = 1}>(
        times, [&](unsigned i) { *out++ = static_cast<int32>(i); });
    aie::pipelined_loops<8, aie::LoopOptions{.peel_front = 3, .peel_back = 0},
                         aie::LoopOptions{.peel_front = 1, .peel_back = 2}>(
        times, [&](unsigned i) { *out++ = static_cast<int32>(i); },
        [&](unsigned i) { *out++ = static_cast<int32>(100 + i); });
}

void hinted(int32* out, int count) {
    AIE_PREPARE_FOR_PIPELINING
    AIE_LOOP_RANGE(4, 64)
    for (int i = 0; i < count; ++i) *out++ = i;
    for (int i = 0; i < count; ++i) chess_prepare_for_pipelining chess_loop_range(4, ) {
            *out++ = i;
        }
    const auto body = [&]() __attribute__((always_inline)) { *out++ = 7; };
    VERSIONED_LOOP(2, count, body, AIE_LOOP_UNROLL(2));
}

void doubled_in_a_register(const int32* in, int32* out) {
    aie::store_v(out, aie::utils::locate_in_register<4>(doubled(aie::load_v<16>(in))));
}

void where(uint16* out) {
    const auto tile = aie::tile::current();
    out[0] = tile.global_id().col;
    out[1] = tile.global_id().row;
    out[2] = tile.id().row;
}
}
