// aie_api for the simulated AIE2 core: kernels compiled for the host compute what AIE2 computes.
//
// Written for kernels of the public AIE API (Xilinx/aie_api, XDNA 1). Each header says where its
// arithmetic is documented, and where AIE2 does what is not. What is missing fails to compile
// with a sentence (unavailable.hpp).

#pragma once

#include <assert.h>
#include <math.h>
#include <string.h>

#include "accum.hpp"
#include "bfloat16.hpp"
#include "compare.hpp"
#include "concepts.hpp"
#include "config.hpp"
#include "convert.hpp"
#include "core.hpp"
#include "elementwise.hpp"
#include "interleave.hpp"
#include "intrinsics.hpp"
#include "iterator.hpp"
#include "lookup.hpp"
#include "loops.hpp"
#include "mask.hpp"
#include "math.hpp"
#include "memory.hpp"
#include "mmul.hpp"
#include "modifiers.hpp"
#include "multiply.hpp"
#include "native_types.hpp"
#include "operators.hpp"
#include "reduce.hpp"
#include "rounding.hpp"
#include "shuffle.hpp"
#include "shuffle_unit.hpp"
#include "sliding_mul.hpp"
#include "streams.hpp"
#include "tile.hpp"
#include "types.hpp"
#include "unavailable.hpp"
#include "vector.hpp"
