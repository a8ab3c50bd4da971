"""What the first lab measured on a Phoenix, to hold the model against.

Mean times of a call from Python, of scalar single-core kernels; and the cycles of their machine
code, counted by executing it instruction by instruction with the core's pipeline (a study on the
published binaries of Unicorn-Commander/Unicorn-Amanuensis). `DISPATCH_S` and `CLOCK_HZ` are
chosen from these figures, so agreement of the short calls tests little; that of matmul and
attention, whose time is cycles, tests the clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime.model.limits import CHANNEL_BYTES, DISPATCH_S
from simulator.array.timing import (
    HOP_LATENCY,
    HOST_COMMAND,
    HOST_MEMORY_LATENCY,
    HOST_WRITE_BD,
)
from simulator.clock import CLOCK_HZ

_HOPS = 3
"""Stream switches from a shim tile to the core above it: shim, memory tile, core."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A kernel of the first lab.

    Attributes:
        name: What it computed.
        low: Least mean time of a call that was reported, in seconds.
        high: The largest, the same where there is one figure.
        core_cycles: Cycles of a call of its machine code.
        read_bytes: Bytes that it read from host memory in a call.
        written_bytes: Bytes that it wrote there.
        ours: The variant of this lab with the same shape.
        note: What keeps the two from being the same program, if anything does.
    """

    name: str
    low: float
    high: float
    core_cycles: int
    read_bytes: int
    written_bytes: int
    ours: str
    note: str = ""

    @property
    def cycles(self) -> int:
        """Modelled cycles: commands, data in, the core, data out, one after the other."""
        commands = 2 * (HOST_WRITE_BD + HOST_COMMAND) + HOST_COMMAND
        moved = (self.read_bytes + self.written_bytes) // CHANNEL_BYTES
        latency = 2 * (HOST_MEMORY_LATENCY + _HOPS * HOP_LATENCY)
        return commands + latency + moved + self.core_cycles

    @property
    def seconds(self) -> float:
        """Modelled seconds of a call, dispatch included."""
        return DISPATCH_S + self.cycles / CLOCK_HZ

    @property
    def error(self) -> float:
        """How far the modelled time is from the middle of what was measured, as a share."""
        return self.seconds / ((self.low + self.high) / 2) - 1


FIRST_LAB = (
    Measured(
        name="GELU int8, 512",
        low=0.142e-3,
        high=0.161e-3,
        core_cycles=8_720,
        read_bytes=512,
        written_bytes=512,
        ours="gelu_int8/512",
    ),
    Measured(
        name="GELU int8, 2,048",
        low=0.171e-3,
        high=0.171e-3,
        core_cycles=34_832,
        read_bytes=2_048,
        written_bytes=2_048,
        ours="gelu_int8/2048",
    ),
    Measured(
        name="layer norm int8, 256",
        low=0.15e-3,
        high=0.17e-3,
        core_cycles=7_951,
        read_bytes=768,
        written_bytes=256,
        ours="layernorm_int8/256",
    ),
    Measured(
        name="matmul int8, 16 cubed",
        low=0.493e-3,
        high=0.493e-3,
        core_cycles=448_596,
        read_bytes=512,
        written_bytes=256,
        ours="matmul_int8/16x16x16",
    ),
    Measured(
        name="attention int8, 64 x 64",
        low=2.07e-3,
        high=2.23e-3,
        core_cycles=2_947_579,
        read_bytes=12_288,
        written_bytes=4_096,
        ours="attention_int8/64x64",
        note="the binary is of a later build than the measured one",
    ),
)
