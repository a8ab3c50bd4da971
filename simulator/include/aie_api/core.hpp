// The state of one simulated core that outlives a kernel call, and what calls out of a kernel.
//
// On the device, rounding and saturation are control registers of the core: a mode that one
// kernel sets holds for the next kernel on the same core, and for no other core. A kernel
// library therefore keeps no modes of its own. It reads them through the exported pointer
// `npu_core`; a simulator points it at the record of the core that is about to call. Left
// alone, it points at a record inside the library, with the modes of a reset core.

#pragma once

#include <stdint.h>

#include "config.hpp"

namespace aie::host {

struct Core {
    uint32_t rounding = 0;      // control register crRnd; 0, its reset value, is floor
    uint32_t saturation = 0;    // control register crSat; 0, its reset value, is none
    uint32_t core_id = 0;       // column << 16 | row, what get_coreid() returns
    uint32_t reserved = 0;      // keeps what follows aligned
    uint64_t cycles = 0;        // what get_cycles() returns
    uint64_t misaligned = 0;    // address of the first aligned access that was not aligned
    void* context = nullptr;    // first argument of every callback

    // A null callback: events have no effect, the others end the process, since a kernel cannot
    // go on without what it asked for.
    void (*event)(void* context, int32_t number) = nullptr;
    void (*acquire)(void* context, uint32_t lock, int32_t value) = nullptr;
    void (*release)(void* context, uint32_t lock, int32_t value) = nullptr;
    uint32_t (*stream_read)(void* context, uint32_t port, uint32_t* tlast) = nullptr;
    void (*stream_write)(void* context, uint32_t port, uint32_t word, uint32_t tlast) = nullptr;
    void (*cascade_read)(void* context, void* bytes, uint32_t size) = nullptr;
    void (*cascade_write)(void* context, const void* bytes, uint32_t size) = nullptr;
};

// Weak and not `inline`: GNU compilers make an inline variable one for the whole process, and
// libraries loaded side by side would share it.
__attribute__((weak, visibility("hidden"))) Core unattached;

}  // namespace aie::host

extern "C" {
__attribute__((weak, visibility("default"))) aie::host::Core* npu_core = &aie::host::unattached;
}

// Trace events 0 and 1 of the core: marks in the timeline, no effect on data.
__aie_inline void event0() {
    if (npu_core->event) npu_core->event(npu_core->context, 0);
}

__aie_inline void event1() {
    if (npu_core->event) npu_core->event(npu_core->context, 1);
}

// Locks: an acquire waits until the lock holds at least `value` and subtracts it; the sign tells
// the intrinsic's two forms apart and is dropped here. A release adds.
inline void acquire_greater_equal(unsigned lock, int value) {
    if (!npu_core->acquire) __builtin_trap();
    npu_core->acquire(npu_core->context, lock, value < 0 ? -value : value);
}

inline void acquire_equal(unsigned lock, int value) {
    acquire_greater_equal(lock, value);
}

inline void acquire(unsigned lock, int value) {
    acquire_greater_equal(lock, value);
}

inline void release(unsigned lock, int value) {
    if (!npu_core->release) __builtin_trap();
    npu_core->release(npu_core->context, lock, value);
}

__aie_inline uint64_t get_cycles() {
    return npu_core->cycles;
}

__aie_inline int get_coreid() {
    return static_cast<int>(npu_core->core_id);
}

// Compilers' barriers: nothing moves across them on the device, nothing is in flight here.
__aie_inline void done() {}
