"""Kernels compiled for this machine and called directly, without a design around them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernels.contract import Array, Kernel
from toolchain.build import build
from toolchain.unit import Unit

NativeCall = Callable[..., None]


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Kernel], NativeCall]:
    """Return a maker of calls: ``native(kernel)(symbol, *arguments)`` calls a kernel's function."""
    root: Path = tmp_path_factory.mktemp("native")

    def make(kernel: Kernel) -> NativeCall:
        (result,) = build([Unit.from_kernel(kernel)], root=root)
        assert result.build is not None, result.errors
        library = ctypes.CDLL(str(result.build.libraries["kernel.o"]))

        def passed(argument: Array | int) -> Any:
            if isinstance(argument, int):
                return ctypes.c_int32(argument)
            assert argument.ctypes.data % 64 == 0, "vector loads need it"
            return argument.ctypes.data_as(ctypes.c_void_p)

        def call(symbol: str, *arguments: Array | int) -> None:
            getattr(library, symbol)(*map(passed, arguments))

        return call

    return make


@pytest.fixture(scope="session")
def aligned() -> Callable[[Array], Array]:
    """Return a copier of arrays to 64-byte boundaries, as core memory lays out buffers."""

    def copy(array: Array) -> Array:
        room = np.zeros(array.nbytes + 64, np.uint8)
        start = -room.ctypes.data % 64
        place = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
        place[...] = array
        return place

    return copy
