"""How long things take, in cycles of the array's clock. Each constant names its source.

AM020 is AMD's Versal AIE-ML Architecture Manual (document AM020, revision 1.5); the
Phoenix NPU has the same tiles. "Assumed" is a round figure of the right size that no
public source gives: it shifts modelled times a little and never changes a result.
"""

from __future__ import annotations

WORDS_PER_CYCLE = 1
"""Words that a stream port moves in a cycle (AM020, AXI4-Stream Interconnect: 32 bits)."""

HOP_LATENCY = 4
"""Cycles through one stream switch: 2 in its slave and 2 in its master port (AM020, Stream
Switch Buffering and Latency)."""

HOP_DEPTH = 8
"""Words that one stream switch holds: a 4-deep FIFO in its slave and one in its master port
(same page). The optional 16-deep FIFO of a switch is not used by routes."""

CASCADE_DEPTH = 4
"""512-bit values between two cores: two-deep FIFOs at both ends (AM020, AIE-ML Interfaces)."""

CASCADE_WORDS = 16
"""32-bit words in a cascade value, moved in one cycle (same page: 512 bits)."""

LOCK_LATENCY = 4
"""From a granted acquire, or from the release that it waited for, to the next action. Assumed."""

BD_START = 4
"""From fetching a buffer descriptor to its first word. Assumed."""

HOST_MEMORY_LATENCY = 200
"""From a shim BD's start to its first word of host memory, and from the last word that a
shim BD writes to its completion. Assumed."""

HOST_COMMAND = 20
"""A register write of the command processor: lock value, task queue. Assumed."""

HOST_POLL = 100
"""Between two looks at a register that the command processor waits for. Assumed."""

HOST_WRITE_BD = 100
"""Eight register writes, as one block, of a buffer descriptor. Assumed."""

HOST_RECONFIGURE = 100_000
"""Loading another configuration while a sequence runs, about 0.1 ms. Assumed."""
