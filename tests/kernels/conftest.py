"""Kernels compiled for this machine and called directly, without a design around them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kernels.contract import Array, Kernel
from toolchain.build import build
from toolchain.unit import Unit

NativeCall = Callable[..., None]


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Kernel], NativeCall]:
    """Return a maker of calls: ``native(kernel)(symbol, *arrays)`` calls a kernel's function."""
    root: Path = tmp_path_factory.mktemp("native")

    def make(kernel: Kernel) -> NativeCall:
        (result,) = build([Unit.from_kernel(kernel)], root=root)
        assert result.build is not None, result.errors
        library = ctypes.CDLL(str(result.build.libraries["kernel.o"]))

        def call(symbol: str, *arrays: Array) -> None:
            assert all(array.ctypes.data % 64 == 0 for array in arrays), "vector loads need it"
            getattr(library, symbol)(*(array.ctypes.data_as(ctypes.c_void_p) for array in arrays))

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
