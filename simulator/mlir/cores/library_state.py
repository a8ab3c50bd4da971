"""The writable globals of a loaded library, to call a function of it twice from one state."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from pathlib import Path

_HEADER = struct.Struct("<16sHHIQQQIHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_LOADED, _MAGIC, _WRITABLE = 1, b"\x7fELF\x02", 2


class WritableData:
    """The segments of one library that its code may write."""

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        self._ranges = ranges

    @classmethod
    def of(cls, library: ctypes.CDLL) -> WritableData | None:
        """Return those of a 64-bit ELF library; None where the loader does not tell its address."""
        base = ctypes.c_size_t.from_address(library._handle).value
        mapped = _mapped()
        if not any(start <= base < stop for start, stop, _ in mapped):
            return None
        header = ctypes.string_at(base, _HEADER.size)
        if not header.startswith(_MAGIC):
            return None
        fields = _HEADER.unpack(header)
        first, size, count = fields[5], fields[9], fields[10]
        ranges = []
        for number in range(count):
            kind, flags, _, address, _, _, length, _ = _SEGMENT.unpack(
                ctypes.string_at(base + first + number * size, _SEGMENT.size)
            )
            if kind == _LOADED and flags & _WRITABLE:
                ranges += _writable(mapped, base + address, base + address + length)
        return cls(ranges)

    def save(self) -> Sequence[bytes]:
        """Return the content of all segments."""
        return [ctypes.string_at(start, stop - start) for start, stop in self._ranges]

    def restore(self, content: Sequence[bytes]) -> None:
        """Put back what :meth:`save` returned."""
        for (start, _), data in zip(self._ranges, content, strict=True):
            ctypes.memmove(start, data, len(data))


def _mapped() -> list[tuple[int, int, bool]]:
    """Return the mappings of this process: start, stop, whether it may write there."""
    result = []
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        place, mode = line.split(maxsplit=2)[:2]
        start, _, stop = place.partition("-")
        result.append((int(start, 16), int(stop, 16), mode[1] == "w"))
    return result


def _writable(
    mapped: Sequence[tuple[int, int, bool]], start: int, stop: int
) -> list[tuple[int, int]]:
    """Return the parts of [start, stop) that may be written: relocations may not any more."""
    return [
        (max(start, low), min(stop, high))
        for low, high, writes in mapped
        if writes and low < stop and high > start
    ]
