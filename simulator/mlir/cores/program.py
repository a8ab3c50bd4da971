"""A core's program: its Python source, and the generator that the array runs."""

from __future__ import annotations

import linecache
import math
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xdsl.dialects.builtin import MemRefType
from xdsl.dialects.func import FuncOp

from errors import CheckFailed
from simulator.array.config import Buffer, Core, Origin, TileId
from simulator.array.core import (
    Acquire,
    CascadeRead,
    CascadeWrite,
    CoreContext,
    CoreRun,
    Delay,
    StreamRead,
    StreamWrite,
)
from simulator.array.geometry import TileKind
from simulator.mlir.configuration import buffer_record
from simulator.mlir.cores import memory, vector_values
from simulator.mlir.cores.accesses import memref_value
from simulator.mlir.cores.control import Body
from simulator.mlir.cores.emitter import Emitter
from simulator.mlir.cores.native_loops import PRELUDE, Compile, bind
from simulator.mlir.cores.natives import CoreLibraries, Signature, Watch
from simulator.mlir.cores.unit import CoreUnit
from simulator.mlir.design import Design
from simulator.mlir.dialects.device import CoreOp, EndOp
from simulator.mlir.failure import origin, refuse, unsupported, where
from simulator.mlir.layouts import Element
from simulator.mlir.parse import line_of
from simulator.mlir.placement import stack_size
from simulator.mlir.plan import Plan, PlannedBuffer, PlannedLock

_HELPERS: dict[str, Any] = {
    name: getattr(memory, name)
    for name in (
        "Block",
        "bf16",
        "bits_float",
        "check_indices",
        "divided",
        "f32",
        "float_bits",
        "from_bf16",
        "i16",
        "i32",
        "i64",
        "i8",
        "natural",
        "quotient",
        "remainder",
        "to_bf16",
        "touch",
        "words",
    )
}
_VECTORS: dict[str, Any] = {
    name: getattr(vector_values, name)
    for name in (
        "cascade_words",
        "compare",
        "compare_floats",
        "compute",
        "constant_vector",
        "extracted",
        "inserted",
        "load_vector",
        "load_within",
        "reduced",
        "reinterpreted",
        "shuffled",
        "store_vector",
        "store_within",
        "vector_of",
    )
}
_NAMES: dict[str, Any] = {
    **_HELPERS,
    **_VECTORS,
    "Acquire": Acquire,
    "CascadeRead": CascadeRead,
    "CascadeWrite": CascadeWrite,
    "Delay": Delay,
    "Element": Element,
    "Origin": Origin,
    "StreamRead": StreamRead,
    "StreamWrite": StreamWrite,
    "TileId": TileId,
    "math": math,
}


@dataclass(frozen=True)
class CoreProgram:
    """A compiled core body.

    Attributes:
        source: The Python source, for people to read.
    """

    unit: CoreUnit
    source: str

    @property
    def tile(self) -> TileId:
        return self.unit.tile

    @property
    def calls(self) -> list[Signature]:
        """The kernel functions that the core calls."""
        return list(self.unit.natives.values())

    def core(
        self,
        libraries: Mapping[str, Path],
        cycles: Mapping[str, int],
        watch: Watch,
        compile_loops: Compile | None = None,
    ) -> Core:
        """Return the core for the array, with the kernel functions of `libraries` bound.

        With `compile_loops` its long loops run as native code, else as Python.

        Raises:
            UsageError: NPU140, NPU141: a library or a function in it is missing.
            CheckFailed: NPU142, the design does not say where a function is.
        """
        unit = self.unit
        names = dict(_NAMES)
        bound = CoreLibraries(libraries)
        for variable, signature in unit.natives.items():
            charged = cycles.get(signature.symbol, 0)
            names[variable] = bound.bind(signature, watch, charged)
        names |= self._native_loops(compile_loops)
        filename = f"<{unit.name} of {unit.design.source}>"
        linecache.cache[filename] = (
            len(self.source),
            None,
            self.source.splitlines(keepends=True),
            filename,
        )
        exec(compile(self.source, filename, "exec"), names)  # noqa: S102 - our own source
        body = names[unit.name]
        return Core(
            tile=unit.tile,
            program=lambda context: self._run(context, body, filename),
            stack_size=stack_size(unit.operation),
            releases=frozenset((lock.tile, lock.index or 0) for lock in unit.releases),
            origin=origin(unit.operation),
        )

    def _native_loops(self, compile_loops: Compile | None) -> dict[str, Any]:
        loops = self.unit.loops
        if compile_loops is None or not loops:
            return {loop.symbol: None for loop in loops}
        library = compile_loops(PRELUDE + "\n".join(loop.source for loop in loops))
        return bind(library, loops)

    def _run(self, core: CoreContext, body: Callable[..., CoreRun], filename: str) -> CoreRun:
        ends = [
            memory.FifoEnd(
                core,
                [_block(core, buffer) for buffer in port.buffers],
                _place(port.acquire),
                _place(port.release),
                port.repeat,
                port.name,
            )
            for port in self.unit.ends.values()
        ]
        blocks = [_block(core, buffer) for buffer in self.unit.buffers.values()]
        try:
            yield from body(core, *ends, *blocks)
        except (ArithmeticError, IndexError, ValueError) as error:
            raise self._broken(error, filename) from error

    def _broken(self, error: Exception, filename: str) -> CheckFailed:
        """Return the error for a core that did what no number allows."""
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == filename]
        place = f": {frames[-1].line}" if frames else ""
        return CheckFailed(
            f"{where(self.unit.operation)}: the core of {self.tile} fails with {error}{place}",
            cure="check the indices and divisors of the core body",
            code="NPU143",
        )


