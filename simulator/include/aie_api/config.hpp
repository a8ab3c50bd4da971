// The target that kernels see, and the compiler hints they carry.
//
// Hints of the two AIE2 compilers (Peano and chess) shape the schedule of a VLIW core and never
// the result, so on the host they are empty. `__AIE_ARCH__` is 20: a kernel that selects by
// architecture takes its AIE2 branch.

#pragma once

#ifndef __AIE_ARCH__
#define __AIE_ARCH__ 20
#endif

#define AIE_API_PLATFORM_VERSION 200
#define AIE_API_ML_VERSION 200
#define AIE_API_MATH_VERSION 0

// Every operation is a few instructions: inlining is what makes it so on the host as well.
#define __aie_inline inline __attribute__((always_inline))

// The AIE2 compilers accept C's spelling in C++.
#ifndef restrict
#define restrict __restrict
#endif

// Clang vectorises loops that go through lanes one by one, even under -fno-vectorize. Loops that
// reorder lanes are kept from it: clang 20 to 22 takes an index like `k * 8 + i % 8` for one that
// goes on past 8 (every loop over power-of-two tiles is in danger, a kernel's own included, which
// is why the toolchain passes -fno-vectorize). Whether a hint took effect is no kernel's concern.
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed"
#define AIE_HOST_EACH_LANE _Pragma("clang loop vectorize(enable)")
#define AIE_HOST_REORDER _Pragma("clang loop vectorize(disable)")
#else
#define AIE_HOST_EACH_LANE
#define AIE_HOST_REORDER
#endif

// What the host target does not model fails to compile, with words.
namespace aie::detail {
template <typename...>
inline constexpr bool unavailable = false;
}

#define AIE_HOST_UNAVAILABLE(what, why, ...)                     \
    static_assert(::aie::detail::unavailable<__VA_ARGS__>,       \
                  what " is not available on the simulated AIE2" \
                       " host target yet: " why)

// Loop hints of chess, written between a loop's head and its body.
#define chess_prepare_for_pipelining
#define chess_loop_range(...)
#define chess_loop_count(...)
#define chess_min_loop_count(...)
#define chess_max_loop_count(...)
#define chess_modulo_scheduling_budget_ratio(...)
#define chess_pipeline_initiation_interval(...)
#define chess_pipeline_adjust_preamble
#define chess_no_hw_loop
#define chess_hw_loop
#define chess_flatten_loop
#define chess_unroll_loop(...)
#define chess_unroll_loop_preamble
#define chess_keep_sw_loop
#define chess_peel_pipelined_loop(...)
#define chess_require_min_ii(...)
#define chess_allocate(...)

// Storage, copy and scheduling hints of chess.
#define chess_storage(...)
#define chess_protect_access
#define chess_copy(value) (value)
#define chess_separator()
#define chess_separator_scheduler(...)
#define chess_memory_fence()
#define chess_const(value) __builtin_constant_p(value)
#define chess_manifest(value) __builtin_constant_p(value)

// Memory banks: a matter of cycles, not of values.
#define __aie_dm_resource_a
#define __aie_dm_resource_b
#define __aie_dm_resource_c
#define __aie_dm_resource_d
#define __aie_dm_resource_stack
