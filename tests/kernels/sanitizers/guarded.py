"""Run kernels' cases with sanitised code: ``python guarded.py KERNEL/VARIANT=LIBRARY...``.

The sanitizers' runtime must be preloaded. The designs run on the simulated array as always, on
every case of the variant, and the outputs are compared as always; only the kernel functions come
from the given libraries, and each gets its buffers as memory of its own, of just their size, so
that a byte beyond one is a byte that the address sanitizer watches.

Instrumented code is slow. It gets every call of a kernel's smallest variants, the first of each
version, and of others whose cases are of few operations; of a case of many it gets the first
calls of each function and then one in so many, all over the run, and the library of the build
gets the rest.

Prints a line of JSON for each variant: its name, and the cases, the calls of sanitised code, all
calls, and the elements that were checked.
"""

from __future__ import annotations

import ctypes
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from kernels import registry
from kernels.contract import Kernel
from runtime.sim import SimDevice
from runtime.verify import check
from simulator.mlir.cores.natives import CoreLibraries, NativeFunction, Signature, Watch, load_copy
from simulator.mlir.layouts import layout
from toolchain.build import build
from toolchain.unit import Unit

OPERATIONS = 2_000_000
"""Operations of a case that sanitised code does: a second of it, or so."""

FIRST = 4
"""Calls of each function that it does at least."""

_bind = CoreLibraries.bind

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


class Sample:
    """Which calls go to sanitised code.

    Attributes:
        every: One in so many, after the first few of each function.
        sanitised: Calls that went there.
        calls: All calls.
    """

    def __init__(self, every: int = 1) -> None:
        self.every = every
        self.sanitised = 0
        self.calls = 0
        self._seen: Counter[str] = Counter()

    def begin(self) -> None:
        """Begin with a case: its first calls count as such again."""
        self._seen.clear()

    def takes(self, symbol: str) -> bool:
        """Tell whether a function's next call goes to sanitised code."""
        number = self._seen[symbol]
        self._seen[symbol] += 1
        self.calls += 1
        chosen = number < FIRST or number % self.every == 0
        self.sanitised += chosen
        return chosen


class Guard:
    """A kernel function whose buffers are copied out of the tile's memory and back.

    Args:
        function: The sanitised function.
        sizes: Bytes of each argument, 0 for a number.
    """

    def __init__(self, function: Any, sizes: list[int]) -> None:
        self._function = function
        self._sizes = sizes

    def __call__(self, *arguments: Any) -> Any:
        """Call the function with copies of what it may touch, and keep what it wrote."""
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


def bind_guarded(library: Path, sample: Sample) -> None:
    """Let cores of programs that are loaded from now on call `library` where `sample` says so."""

    def bind(
        self: CoreLibraries, signature: Signature, watch: Watch, cycles: int
    ) -> NativeFunction:
        bound = _bind(self, signature, watch, cycles)
        bound._state = None  # no looking at globals, between which there is poison
        # One copy for a core, as of the library of the build: its writable data are the core's.
        if "sanitised" not in self._loaded:
            self._loaded["sanitised"] = load_copy(library)
        plain, symbol = bound._function, signature.symbol
        twin = getattr(self._loaded["sanitised"], symbol)
        twin.argtypes, twin.restype = plain.argtypes, plain.restype
        layouts = [layout(type_) for type_ in signature.arguments]
        guard = Guard(twin, [what.nbytes if what else 0 for what in layouts])

        def call(*arguments: Any) -> Any:
            return (guard if sample.takes(symbol) else plain)(*arguments)

        bound._function = call
        return bound

    CoreLibraries.bind = bind  # type: ignore[method-assign]


def smallest(kernel: Kernel) -> list[Kernel]:
    """Return the first variant of each version of a kernel: the smallest, by its contract."""
    found: dict[str, Kernel] = {}
    for variant in registry.find(kernel.kernel_name()):
        found.setdefault(getattr(variant, "version", ""), variant)
    return list(found.values())


def every(kernel: Kernel) -> int:
    """Return of how many calls one is sanitised: an odd number, so that turns of cores and
    buffers do not always fall on the same ones.
    """
    return kernel.work().ops // OPERATIONS | 1


def main() -> None:
    """Run the variants named on the command line."""
    pairs = [argument.rsplit("=", 1) for argument in sys.argv[1:]]
    variants = [registry.find(title)[0] for title, _ in pairs]
    results = build([Unit.from_kernel(kernel) for kernel in variants])
    for kernel, result, (title, library) in zip(variants, results, pairs, strict=True):
        if result.build is None:
            raise result.errors[0]
        sample = Sample(1 if kernel in smallest(kernel) else every(kernel))
        bind_guarded(Path(library), sample)
        program = SimDevice().load(result.build)
        cases = compared = 0
        for case in kernel.cases():
            sample.begin()
            report = check(kernel, program, case)
            if report.failure:
                raise report.failure
            cases, compared = cases + 1, compared + report.compared
        print(json.dumps([title, cases, sample.sanitised, sample.calls, compared]), flush=True)


if __name__ == "__main__":
    main()
