// Loops over constants, loops that are peeled for the pipeline, and variables placed in registers.
//
// Peeling and placement are matters of cycles. What stays on the host is the order of the calls,
// and what the core's compiler would refuse.

#pragma once

#include "types.hpp"

namespace aie {

namespace detail {

// `body` with the arguments if it takes them, else without.
template <typename Body, typename... Constants>
__aie_inline void call_with(Body& body, Constants... constants) {
    if constexpr (std::is_invocable_v<Body&, Constants...>)
        body(constants...);
    else
        body();
}

template <auto First, auto End, auto Step>
inline constexpr bool goes_on = Step > 0 ? First < End : First > End;

}  // namespace detail

// body(Start), body(Start + Step), ... up to but without End, each index a constant.
template <typename T, T Start, T End, T Step = 1, typename Body>
__aie_inline void unroll_for(Body&& body) {
    static_assert(Step != 0, "aie::unroll_for: a step of zero never ends");
    if constexpr (detail::goes_on<Start, End, Step>) {
        detail::call_with(body, std::integral_constant<T, Start>());
        unroll_for<T, static_cast<T>(Start + Step), End, Step>(body);
    }
}

template <unsigned Times, typename Body>
__aie_inline void unroll_times(Body&& body) {
    unroll_for<unsigned, 0, Times>(body);
}

// The same over two indices, the second running faster.
template <typename T, T StartY, T EndY, T StepY, T StartX, T EndX, T StepX, typename Body>
__aie_inline void unroll_for_2d(Body&& body) {
    unroll_for<T, StartY, EndY, StepY>([&](auto y) {
        unroll_for<T, StartX, EndX, StepX>([&](auto x) { detail::call_with(body, y, x); });
    });
}

template <unsigned TimesY, unsigned TimesX, typename Body>
__aie_inline void unroll_times_2d(Body&& body) {
    unroll_for_2d<unsigned, 0, TimesY, 1, 0, TimesX, 1>(body);
}

struct LoopOptions {
    unsigned peel_front = 0;
    unsigned peel_back = 0;
    int preamble_offset = 0;

    constexpr unsigned peeled() const { return peel_front + peel_back; }
};

// body(0) ... body(count - 1); the kernel promises count >= MinIters.
template <unsigned MinIters, LoopOptions Options = LoopOptions{}, typename Body>
__aie_inline void pipelined_loop(unsigned count, Body&& body) {
    static_assert(Options.peeled() + 1 < MinIters || Options.peeled() == 0,
                  "aie::pipelined_loop: more iterations are peeled than the loop has");
    for (unsigned i = 0; i < count; ++i) body(i);
}

// Two loops run side by side, the one that peels more at its front ahead by the difference.
template <unsigned MinIters, LoopOptions First = LoopOptions{}, LoopOptions Second = LoopOptions{},
          typename Body1, typename Body2>
__aie_inline void pipelined_loops(unsigned count, Body1&& body1, Body2&& body2) {
    static_assert(First.peeled() == Second.peeled(),
                  "aie::pipelined_loops: both functions peel equally many iterations");
    static_assert(First.peeled() + 1 < MinIters,
                  "aie::pipelined_loops: more iterations are peeled than the loop has");
    constexpr int lead = static_cast<int>(First.peel_front) - static_cast<int>(Second.peel_front);
    constexpr unsigned delay1 = lead < 0 ? -lead : 0;
    constexpr unsigned delay2 = lead > 0 ? lead : 0;
    for (unsigned i = 0; i < count + delay1 + delay2; ++i) {
        if (i >= delay1 && i - delay1 < count) body1(i - delay1);
        if (i >= delay2 && i - delay2 < count) body2(i - delay2);
    }
}

namespace utils {

enum class AIE_RegFile { Default, R, P, M, Vector, Accum };

template <unsigned Register = ~0u, AIE_RegFile File = AIE_RegFile::Default, typename T>
__aie_inline T locate_in_register(const T& value) {
    return value;
}

template <unsigned First = 0, unsigned Count, AIE_RegFile File = AIE_RegFile::Default, typename T>
__aie_inline void locate_in_register(T (&)[Count]) {}

}  // namespace utils

}  // namespace aie
