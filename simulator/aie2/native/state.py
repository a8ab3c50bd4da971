"""The state of a core, shared by Python and translated code."""

from __future__ import annotations

import ctypes
from typing import cast

import numpy as np

from simulator.aie2.execution.state import COUNT, SCALARS, VECTOR_BYTES, State

BYTES = 1 << 18
"""What is allocated: the fields below, and behind them what only translated code uses."""

REGIONS, REPLIES, REPLY, VALUES = 16, 4, 64, 1024
_ALIGNED = 64

Fault = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32, ctypes.c_uint32)
Release = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32)
Moved = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32)
Compute = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32, ctypes.c_char_p)


def _padding(size: int) -> int:
    return -size % _ALIGNED


class Fields(ctypes.Structure):
    """``struct Core`` of ``machine.h``, as far as it is shared."""

    _fields_ = (
        ("scalar", ctypes.c_uint32 * COUNT),
        ("_0", ctypes.c_uint8 * _padding(4 * COUNT)),
        ("vector", ctypes.c_uint8 * VECTOR_BYTES),
        ("_1", ctypes.c_uint8 * _padding(VECTOR_BYTES)),
        ("bypassed", ctypes.c_uint8 * VECTOR_BYTES),
        ("_2", ctypes.c_uint8 * _padding(VECTOR_BYTES)),
        ("region", ctypes.c_void_p * REGIONS),
        ("cycle", ctypes.c_uint64),
        ("limit", ctypes.c_uint64),
        ("part_words", ctypes.c_uint64),
        ("address", ctypes.c_uint32),
        ("goal", ctypes.c_uint32),
        ("slots", ctypes.c_uint32),
        ("served", ctypes.c_uint32),
        ("releasing", ctypes.c_uint32),
        ("flushing", ctypes.c_uint32),
        ("due", ctypes.c_uint32),
        ("stacked", ctypes.c_uint32),
        ("highest", ctypes.c_uint32),
        ("unused", ctypes.c_uint32),
        ("fault", Fault),
        ("release", Release),
        ("meaning", Compute),
        ("stack", Moved),
        ("_3", ctypes.c_uint8 * _padding(8 * REGIONS + 3 * 8 + 10 * 4 + 4 * 8)),
        ("reply", ctypes.c_uint8 * REPLY * REPLIES),
        ("values", ctypes.c_uint8 * VALUES),
    )


class Shared:
    """One core's state, and views of it for Python.

    Attributes:
        fields: What Python and translated code share.
        address: Where it lies, to hand to translated code.
        state: The registers.
        values: Operands and results of what Python computes for translated code.
    """

    def __init__(self, core_id: int) -> None:
        memory = np.zeros(BYTES + _ALIGNED, np.uint8)
        first = -memory.ctypes.data % _ALIGNED
        self._memory = memory[first : first + BYTES]
        self.address = self._memory.ctypes.data
        self.fields = Fields.from_buffer(self._memory.data)
        self.values = self._view(Fields.values.offset, VALUES)
        self.replies = self._view(Fields.reply.offset, REPLIES * REPLY)
        self.state = State()
        self.state.scalar = cast("list[int]", self.fields.scalar)
        self.state.vector = cast("bytearray", self._view(Fields.vector.offset, VECTOR_BYTES))
        self.state.bypassed = cast("bytearray", self._view(Fields.bypassed.offset, VECTOR_BYTES))
        self.state.scalar[SCALARS["CORE_ID"].index] = core_id

    def _view(self, start: int, size: int) -> memoryview:
        return self._memory[start : start + size].data
