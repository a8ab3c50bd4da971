// aie::accum: an accumulator register, wide lanes that products are summed in.

#pragma once

#include "fp32.hpp"
#include "rounding.hpp"
#include "vector.hpp"

namespace aie {

namespace detail {

template <typename T>
inline constexpr bool is_accum = false;
template <typename Tag, unsigned Elems>
inline constexpr bool is_accum<accum<Tag, Elems>> = true;

// How a lane becomes an element: SRS for integers, rounding for bfloat16. 32-bit elements take
// 32-bit lanes as they are: AIE2 has no SRS between them, and a shift is ignored.
template <typename To, typename Lane>
__aie_inline auto narrowing(int shift, bool is_signed) {
    if constexpr (std::is_same_v<To, bfloat16>)
        return RoundToBfloat16();
    else if constexpr (std::is_same_v<To, float> || sizeof(To) >= sizeof(Lane))
        return [](Lane lane) { return static_cast<To>(lane); };
    else
        return ShiftRoundSaturate<To, Lane>(shift, is_signed);
}

// How an element becomes a lane: shifted up and, if the core saturates, kept in the lane's range.
template <typename Lane>
struct UpShift {
    __aie_inline explicit UpShift(int shift)
        : shift_(shift), clamps_(get_saturation() != saturation_mode::none && shift > 0) {}

    __aie_inline Lane operator()(int64_t element) const {
        const Lane value = static_cast<Lane>(element);
        const Lane shifted = static_cast<Lane>(
            static_cast<std::make_unsigned_t<Lane>>(value) << shift_);
        if (!clamps_ || (shifted >> shift_) == value) return shifted;
        constexpr Lane highest = static_cast<Lane>(
            static_cast<std::make_unsigned_t<Lane>>(-1) >> 1);
        return value < 0 ? static_cast<Lane>(-highest - 1) : highest;
    }

  private:
    int shift_;
    bool clamps_;
};

}  // namespace detail

template <typename Tag, unsigned Elems>
class accum {
    static_assert(!detail::is_complex_accum_tag<Tag>,
                  "aie::accum of complex lanes is not available on the simulated AIE2 host target "
                  "yet: keep real and imaginary parts in accumulators of their own");
    static_assert(detail::is_accum_tag<Tag> || detail::is_complex_accum_tag<Tag>,
                  "aie::accum: not an accumulator type of AIE2");

  public:
    using value_type = Tag;
    using lane_type = detail::accum_lane_t<Tag>;
    using storage_t = accum;

    static constexpr unsigned size() { return Elems; }
    static constexpr unsigned value_bits() { return 8 * sizeof(lane_type); }
    static constexpr unsigned accum_bits() { return value_bits(); }
    static constexpr unsigned memory_bits() { return value_bits(); }
    static constexpr unsigned bits() { return Elems * value_bits(); }
    static constexpr bool is_floating_point() { return std::is_same_v<Tag, accfloat>; }
    static constexpr bool is_complex() { return false; }
    static constexpr bool is_real() { return true; }

    // Undefined, in the way that an unwritten vector is.
    __aie_inline constexpr accum() {
        if (std::is_constant_evaluated())
            for (lane_type& lane : lanes_) lane = 0;
        else
            __builtin_memset(lanes_, 0xa5, sizeof(lanes_));
    }

    // Tags of one lane type, such as acc48 and acc64, are one register.
    template <typename Other>
        requires(!std::is_same_v<Other, Tag> &&
                 std::is_same_v<detail::accum_lane_t<Other>, lane_type>)
    __aie_inline accum(const accum<Other, Elems>& other) {
        detail::copy_bits(lanes_, other);
    }

    template <typename T>
    __aie_inline explicit accum(const vector<T, Elems>& v, int shift = 0) {
        from_vector(v, shift);
    }

    template <typename T>
    __aie_inline accum& operator=(const vector<T, Elems>& v) {
        from_vector(v);
        return *this;
    }

    __aie_inline constexpr lane_type lane(unsigned idx) const { return lanes_[idx]; }
    __aie_inline constexpr void set_lane(lane_type value, unsigned idx) { lanes_[idx] = value; }

    __aie_inline accum to_native() const { return *this; }

    template <typename T>
    __aie_inline void from_vector(const vector<T, Elems>& v, int shift = 0) {
        if constexpr (is_floating_point()) {
            static_assert(detail::is_floating<T>, "aie::accum<accfloat>: from bfloat16 or float");
            for (unsigned i = 0; i < Elems; ++i) lanes_[i] = v.get(i);
        } else {
            static_assert(!detail::is_floating<T>, "aie::accum: floating point needs accfloat");
            const detail::UpShift<lane_type> up(shift);
            for (unsigned i = 0; i < Elems; ++i) lanes_[i] = up(v.get(i));
        }
    }

    // Shift, round and saturate the lanes into a vector, by the modes of the core.
    template <typename T>
    __aie_inline vector<T, Elems> to_vector(int shift = 0) const {
        return to_vector_sign<T>(detail::is_signed_element<T>, shift);
    }

    // The same, to the range of a signed or an unsigned element as said.
    template <typename T>
    __aie_inline vector<T, Elems> to_vector_sign(bool is_signed, int shift = 0) const {
        static_assert(is_floating_point() == detail::is_floating<T>,
                      "aie::accum::to_vector: accfloat goes to bfloat16 or float, and only it");
        if constexpr (detail::is_int4<T>) {
            using Byte = std::conditional_t<std::is_same_v<T, int4>, int8, uint8>;
            return to_vector_sign<Byte>(is_signed, shift).template pack_sign<T>(is_signed);
        } else {
            const auto narrow = detail::narrowing<T, lane_type>(shift, is_signed);
            return detail::generate<vector<T, Elems>>(
                [&](unsigned i) { return narrow(lanes_[i]); });
        }
    }

