// Loads, stores, iterators, vectors made and taken apart.

#include <aie_api/aie.hpp>

template <typename It>
static void copy(It from, int8* to, int count) {
    for (int i = 0; i < count; ++i, to += 32) aie::store_unaligned_v(to, *from++);
}

static aie::vector<int32, 4> unset_static;

extern "C" {

// Loads and stores.

void aligned(const int16* from, int16* to) { aie::store_v(to, aie::load_v<16>(from)); }
void aligned_native(const int32* from, int32* to) { aie::store_v(to, aie::load_v(from)); }
void unaligned(const int16* from, int16* to) {
    aie::store_unaligned_v(to, aie::load_unaligned_v<16>(from));
}
void floors(const int8* from, int8* to) {
    aie::store_v(to, aie::load_floor_v<32>(from));
    aie::store_v(to + 32, aie::load_floor_v<32>(from, 16));
    aie::store_floor_v(to + 64 + 5, aie::load_floor_bytes_v<32>(from, 64), 32);
    aie::store_floor_bytes_v(to + 96 + 17, aie::load_v<32>(from - 9), 32);
}

// Iterators.

void copy_vector(const int8* from, int8* to, int n) { copy(aie::begin_vector<32>(from), to, n); }
void copy_cvector(int8* from, int8* to, int n) { copy(aie::cbegin_vector<32>(from), to, n); }
void copy_restrict(int8* from, int8* to, int n) {
    copy(aie::begin_restrict_vector<32>(from), to, n);
}
void copy_crestrict(const int8* from, int8* to, int n) {
    copy(aie::cbegin_restrict_vector<32>(from), to, n);
}
void copy_unaligned(int8* from, int8* to, int n) {
    copy(aie::begin_unaligned_vector<32>(from), to, n);
}
void copy_cunaligned(const int8* from, int8* to, int n) {
    copy(aie::cbegin_unaligned_vector<32>(from), to, n);
}
void copy_circular(int8* from, int8* to, int n) {
    copy(aie::begin_vector_circular<32>(from, 96), to, n);
}
void copy_circular_elements(const int16* from, int16* to, int n) {
    auto it = aie::begin_circular(from, 5);
    for (int i = 0; i < n; ++i) to[i] = *it++;
}
// Writing through an iterator, its arithmetic, and one that steps back.
void increment(int32* at, int32* sums) {
    auto it = aie::begin_vector<4>(at);
    const auto last = it + 3;
    for (; it != last; ++it) *it = aie::add(*it, 1);
    *it-- = aie::broadcast<int32, 4>(7);
    it -= 1;
    it[2] = aie::add(it[2], 1);
    it->set(100, 3);
    sums[0] = aie::reduce_add(*it);
    sums[1] = aie::reduce_add(*(it += 2));
}

// Vectors made and taken apart.

void constants(int8* bytes, bfloat16* floats, int32* words, int16* lanes) {
    aie::store_v(bytes, aie::broadcast<int8, 32>(-3));
    aie::store_v(bytes + 32, aie::zeros<int8, 32>());
    aie::store_v(floats, aie::broadcast<bfloat16, 16>(1.5f));
    aie::store_v(words, aie::vector<int32, 4>(1, 2, 3, 4));
    aie::store_v(words + 4, aie::zeros<acc32, 8>().to_vector<int32>());
    aie::store_v(lanes, aie::broadcast<16>(int16{9}));
}
void parts(const int16* from, int16* to) {
    const auto v = aie::load_v<32>(from);
    aie::store_v(to, aie::concat(v.extract<8>(3), v.extract<8>(2), v.extract<8>(1), v.extract<8>(0)));
    auto w = aie::zeros<int16, 32>();
    w.insert(1, v.extract<16>(0));
    w.set(v.get(31), 0);
    w[1] = v[30];
    aie::store_v(to + 32, w);
    const auto halves = v.split<16>();
    aie::store_v(to + 64, aie::concat(halves[1], halves[0]));
    aie::store_v(to + 96, v.extract<16>(1).grow_replicate<32>());
    aie::store_v(to + 128, halves[0].grow<32>(1).insert(0, halves[1]));
    auto shifted = v;
    shifted.push(-5);
    shifted.push(-6);
    aie::store_v(to + 160, shifted);
    aie::store_v(to + 192, w.upd_all(halves[0], halves[1]));
}
void casts(const int32* from, uint8* to) {
    const auto v = aie::load_v<16>(from);
    aie::store_v(to, v.cast_to<uint8>());
    aie::store_v(to + 64, aie::vector_cast<uint8>(aie::vector_cast<bfloat16>(v)));
}
void unwritten(int32* to, int32* accumulated) {
    aie::vector<int32, 4> v;
    aie::accum<acc32, 8> acc;
    aie::store_v(to, v);
    aie::store_v(to + 4, unset_static);
    aie::store_v(accumulated, acc.to_vector<int32>());
}
void accumulators(const int16* from, int32* to, int16* narrow) {
    aie::accum<acc32, 32> acc(aie::load_v<32>(from), 4);
    acc.insert(0, acc.extract<16>(1));
    aie::store_v(to, acc.to_vector<int32>());
    const auto both = aie::concat(acc.extract<16>(1), acc.extract<16>(0));
    aie::store_v(narrow, both.grow_extract<16>(0).to_vector<int16>(4));
}
}
