"""Run kernels' cases with sanitised code: ``python guarded.py KERNEL/VARIANT=LIBRARY...``.

The sanitizers' runtime must be preloaded. The designs run on the simulated array as always, and
the outputs are compared as always; only the kernel functions come from the given libraries, and
each gets its buffers as memory of its own, of just their size, so that a byte beyond one is a
byte that the address sanitizer watches.

Prints a line of JSON for each variant: its name, and the cases, calls and elements that were
checked.
"""

from __future__ import annotations

import ctypes
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kernels import registry
from kernels.contract import Case, Kernel
from runtime.sim import SimDevice
from runtime.verify import check
from simulator.mlir.cores.natives import CoreLibraries, NativeFunction, Signature, Watch
from simulator.mlir.layouts import layout
from toolchain.build import build
from toolchain.unit import Unit

LONG = 1 << 15
"""Bytes of arguments above which only the last cases run, the kernel's own corners: instrumented
code is slow, and a longer variant runs the code of a shorter one."""

LONGER = 1 << 18
"""Bytes of arguments above which only the last case runs."""

_libc = ctypes.CDLL(None)
_libc.posix_memalign.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]
_libc.free.argtypes = [ctypes.c_void_p]

_ALIGNMENT = 32
"""What an objectFifo guarantees: any more would hide an access that asks for more."""


def _room(size: int) -> int:
    """Return the address of fresh memory of `size` bytes."""
    address = ctypes.c_void_p()
    if _libc.posix_memalign(ctypes.byref(address), _ALIGNMENT, size):
        raise MemoryError
    assert address.value
    return address.value


class Guard:
    """A kernel function whose buffers are copied out of the tile's memory and back."""

    calls = 0

    def __init__(self, function: Any, sizes: list[int]) -> None:
        self._function = function
        self._sizes = sizes

    def __call__(self, *arguments: Any) -> Any:
        """Call the function with copies of what it may touch, and keep what it wrote."""
        Guard.calls += 1
        copies = [
            (position, _room(size), arguments[position], size)
            for position, size in enumerate(self._sizes)
            if size
        ]
        passed = list(arguments)
        for position, copy, original, size in copies:
            ctypes.memmove(copy, original, size)
            passed[position] = copy
        result = self._function(*passed)
        for _, copy, original, size in copies:
            ctypes.memmove(original, copy, size)
            _libc.free(copy)
        return result


def use(library: Path) -> None:
    """Let the simulator's cores call `library`, with every buffer guarded."""

    def libraries(self: CoreLibraries, given: Any) -> None:
        self._paths = dict.fromkeys(given, library)
        self._loaded = {}

    CoreLibraries.__init__ = libraries  # type: ignore[assignment,method-assign]


def _guarded(bind: Callable[..., NativeFunction]) -> Callable[..., NativeFunction]:
    def wrapped(
        self: CoreLibraries, signature: Signature, watch: Watch, cycles: int
    ) -> NativeFunction:
        bound = bind(self, signature, watch, cycles)
        bound._state = None  # no looking at globals, between which there is poison
        layouts = [layout(type_) for type_ in signature.arguments]
        bound._function = Guard(bound._function, [what.nbytes if what else 0 for what in layouts])
        return bound

    return wrapped


def cases(kernel: Kernel) -> Iterator[Case]:
    """Yield the kernel's cases; of those of a long one the last."""
    mine = list(kernel.cases())
    size = sum(arg.nbytes for arg in kernel.args())
    yield from mine[-1:] if size > LONGER else mine[-2:] if size > LONG else mine


def main() -> None:
    """Run the variants named on the command line."""
    CoreLibraries.bind = _guarded(CoreLibraries.bind)  # type: ignore[method-assign]
    pairs = [argument.rsplit("=", 1) for argument in sys.argv[1:]]
    variants = [registry.find(title)[0] for title, _ in pairs]
    results = build([Unit.from_kernel(kernel) for kernel in variants])
    for kernel, result, (title, library) in zip(variants, results, pairs, strict=True):
        if result.build is None:
            raise result.errors[0]
        use(Path(library))
        program = SimDevice().load(result.build)
        Guard.calls = 0
        reports = [check(kernel, program, case) for case in cases(kernel)]
        for report in reports:
            if report.failure:
                raise report.failure
        compared = sum(report.compared for report in reports)
        print(json.dumps([title, len(reports), Guard.calls, compared]), flush=True)


if __name__ == "__main__":
    main()