    __aie_inline auto to_vector() const
        requires(is_floating_point())
    {
        return to_vector<float>();
    }

    template <typename T>
        requires(std::is_same_v<Tag, accfloat> && detail::is_floating<T>)
    __aie_inline operator vector<T, Elems>() const {
        return to_vector<T>();
    }

    // The same bits as lanes of another type.
    template <typename To>
    __aie_inline auto cast_to() const {
        accum<To, Elems * sizeof(lane_type) / sizeof(detail::accum_lane_t<To>)> result;
        detail::copy_bits(result, lanes_);
        return result;
    }

    template <unsigned ElemsOut>
    __aie_inline accum<Tag, ElemsOut> extract(unsigned idx) const {
        static_assert(ElemsOut <= Elems);
        lane_type part[ElemsOut];
        __builtin_memcpy(part, lanes_ + idx * ElemsOut, sizeof(part));
        accum<Tag, ElemsOut> result;
        detail::copy_bits(result, part);
        return result;
    }

    template <unsigned ElemsIn, typename Other>
    __aie_inline accum& insert(unsigned idx, const accum<Other, ElemsIn>& part) {
        static_assert(ElemsIn <= Elems && sizeof(part) == ElemsIn * sizeof(lane_type));
        __builtin_memcpy(lanes_ + idx * ElemsIn, &part, sizeof(part));
        return *this;
    }

    template <unsigned ElemsOut>
    __aie_inline accum<Tag, ElemsOut> grow(unsigned idx = 0) const {
        accum<Tag, ElemsOut> result;
        result.insert(idx, *this);
        return result;
    }

    template <unsigned ElemsOut>
    __aie_inline accum<Tag, ElemsOut> grow_replicate() const {
        accum<Tag, ElemsOut> result;
        for (unsigned part = 0; part < ElemsOut / Elems; ++part) result.insert(part, *this);
        return result;
    }

    template <unsigned ElemsOut>
    __aie_inline accum<Tag, ElemsOut> grow_extract(unsigned idx) const {
        if constexpr (ElemsOut > Elems)
            return grow<ElemsOut>();
        else
            return extract<ElemsOut>(idx);
    }

    template <typename... Parts>
    __aie_inline accum& upd_all(const Parts&... parts) {
        unsigned idx = 0;
        (insert(idx++, parts), ...);
        return *this;
    }

  private:
    lane_type lanes_[Elems];
};

namespace detail {

template <typename Acc, typename Lane>
__aie_inline constexpr Acc generate_lanes(Lane lane) {
    Acc result;
    AIE_HOST_EACH_LANE
    for (unsigned i = 0; i < Acc::size(); ++i) result.set_lane(lane(i), i);
    return result;
}

}  // namespace detail

// Lanes are added modulo their width, or as AIE2 adds fp32.
template <typename TagA, typename TagB, unsigned Elems>
__aie_inline accum<TagA, Elems> add(const accum<TagA, Elems>& a, const accum<TagB, Elems>& b) {
    if constexpr (std::is_same_v<TagA, accfloat>) {
        detail::Adder<Elems, 0> adder;
        detail::copy_bits(adder.acc, a);
        detail::copy_bits(adder.with, b);
        adder.template run<true>();
        accum<TagA, Elems> result;
        detail::copy_bits(result, adder.acc);
        return result;
    } else {
        return detail::generate_lanes<accum<TagA, Elems>>(
            [&](unsigned i) { return detail::wrap_add(a.lane(i), b.lane(i)); });
    }
}

// The sign of an fp32 zero stays.
template <typename Tag, unsigned Elems>
__aie_inline accum<Tag, Elems> neg(const accum<Tag, Elems>& acc) {
    using Lane = typename accum<Tag, Elems>::lane_type;
    return detail::generate_lanes<accum<Tag, Elems>>([&](unsigned i) {
        const Lane lane = acc.lane(i);
        if constexpr (std::is_same_v<Lane, float>)
            return lane == 0.0f ? lane : detail::negate_fp32(lane);
        else
            return detail::wrap_sub(Lane{0}, lane);
    });
}

template <typename TagA, typename TagB, unsigned Elems>
__aie_inline accum<TagA, Elems> sub(const accum<TagA, Elems>& a, const accum<TagB, Elems>& b) {
    return add(a, neg(b));
}

template <typename Tag, typename T, unsigned Elems>
__aie_inline accum<Tag, Elems> from_vector(const vector<T, Elems>& v, int shift = 0) {
    return accum<Tag, Elems>(v, shift);
}

template <typename T, typename Tag, unsigned Elems>
__aie_inline vector<T, Elems> to_vector(const accum<Tag, Elems>& acc, int shift = 0) {
    return acc.template to_vector<T>(shift);
}

template <typename Tag, unsigned Elems, typename... Others>
    requires(sizeof...(Others) > 0)
__aie_inline auto concat(const accum<Tag, Elems>& first, const Others&... others) {
    accum<Tag, Elems*(1 + sizeof...(Others))> result;
    return result.upd_all(first, others...);
}

}  // namespace aie
