// Tables in memory, read for every element of a vector: parallel_lookup and linear_approx.
//
// A table for four parallel accesses holds each run of 128 bits twice, one after the other, in
// each of two copies, one per memory bank. Only the first of the four is read here.

#pragma once

#include "convert.hpp"
#include "multiply.hpp"

namespace aie {

enum class lut_oor_policy { saturate, truncate };

template <unsigned ParallelAccesses, typename OffsetType, typename SlopeType = OffsetType>
struct lut {
    static_assert(ParallelAccesses == 4, "aie::lut: AIE2 has tables for four parallel accesses");

    using offset_type = OffsetType;
    using slope_type = SlopeType;

    lut(unsigned elems, const void* ab, const void* /*cd*/) : elems_(elems), bytes_(ab) {}

    __aie_inline unsigned elems() const { return elems_; }

    // The `Entry` that starts `byte` bytes into the table, not counting repetition.
    template <typename Entry>
    __aie_inline Entry at(unsigned byte) const {
        Entry entry;
        const unsigned run = byte / 16;
        __builtin_memcpy(&entry, static_cast<const char*>(bytes_) + run * 32 + byte % 16,
                         sizeof(entry));
        return entry;
    }

  private:
    unsigned elems_;
    const void* bytes_;
};

// Entry (key >> step_bits) + bias of the table. Values of 8 bits lie in 16 bits each.
template <typename T, typename Lut, lut_oor_policy policy = lut_oor_policy::saturate>
class parallel_lookup {
  public:
    using value_type = typename Lut::offset_type;

    parallel_lookup(const Lut& table, unsigned step_bits = 0, unsigned bias = 0)
        : table_(table), step_bits_(static_cast<int>(step_bits)), bias_(static_cast<int>(bias)) {}

    // As many values as keys, or the first `Count`.
    template <unsigned Count = 0, unsigned Elems>
    __aie_inline auto fetch(const vector<T, Elems>& keys) const {
        using Values = vector<value_type, Count == 0 ? Elems : Count>;
        constexpr unsigned stride = sizeof(value_type) == 1 ? 2 : sizeof(value_type);
        const int32_t last = static_cast<int32_t>(table_.elems()) - 1;
        return detail::generate<Values>([&](unsigned i) {
            const int64_t index = (static_cast<int64_t>(keys.get(i)) >> step_bits_) + bias_;
            const int64_t inside = policy == lut_oor_policy::truncate ? index & last
                                   : index < 0                        ? 0
                                   : index > last                     ? last
                                                                      : index;
            return table_.template at<value_type>(static_cast<unsigned>(inside) * stride);
        });
    }

  private:
    Lut table_;
    int step_bits_;
    int bias_;
};

// slope * x + offset with both read from entry (x >> step_bits) + bias, slope first. For integers
// x is the remainder below step_bits and the offset is raised by shift_offset; for bfloat16 the
// index is the value rounded down and x the value itself.
template <typename T, typename Lut>
class linear_approx {
  public:
    using offset_type = typename Lut::offset_type;
    using slope_type = typename Lut::slope_type;

    linear_approx(const Lut& table, int step_bits, int bias = 0, int shift_offset = 0)
        : table_(table), step_bits_(step_bits), bias_(bias), shift_offset_(shift_offset) {}

    template <unsigned Elems>
    __aie_inline auto compute(const vector<T, Elems>& input) const {
        using Tag = std::conditional_t<std::is_same_v<T, bfloat16>, accfloat,
                                       std::conditional_t<sizeof(T) == 1, acc32, acc64>>;
        return detail::generate_lanes<accum<Tag, Elems>>(
            [&](unsigned i) { return at(input.get(i)); });
    }

  private:
    // Slope and offset are both as wide as the offset.
    static constexpr unsigned entry_bytes = 2 * sizeof(offset_type);

    __aie_inline unsigned entry(int64_t index) const {
        const int64_t last = static_cast<int64_t>(table_.elems()) - 1;
        const int64_t inside = index < 0 ? 0 : index > last ? last : index;
        return static_cast<unsigned>(inside) * entry_bytes;
    }

    __aie_inline auto at(T x) const {
        if constexpr (std::is_same_v<T, bfloat16>) {
            using detail::FixedRounding;
            const int32_t index = detail::fixed_point<FixedRounding::down>(x, -step_bits_);
            const unsigned byte = entry(int64_t(index) + bias_);
            // The slope is the upper half of an fp32.
            constexpr unsigned upper = sizeof(offset_type) - sizeof(slope_type);
            const auto slope = table_.template at<slope_type>(byte + upper);
            const auto offset = table_.template at<offset_type>(byte + sizeof(offset_type));
            return detail::mac_bfloat16(offset, slope, x);
        } else {
            const unsigned byte = entry((int64_t(x) >> step_bits_) + bias_);
            const int64_t slope = table_.template at<offset_type>(byte);
            const int64_t offset = table_.template at<offset_type>(byte + sizeof(offset_type));
            const int64_t remainder = x & ((1 << step_bits_) - 1);
            return (offset << shift_offset_) + slope * remainder;
        }
    }

    Lut table_;
    int step_bits_;
    int bias_;
    int shift_offset_;
};

}  // namespace aie
