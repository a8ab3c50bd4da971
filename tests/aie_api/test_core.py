"""What a core keeps between calls of kernels, and what calls out of a kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import aie2_models as models
import numpy as np
import pytest

Event = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int32)
Lock = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int32)
Words = ctypes.POINTER(ctypes.c_uint32)
StreamRead = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32, Words)
StreamWrite = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32
)
Cascade = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)


class Core(ctypes.Structure):
    """aie::host::Core of core.hpp."""

    _fields_ = (
        ("rounding", ctypes.c_uint32),
        ("saturation", ctypes.c_uint32),
        ("core_id", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
        ("cycles", ctypes.c_uint64),
        ("misaligned", ctypes.c_uint64),
        ("context", ctypes.c_void_p),
        ("event", Event),
        ("acquire", Lock),
        ("release", Lock),
        ("stream_read", StreamRead),
        ("stream_write", StreamWrite),
        ("cascade_read", Cascade),
        ("cascade_write", Cascade),
    )


class Attached:
    """The library with its pointer at one core or another."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self._pointer = ctypes.c_void_p.in_dll(call.library, "npu_core")
        self.own = self._pointer.value

    def to(self, core: Core) -> Any:
        self._pointer.value = ctypes.addressof(core)
        return self.call

    def back(self) -> Any:
        self._pointer.value = self.own
        return self.call


@pytest.fixture
def attached(functions: Callable) -> Iterator[Attached]:
    attached = Attached(functions("core"))
    yield attached
    attached.back()


def modes(call: Callable) -> list[int]:
    result = np.zeros(2, np.int32)
    call("take_modes", result)
    return result.tolist()


def test_a_reset_core_rounds_down_and_wraps(attached: Attached) -> None:
    assert modes(attached.to(Core())) == [models.FLOOR, models.NONE]
    assert modes(attached.back()) == [models.FLOOR, models.NONE]


def test_modes_stay_with_the_core(attached: Attached) -> None:
    one, other = Core(), Core()
    attached.to(one)("set_modes")
    assert (one.rounding, one.saturation) == (models.CONV_EVEN, models.SATURATE)
    assert modes(attached.to(other)) == [models.FLOOR, models.NONE]
    assert modes(attached.to(one)) == [models.CONV_EVEN, models.SATURATE]


def test_swapping_modes_gives_those_before(attached: Attached) -> None:
    core = Core(rounding=models.POS_INF, saturation=models.SATURATE)
    before = np.zeros(2, np.int32)
    attached.to(core)("swap_modes", before)
    assert before.tolist() == [models.POS_INF, models.SATURATE]
    assert modes(attached.call) == [models.CEIL, models.SYMMETRIC]


def test_events_are_marks_for_who_listens(attached: Attached) -> None:
    seen: list[tuple[int, int]] = []
    core = Core(context=77, event=Event(lambda context, number: seen.append((context, number))))
    attached.to(core)("mark")
    assert seen == [(77, 0), (77, 1)]
    attached.to(Core())("mark")
    assert len(seen) == 2


def test_locks_tell_number_and_value(attached: Attached) -> None:
    seen: list[tuple[str, int, int]] = []
    core = Core(
        core_id=1 << 16 | 3,
        cycles=1234,
        acquire=Lock(lambda _, lock, value: seen.append(("acquire", lock, value))),
        release=Lock(lambda _, lock, value: seen.append(("release", lock, value))),
    )
    numbers = np.zeros(2, np.int32)
    attached.to(core)("lock", numbers)
    assert seen == [("acquire", 48, 2), ("acquire", 50, 1), ("release", 49, 3)]
    assert numbers.tolist() == [65539, 1234]


def test_streams_and_cascade_pass_words_on(attached: Attached) -> None:
    written: list[tuple[int, ...]] = []
    sent: list[bytes] = []

    def read(_: int, port: int, last: Any) -> int:
        last[0] = 1
        return 20 + port

    def take(_: int, to: int, size: int) -> None:
        data = np.arange(16, dtype=np.int32).tobytes()
        assert size == len(data)
        ctypes.memmove(to, data, size)

    core = Core(
        stream_read=StreamRead(read),
        stream_write=StreamWrite(lambda _, *word: written.append(word)),
        cascade_read=Cascade(take),
        cascade_write=Cascade(lambda _, at, size: sent.append(ctypes.string_at(at, size))),
    )
    attached.to(core)("pass_on")
    assert written == [(2, 42, 1)]
    assert [np.frombuffer(data, np.int32).tolist() for data in sent] == [list(range(1, 17))]
