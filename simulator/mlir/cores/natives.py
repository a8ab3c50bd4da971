"""Kernel functions as native code: a private copy of each library for each core."""

from __future__ import annotations

import ctypes
import itertools
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from xdsl.dialects.builtin import Float32Type, Float64Type, IndexType, IntegerType, MemRefType
from xdsl.ir import Attribute, Operation

from errors import CheckFailed, UsageError
from simulator.array.config import TileId
from simulator.array.core import CoreContext
from simulator.array.core_watch import LibraryState, Span
from simulator.mlir.cores.library_state import WritableData
from simulator.mlir.failure import refuse, unsupported, where
from simulator.mlir.layouts import layout

_INTEGERS = {
    1: ctypes.c_bool,
    8: ctypes.c_int8,
    16: ctypes.c_int16,
    32: ctypes.c_int32,
    64: ctypes.c_int64,
}


@dataclass(frozen=True)
class Signature:
    """A function that a core calls.

    Attributes:
        symbol: Its ``extern "C"`` name.
        arguments: MLIR types of its arguments.
        results: MLIR types of its results, one at most.
        objects: Object files that may hold it, as `link_with` names them.
        operation: Its declaration.
    """

    symbol: str
    arguments: tuple[Attribute, ...]
    results: tuple[Attribute, ...]
    objects: tuple[str, ...]
    operation: Operation


@dataclass
class Watch:
    """What native code runs at the moment, for a watchdog in another thread."""

    running: tuple[TileId, str, float] | None = None


class NativeFunction:
    """A kernel function bound to one core's copy of its library.

    Attributes:
        cycles: What one call is charged.
    """

    __slots__ = ("_function", "_sizes", "_state", "_symbol", "_watch", "cycles")

    def __init__(
        self,
        signature: Signature,
        function: Any,
        watch: Watch,
        cycles: int,
        state: LibraryState | None,
    ) -> None:
        self.cycles = cycles
        self._symbol = signature.symbol
        self._sizes = [
            (position, size)
            for position, type_ in enumerate(signature.arguments)
            if (size := _bytes(type_))
        ]
        self._state = state
        self._function = function
        self._watch = watch

    def __call__(self, core: CoreContext, *arguments: Any, line: int = 0) -> Any:
        self._watch.running = (core.tile, self._symbol, monotonic())
        spans = []
        for position, size in self._sizes:
            if size > 0:
                spans.append(Span(position, arguments[position], size))
            else:
                core.hand_out(arguments[position], sys.maxsize)
        result = core.call(
            self._symbol, self._function, *arguments, spans=spans, state=self._state, line=line
        )
        self._watch.running = None
        return result


class CoreLibraries:
    """The libraries of one core: writable globals are not shared with other cores."""

    def __init__(self, libraries: Mapping[str, Path]) -> None:
        self._paths = libraries
        self._loaded: dict[str, ctypes.CDLL] = {}

    def bind(self, signature: Signature, watch: Watch, cycles: int) -> NativeFunction:
        """Return a function of this core, of which each call is charged `cycles`.

        Raises:
            UsageError: NPU140, no library was given for the object; NPU141, the library does
                not have the function.
            CheckFailed: NPU142, the design does not say which object has the function.
        """
        if not signature.objects:
            raise refuse(
                signature.operation,
                f"the design does not say which object holds function @{signature.symbol}",
                code="NPU142",
                cure='add `attributes {link_with = "kernel.o"}` to its declaration',
            )
        for name in signature.objects:
            library = self._library(name, signature)
            function = getattr(library, signature.symbol, None)
            if function is not None:
                function.argtypes = [c_type(type_, signature) for type_ in signature.arguments]
                function.restype = _result_type(signature)
                state = WritableData.of(library)
                return NativeFunction(signature, function, watch, cycles, state)
        raise UsageError(
            f"{where(signature.operation)}: {' and '.join(signature.objects)} "
            f"{'have' if len(signature.objects) > 1 else 'has'} no function {signature.symbol}",
            cure='define it in the kernel\'s source as `extern "C"`',
            code="NPU141",
        )

    def _library(self, name: str, signature: Signature) -> ctypes.CDLL:
        library = self._loaded.get(name)
        if library is None:
            path = self._paths.get(name, self._paths.get(Path(name).name))
            if path is None:
                raise UsageError(
                    f"{where(signature.operation)}: function {signature.symbol} is linked from "
                    f"{name}, and no library was given for it",
                    cure=f"give one of the libraries ({_listed(self._paths)}) that name, or "
                    "build the object",
                    code="NPU140",
                )
            library = self._loaded[name] = load_copy(path)
        return library


def load_copy(path: Path) -> ctypes.CDLL:
    """Load a private copy of a library, whose globals nobody else sees.

    The dynamic loader shares a library by its inode, so the copy lives in an anonymous file;
    and by its name before that, so each copy gets a name that none had before.

    Raises:
        UsageError: NPU140, the file cannot be read or is no shared library.
    """
    try:
        content = path.read_bytes()
        handle = os.memfd_create(path.name)
        with os.fdopen(handle, "wb") as copy:
            copy.write(content)
            copy.flush()
            return ctypes.CDLL(_unused_name(handle))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be loaded: {error}",
            cure="build the kernel for target host again",
            code="NPU140",
        ) from None


def _unused_name(handle: int) -> str:
    """Return a path to an open file: a number, written in steps that lead nowhere, makes it new."""
    steps = f"{next(_COPIES):b}".replace("0", "/").replace("1", "./")
    return f"/proc/self/fd/{steps}{handle}"


_COPIES = itertools.count(1)


def c_type(type_: Attribute, signature: Signature) -> Any:
    """Return how an argument of an MLIR type is passed to native code.

    Raises:
        CheckFailed: NPU130, no C type corresponds to it.
    """
    if isinstance(type_, MemRefType):
        return ctypes.c_void_p
    if isinstance(type_, IndexType):
        return ctypes.c_int64
    if isinstance(type_, IntegerType) and type_.width.data in _INTEGERS:
        return _INTEGERS[type_.width.data]
    if isinstance(type_, Float32Type):
        return ctypes.c_float
    if isinstance(type_, Float64Type):
        return ctypes.c_double
    raise unsupported(signature.operation, f"an argument of type {type_} of a kernel function")


def _bytes(type_: Attribute) -> int:
    """Return the size of a memref, -1 where it is not known, and 0 for a number."""
    if not isinstance(type_, MemRefType):
        return 0
    what = layout(type_)
    return -1 if what is None or None in what.shape or None in what.strides else what.nbytes


def _result_type(signature: Signature) -> Any:
    return c_type(signature.results[0], signature) if signature.results else None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def stuck(watch: Watch, seconds: float) -> CheckFailed | None:
    """Return the error for native code that has run for `seconds` without returning."""
    running = watch.running
    if running is None or monotonic() - running[2] < seconds:
        return None
    tile, symbol, _ = running
    return CheckFailed(
        f"{symbol} on {tile} has not returned after {seconds:g} seconds",
        cure="look for an endless loop in the kernel function; raise max_seconds if it just "
        "takes long",
        code="NPU202",
    )
