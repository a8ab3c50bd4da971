"""What the Python source of one core refers to by name."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.dialects.builtin import ArrayAttr, FunctionType, StringAttr
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Operation, SSAValue

from errors import CheckFailed, nearest
from simulator.array.config import TileId
from simulator.mlir.cores.emitter import python_name
from simulator.mlir.cores.native_loops import NativeLoop
from simulator.mlir.cores.natives import Signature
from simulator.mlir.design import Design
from simulator.mlir.dialects.attributes import FifoPort
from simulator.mlir.dialects.device import CoreOp
from simulator.mlir.dialects.objectfifo import ObjectFifoAcquireOp, ObjectFifoReleaseOp
from simulator.mlir.failure import refuse
from simulator.mlir.layouts import integer
from simulator.mlir.plan import Plan, PlannedBuffer, PlannedLock, PlannedPort


@dataclass(kw_only=True)
class CoreUnit:
    """The core that is compiled and everything outside of it that it uses.

    Attributes:
        name: Name of the Python function, such as ``core_0_2``.
        ends: Ends of objectFifos, by variable.
        buffers: Declared buffers, by variable.
        natives: Functions of kernels, by variable.
        helpers: Functions that the design itself defines, by variable.
        loops: Loops that are there as C too.
        releases: Locks that the core may release.
        taken: Names that mean something in the source already.
    """

    design: Design
    plan: Plan
    tile: TileId
    operation: CoreOp
    ends: dict[str, PlannedPort] = field(default_factory=dict)
    buffers: dict[str, PlannedBuffer] = field(default_factory=dict)
    natives: dict[str, Signature] = field(default_factory=dict)
    helpers: dict[str, FuncOp] = field(default_factory=dict)
    loops: list[NativeLoop] = field(default_factory=list)
    releases: set[PlannedLock] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    _functions: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"core_{self.tile.col}_{self.tile.row}"

    def end(self, op: ObjectFifoAcquireOp | ObjectFifoReleaseOp) -> str:
        """Return the variable of the fifo end that an operation uses.

        Raises:
            CheckFailed: NPU107, the tile is not at that end of the fifo, or the fifo is part
                of a link here, or the core wants more objects than there are.
        """
        name = op.fifo.root_reference.data
        produces = op.port.data is FifoPort.PRODUCE
        port = self.plan.ports.get((self.tile, name, produces))
        if port is None:
            raise self._no_end(op, name, op.port.data)
        if integer(op.size) > len(port.buffers):
            raise refuse(
                op,
                f"the core uses {integer(op.size)} objects of @{name} at once, and its end has "
                f"{len(port.buffers)}",
                code="NPU107",
                cure="give the objectFifo more depth",
            )
        if isinstance(op, ObjectFifoReleaseOp) and port.release is not None:
            self.releases.add(port.release)
        for variable, known in self.ends.items():
            if known is port:
                return variable
        variable = python_name(name, self.taken)
        self.ends[variable] = port
        return variable

    def buffer(self, value: SSAValue, user: Operation) -> str | None:
        """Return the variable of a declared buffer, None for another value.

        Raises:
            CheckFailed: NPU106, the core does not reach its memory.
        """
        buffer = self.plan.declared_buffers.get(value)
        if buffer is None:
            return None
        self._check_reach(buffer.tile, f"buffer {buffer.name}", user)
        for variable, known in self.buffers.items():
            if known is buffer:
                return variable
        variable = python_name(buffer.name, self.taken)
        self.buffers[variable] = buffer
        return variable

    def lock(self, value: SSAValue, user: Operation) -> PlannedLock:
        """Return a declared lock.

        Raises:
            CheckFailed: NPU105, the value is none; NPU106, the core does not reach it.
        """
        lock = self.plan.lock(value, user)
        self._check_reach(lock.tile, f"lock {lock.name or lock.index}", user)
        return lock

    def _check_reach(self, tile: TileId, what: str, user: Operation) -> None:
        if tile not in self.design.geometry.reachable(self.tile).values():
            raise refuse(
                user,
                f"the core of {self.tile} does not reach {what} of {tile}",
                code="NPU106",
                cure="a core reaches its own tile and its south, west and north neighbours",
            )

    def function(self, call: CallOp) -> tuple[str, bool]:
        """Return the variable of a called function, and whether it is a kernel's.

        Raises:
            CheckFailed: NPU105, the design does not declare it, or with other types.
        """
        symbol = call.callee.root_reference.data
        declared = self.design.symbol(call.callee, FuncOp, call, "function")
        _compare_types(call, declared.function_type)
        native = not any(block.ops for block in declared.body.blocks)
        variable = self._functions.get(symbol)
        if variable is None:
            variable = self._functions[symbol] = python_name(symbol, self.taken)
            if native:
                self.natives[variable] = self._signature(symbol, declared)
            else:
                self.helpers[variable] = declared
        return variable, native

    def _signature(self, symbol: str, declared: FuncOp) -> Signature:
        link = declared.attributes.get("link_with", declared.properties.get("link_with"))
        objects = [link.data] if isinstance(link, StringAttr) else []
        if not objects and self.operation.link_with is not None:
            objects = [self.operation.link_with.data]
        if not objects and isinstance(self.operation.link_files, ArrayAttr):
            files = self.operation.link_files.data
            objects = [file.data for file in files if isinstance(file, StringAttr)]
        kind = declared.function_type
        return Signature(
            symbol=symbol,
            arguments=kind.inputs.data,
            results=kind.outputs.data,
            objects=tuple(objects),
            operation=declared,
        )

    def _no_end(self, op: Operation, name: str, port: FifoPort) -> CheckFailed:
        known = {fifo for _, fifo, _ in self.plan.ports}
        if name not in self.design.symbols:
            message = f"there is no objectFifo @{name}{nearest(name, sorted(known))}"
            return refuse(op, message, code="NPU105", cure="declare it, or correct the name")
        ends = [tile for tile, fifo, _ in self.plan.ports if fifo == name]
        where = " and ".join(sorted({str(tile) for tile in ends})) or "no core"
        return refuse(
            op,
            f"{self.tile} is not at the {port} end of @{name} (cores at its ends: {where})",
            code="NPU107",
            cure="compare the port and the tile with the objectFifo; a core cannot use a fifo "
            "that a link passes on at its tile",
        )


def _compare_types(call: CallOp, declared: FunctionType) -> None:
    """Refuse a call whose types are not those of the function: native code would overrun."""
    for noun, given, wanted in (
        ("argument", call.arguments.types, declared.inputs.data),
        ("result", call.res.types, declared.outputs.data),
    ):
        if len(given) != len(wanted):
            raise _wrong_types(call, f"with {len(wanted)} and called with {len(given)} {noun}s")
        for position, (got, type_) in enumerate(zip(given, wanted, strict=True)):
            if got != type_:
                raise _wrong_types(
                    call, f"with {noun} {position} of {type_}, and called with {got}"
                )


def _wrong_types(call: CallOp, message: str) -> CheckFailed:
    return refuse(
        call,
        f"@{call.callee.root_reference.data} is declared {message}",
        code="NPU105",
        cure="call it with the types of its declaration",
    )
