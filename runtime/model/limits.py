"""What the array could do at most, and what a call costs before it starts.

Rates of streams, DMAs and host commands are those of `simulator.array.timing`: there is one
place for them.
"""

from __future__ import annotations

import numpy as np

from kernels.contract import Kernel, bfloat16
from simulator.array.config import WORD
from simulator.array.timing import WORDS_PER_CYCLE

DISPATCH_S = 0.134e-3
"""Seconds of a call that its cycles do not explain: submission by the driver, completion, pyxrt.

Fitted, not measured by itself: what cycles of five kernels' machine code, at the lab's clock
(`simulator.clock`), leave over against their measured times (`runtime.model.measured`).
"""

CORES = 16
"""Compute cores of the four columns that a design sees."""

SHIM_CHANNELS = 4 * 2
"""Shim DMA channels in each direction: four columns of two."""

CHANNEL_BYTES = WORD * WORDS_PER_CYCLE
"""Bytes that a stream or a DMA channel moves in a cycle, in one direction."""

PEAK_MACS = {"int8": 256, "bf16": 128}
"""Multiply-accumulates of one core in a cycle at most (AM020): blocks of 4x8x8 and of 4x8x4."""

_MACS = {
    np.dtype(np.int8): PEAK_MACS["int8"],
    np.dtype(np.uint8): PEAK_MACS["int8"],
    bfloat16: PEAK_MACS["bf16"],
}


def macs_per_cycle(kernel: Kernel) -> int | None:
    """Return the multiply-accumulates of one core in a cycle for a kernel's element type.

    `PEAK_MACS` for int8 and bfloat16; None for others, for which the lab states no peak. The
    type is that of the first argument.
    """
    return _MACS.get(kernel.args()[0].dtype)
