"""The tables of a parsed design: which device, which tiles, what has which name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from xdsl.dialects.builtin import ModuleOp, StringAttr, SymbolRefAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue

from errors import UsageError, nearest
from simulator.array.config import TileId
from simulator.array.geometry import Geometry
from simulator.mlir.dialects.device import DeviceOp, LogicalTileOp, RuntimeSequence, TileOp
from simulator.mlir.dialects.dma import ShimDmaAllocationOp
from simulator.mlir.dialects.memref import GlobalOp
from simulator.mlir.dialects.npu import ConfigureOp
from simulator.mlir.failure import refuse, unsupported
from simulator.mlir.logical_tiles import LogicalTiles
from simulator.mlir.parse import line_of, parse_design

OperationT = TypeVar("OperationT", bound=Operation)


class Design:
    """One device of a parsed design and what it declares.

    Attributes:
        source: Name of the design text.
        name: The device's own name, "main" for one without.
        device: Name of the target device, such as ``npu1``.
        geometry: The array that it stands for.
        symbols: Operations of the device by their symbol.
        functions: Function declarations and definitions, of the device and around it.
        sequences: Runtime sequences by name; an unnamed one is called "sequence".
    """

    def __init__(self, module: ModuleOp, operation: DeviceOp, source: str) -> None:
        self._module = module
        self.source = source
        self.name = _device_name(operation)
        self.device = operation.device.data
        self.geometry = Geometry.named(self.device)
        self.operations = [op for block in operation.body.blocks for op in block.ops]
        self.symbols: dict[str, Operation] = {}
        self.functions: dict[str, FuncOp] = {}
        self._declare(module.ops)
        self._declare(self.operations)
        self.tiles: dict[SSAValue, TileId] = self._placed()
        self.sequences = {
            op.sym_name.data if op.sym_name else "sequence": op for op in self.each(RuntimeSequence)
        }

    @classmethod
    def parse(cls, text: str, source: str, device: str | None = None) -> Design:
        """Parse a design text.

        Args:
            text: MLIR in the aie dialect.
            source: Name of the text in messages.
            device: Which ``aie.device @name``, where there are several. Without it a device
                whose runtime sequence loads the others is taken, or the only one.

        Raises:
            UsageError: NPU101 to NPU104, NPU113: the text is no design for a Phoenix.
            CheckFailed: NPU105, NPU106: it contradicts itself.
        """
        module = parse_design(text, source)
        return cls(module, _the_device(module, source, device), source)

    def other(self, name: str, user: Operation) -> Design:
        """Return another device of the same text, or this one anew.

        Raises:
            CheckFailed: NPU105, there is no device of that name.
        """
        devices = {_device_name(op): op for op in self._module.ops if isinstance(op, DeviceOp)}
        if name not in devices:
            raise refuse(
                user,
                f"there is no aie.device @{name}{nearest(name, list(devices))}",
                code="NPU105",
                cure="name an aie.device of this file",
            )
        return Design(self._module, devices[name], self.source)

    def each(self, kind: type[OperationT]) -> Iterator[OperationT]:
        """Yield the device's own operations of one kind, in the order of the text."""
        return (op for op in self.operations if isinstance(op, kind))

    def tile(self, value: SSAValue, user: Operation) -> TileId:
        """Return the tile behind an SSA value.

        Raises:
            CheckFailed: NPU105, the value is something else.
        """
        tile = self.tiles.get(value)
        if tile is None:
            raise refuse(
                user,
                f"{user.name} needs a tile here",
                code="NPU105",
                cure="use the result of an aie.tile of this device",
            )
        return tile

    def symbol(
        self, reference: SymbolRefAttr, kind: type[OperationT], user: Operation, noun: str
    ) -> OperationT:
        """Return what a ``@name`` refers to.

        Raises:
            CheckFailed: NPU105, nothing of that kind has the name.
        """
        name = symbol_name(reference)
        found = self.symbols.get(name)
        if isinstance(found, kind):
            return found
        known = [name for name, op in self.symbols.items() if isinstance(op, kind)]
        raise refuse(
            user,
            f"there is no {noun} @{name}{nearest(name, known)}",
            code="NPU105",
            cure=f"declare the {noun}, or correct the name",
        )

    def _declare(self, operations: Iterable[Operation]) -> None:
        """Add the symbols of one table: those of the device may hide those around it."""
        declared: dict[str, Operation] = {}
        for op in operations:
            name = op.properties.get("sym_name", op.attributes.get("sym_name"))
            if name is None and isinstance(op, RuntimeSequence):
                name = StringAttr("sequence")
            if not isinstance(name, StringAttr) or isinstance(op, DeviceOp):
                continue
            first = declared.setdefault(name.data, op)
            if _is_old_allocation(first, op):
                declared[name.data] = op
            elif first is not op and not _is_old_allocation(op, first):
                raise refuse(
                    op,
                    f"@{name.data} is declared a second time; the first is in line "
                    f"{line_of(first)}",
                    code="NPU105",
                    cure="give one of them another name",
                )
            if isinstance(op, FuncOp):
                self.functions[name.data] = op
        self.symbols |= declared

    def _placed(self) -> dict[SSAValue, TileId]:
        """Return the tile of each declaration, those that the design leaves open last."""
        placed: dict[SSAValue, TileId] = {}
        open_: list[LogicalTileOp] = []
        for op in self.operations:
            if isinstance(op, LogicalTileOp) and (op.col is None or op.row is None):
                open_.append(op)
            elif isinstance(op, TileOp | LogicalTileOp):
                placed[op.result] = self._place(op)
        places = LogicalTiles(self.geometry, placed.values())
        return placed | {op.result: places.place(op) for op in open_}

    def _place(self, op: TileOp | LogicalTileOp) -> TileId:
        if op.col is None or op.row is None:
            raise unsupported(op, "a tile without its column and row")
        tile = TileId(op.col.value.data, op.row.value.data)
        if tile not in self.geometry:
            raise refuse(
                op,
                f"{tile} is not on {self.device}, which has {self.geometry.columns} columns "
                "of 6 rows",
                code="NPU106",
                cure="use tiles of the device, or a device with more columns",
            )
        return tile


