"""What the FAKE pyxrt has by name only: the ELF flow and shared buffers. Each use refuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any, NoReturn

from simulator.fake_xrt.enums import ExtAccess
from simulator.fake_xrt.memory import BufferObject
from simulator.fake_xrt.runs import Kernel


class Elf:
    """FAKE ``pyxrt.elf``."""

    def __init__(self, arg0: Any, arg1: int = 0, /) -> None:
        raise NotImplementedError("the fake has no ELF flow")


class Program:
    """FAKE ``pyxrt.program``."""

    def __init__(self, arg0: Elf, /) -> None:
        raise NotImplementedError("the fake has no ELF flow")

    def get_partition_size(self) -> NoReturn:
        raise NotImplementedError("the fake has no ELF flow")


class Module:
    """FAKE ``pyxrt.module``."""

    def __init__(self, elf: Elf) -> None:
        raise NotImplementedError("the fake has no ELF flow")

    def get_hw_context(self) -> NoReturn:
        raise NotImplementedError("the fake has no ELF flow")


class ExtBuffer(BufferObject):
    """FAKE ``pyxrt.ext.bo``."""

    def __init__(self, *args: Any, **named: Any) -> None:
        raise NotImplementedError("the fake has no shared buffers")


class ExtKernel(Kernel):
    """FAKE ``pyxrt.ext.kernel``."""

    def __init__(self, *args: Any, **named: Any) -> None:
        raise NotImplementedError("the fake has no ELF flow")


class Vector:
    """FAKE of pybind11's bound vectors."""

    def __init__(self, arg0: Iterable[Any] = (), /) -> None:
        self._items = list(arg0)

    def append(self, x: Any) -> None:
        self._items.append(x)

    def clear(self) -> None:
        self._items.clear()

    def extend(self, L: Iterable[Any]) -> None:  # noqa: N803
        self._items.extend(L)

    def insert(self, i: int, x: Any) -> None:
        self._items.insert(i, x)

    def pop(self, i: int = -1) -> Any:
        return self._items.pop(i)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __getitem__(self, i: Any) -> Any:
        return self._items[i]

    def __setitem__(self, i: Any, x: Any) -> None:
        self._items[i] = x

    def __delitem__(self, i: Any) -> None:
        del self._items[i]


ext = SimpleNamespace(access_mode=ExtAccess, bo=ExtBuffer, kernel=ExtKernel)
for _name, _member in ExtAccess.__members__.items():
    setattr(ext, _name, _member)