def _block(core: CoreContext, buffer: PlannedBuffer) -> memory.Block:
    record: Buffer = buffer_record(buffer)
    return memory.Block.of_buffer(core, record, buffer.layout.element)


def _place(lock: PlannedLock | None) -> tuple[TileId, int] | None:
    return None if lock is None else (lock.tile, lock.index or 0)


def compile_cores(design: Design, plan: Plan) -> list[CoreProgram]:
    """Compile every core of a design whose locks have their numbers.

    Raises:
        CheckFailed: NPU105, NPU107, NPU130: a core uses what is not there, uses a fifo in a
            way that it does not allow, or does what the simulator cannot do yet.
    """
    programs = []
    for tile, op in _cores(design).items():
        if _is_empty(op):
            if op.elf_file is not None:
                raise unsupported(op, "a core given as an ELF file")
            continue
        unit = CoreUnit(design=design, plan=plan, tile=tile, operation=op, taken={*_NAMES, "core"})
        programs.append(CoreProgram(unit, _compile(unit)))
    return programs


def _cores(design: Design) -> dict[TileId, CoreOp]:
    """Return the design's cores by tile.

    Raises:
        CheckFailed: NPU106, the tile has no core; NPU124, it has two programs.
    """
    cores: dict[TileId, CoreOp] = {}
    for op in design.each(CoreOp):
        tile = design.tile(op.tile, op)
        if design.geometry.kind(tile) is not TileKind.CORE:
            raise refuse(
                op,
                f"{tile} has no core",
                code="NPU106",
                cure="cores are in rows 2 to 5",
            )
        first = cores.setdefault(tile, op)
        if first is not op:
            raise refuse(
                op,
                f"the core of {tile} has a program already, in line {line_of(first)}",
                code="NPU124",
                cure="use another tile, or let one core do both",
            )
    return cores


def _is_empty(core: CoreOp) -> bool:
    return all(isinstance(op, EndOp) for block in core.body.blocks for op in block.ops)


def _compile(unit: CoreUnit) -> str:
    """Return the source of a core and of the functions that it calls."""
    main = Emitter(unit.taken)
    Body(main, unit).region(unit.operation.body)
    done: dict[str, str] = {}
    while waiting := [name for name in unit.helpers if name not in done]:
        for name in waiting:
            done[name] = _compile_helper(unit, name, unit.helpers[name])
    parameters = ", ".join(["core", *unit.ends, *unit.buffers])
    header = f"def {unit.name}({parameters}):"
    views = [f"    {name}_ = {name}.data" for name in unit.buffers if f"{name}_[" in main.source]
    lines = [header, *views, _with_yield(main.source), ""]
    return "\n\n\n".join([*done.values(), "\n".join(lines)])


def _compile_helper(unit: CoreUnit, name: str, function: FuncOp) -> str:
    out = Emitter(unit.taken)
    parameters = ["core"]
    prologue = []
    for argument in function.body.blocks[0].args:
        parameter = out.name(argument, "argument")
        parameters.append(parameter)
        if isinstance(argument.type, MemRefType):
            out.set(argument, memref_value(argument, parameter, function))
            prologue.append(f"    {parameter}_ = {parameter}.data")
        else:
            out.set(argument, parameter)
    Body(out, unit).region(function.body)
    lines = [f"def {name}({', '.join(parameters)}):", *prologue, _with_yield(out.source)]
    return "\n".join(lines)


def _with_yield(body: str) -> str:
    """Make a body a generator's, even where nothing in it waits."""
    return body if "yield " in body else f"    yield Delay(1)\n{body}"