def _is_old_allocation(memory: Operation, allocation: Operation) -> bool:
    """Tell whether a ``memref.global`` stands beside the shim allocation of the same name, as
    mlir-aie had it up to 2025.
    """
    return isinstance(memory, GlobalOp) and isinstance(allocation, ShimDmaAllocationOp)


def symbol_name(reference: SymbolRefAttr) -> str:
    """Return the name behind ``@name``."""
    return reference.root_reference.data


def _device_name(operation: DeviceOp) -> str:
    return operation.sym_name.data if operation.sym_name else "main"


def _the_device(module: ModuleOp, source: str, name: str | None) -> DeviceOp:
    devices = [op for op in module.ops if isinstance(op, DeviceOp)]
    if not devices:
        raise UsageError(
            f"{source} has no aie.device",
            cure="put the design into `aie.device(npu1) { ... }`",
            code="NPU104",
        )
    if name is not None:
        chosen = [op for op in devices if _device_name(op) == name]
    else:
        chosen = [op for op in devices if _loads_devices(op)] or devices
    if len(chosen) == 1:
        return chosen[0]
    names = [_device_name(op) for op in devices]
    problem = (
        f"has no aie.device @{name}{nearest(name, names)}"
        if name is not None
        else f"has {len(devices)} devices, and none was chosen"
    )
    raise UsageError(
        f"{source} {problem}", cure=f"choose one of: {', '.join(names)}", code="NPU113"
    )


def _loads_devices(operation: DeviceOp) -> bool:
    return any(isinstance(inner, ConfigureOp) for inner in operation.walk())
