// Loop hints of the AIE2 compilers by the names that kernels of mlir-aie use. They shape the
// schedule of the core and never the result: on the host they are empty.

#pragma once

#define AIE_PREPARE_FOR_PIPELINING
#define AIE_NO_PREPARE_FOR_PIPELINING
#define AIE_PREPARE_FOR_POSTPIPELINING
#define AIE_KEEP_FREE_FOR_PIPELINING(x)
#define AIE_PEEL_PIPELINED_LOOP(x)
#define AIE_MODULO_SCHEDULING_BUDGET_RATIO(x)
#define AIE_TRY_INITIATION_INTERVAL(x)

#define AIE_LOOP_MIN_ITERATION_COUNT(x)
#define AIE_LOOP_MAX_ITERATION_COUNT(x)
#define AIE_LOOP_RANGE(a, ...)
#define AIE_LOOP_UNROLL(x)
#define AIE_LOOP_UNROLL_FULL
#define AIE_LOOP_NO_UNROLL
#define AIE_LOOP_FLATTEN
#define AIE_LOOP_HINT(key, value)
#define AIE_LOOP_GPR_REALLOC
#define AIE_KEEP_SW_LOOP
#define AIE_NO_HW_LOOP
#define AIE_ALLOCATE(x)

// On the core: two copies of the loop, one of them pipelined for `minimum` iterations or more.
#define VERSIONED_LOOP(minimum, count, body, ...)                            \
    do {                                                                     \
        for (int aie_iteration = 0; aie_iteration < (count); ++aie_iteration) \
            (body)();                                                        \
    } while (0)
