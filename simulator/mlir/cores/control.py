"""Regions of a core: structured loops and branches, and blocks that jump."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xdsl.dialects import affine, cf, scf
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import MemRefType
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Block, Operation, Region, SSAValue

from simulator.mlir.cores.accesses import emit_access, memref_value
from simulator.mlir.cores.affine import map_results
from simulator.mlir.cores.emitter import Emitter, python_name
from simulator.mlir.cores.native_loops import NativeLoop, translate
from simulator.mlir.cores.scalars import emit_scalar
from simulator.mlir.cores.touches import emit_touches, waits
from simulator.mlir.cores.unit import CoreUnit
from simulator.mlir.cores.values import Index
from simulator.mlir.cores.vectors import emit_vector
from simulator.mlir.cores.waits import WAITING, emit_wait
from simulator.mlir.dialects.device import EndOp
from simulator.mlir.dialects.scf import WhileOp
from simulator.mlir.dialects.storage import BufferOp, LockOp
from simulator.mlir.failure import unsupported

_LONG = 1_000_000
"""Iterations from which a loop without waits tells its time as it goes, not at its end."""

_UNCOUNTED = ("arith.constant", "memref.subview", "memref.cast", "aie.end", "scf.yield")


class Body:
    """Writes the operations of a core, or of a function that the design defines."""

    def __init__(self, out: Emitter, unit: CoreUnit) -> None:
        self._out = out
        self._unit = unit

    def region(self, region: Region) -> None:
        """Write all blocks of a region: one after the other, or as blocks that jump."""
        blocks = list(region.blocks)
        if len(blocks) == 1:
            self._block(blocks[0])
        elif blocks:
            self._jumping(blocks)

    def _block(self, block: Block) -> None:
        self._run(list(block.ops), block)

    def _run(self, operations: Sequence[Operation], block: Block) -> None:
        """Write operations, and before each that may wait what was accessed until there."""
        start = 0
        for number, op in enumerate(operations):
            if isinstance(op, EndOp | ReturnOp) or waits(op):
                emit_touches(self._out, operations[start:number], block)
                start = number
            self._operation(op)
        emit_touches(self._out, operations[start:], block)

    def _operation(self, op: Operation) -> None:
        for value in op.operands:
            self._outside(value, op)
        if emit_scalar(self._out, op) or emit_wait(self._out, op, self._unit):
            return
        if emit_vector(self._out, op):
            return
        if emit_access(self._out, op, self._unit.design) or self._structured(op):
            return
        if isinstance(op, EndOp | ReturnOp):
            self._end(op)
        elif not isinstance(op, BufferOp | LockOp | scf.YieldOp | scf.ConditionOp | affine.YieldOp):
            raise unsupported(op)

    def _outside(self, value: SSAValue, user: Operation) -> None:
        """Introduce a buffer or constant that is declared around the core."""
        if self._out.knows(value):
            return
        variable = self._unit.buffer(value, user)
        if variable is not None and isinstance(value.owner, Operation):
            self._out.set(value, memref_value(value, variable, value.owner))
        elif isinstance(value.owner, ConstantOp) and not emit_scalar(self._out, value.owner):
            emit_vector(self._out, value.owner)

    def _structured(self, op: Operation) -> bool:
        if isinstance(op, scf.ForOp):
            bounds = [self._out.index(value, op) for value in (op.lb, op.ub, op.step)]
            self._for(op, bounds, list(op.iter_args), list(op.res), op.body)
        elif isinstance(op, affine.ForOp):
            self._affine_for(op)
        elif isinstance(op, affine.ApplyOp):
            operands = [self._out.index(value, op) for value in op.mapOperands]
            self._out.define(op.result, str(map_results(op.map.data, operands)[0]))
        elif isinstance(op, scf.IfOp):
            self._if(op)
        elif isinstance(op, WhileOp):
            self._while(op)
        elif isinstance(op, scf.IndexSwitchOp):
            self._switch(op)
        else:
            return False
        return True

    def _affine_for(self, op: affine.ForOp) -> None:
        bounds: list[Index] = []
        for bound, operands in (
            (op.lowerBoundMap, op.lowerBoundOperands),
            (op.upperBoundMap, op.upperBoundOperands),
        ):
            values = [self._out.index(value, op) for value in operands]
            bounds.append(map_results(bound.data, values)[0])
        bounds.append(op.step.value.data)
        self._for(op, bounds, list(op.inits), list(op.res), op.body)

    def _for(
        self,
        op: Operation,
        bounds: Sequence[Index],
        initial: list[SSAValue],
        results: list[SSAValue],
        body: Region,
    ) -> None:
        block = body.blocks[0]
        native = self._native(op)
        if native is not None:
            arguments = ", ".join(native.arguments)
            with self._out.block(f"if {native.symbol} is not None:"):
                self._out.line(f"check_indices({native.symbol}({arguments}))")
            with self._out.block("else:"):
                self._python_for(op, bounds, initial, results, block)
        else:
            self._python_for(op, bounds, initial, results, block)
        waits, trips = _waits(body), _trip_count(*bounds)
        if not waits and trips is not None and trips <= _LONG and _is_outermost(op):
            self._out.line(f"yield Delay({trips * _cost(body)})")

    def _native(self, op: Operation) -> NativeLoop | None:
        """Return an outermost loop as C, if it is worth it and can be."""
        if not isinstance(op, scf.ForOp) or _waits(op.body) or not _is_outermost(op):
            return None
        for inner in op.walk():
            for value in inner.operands:
                if not self._out.knows(value):
                    self._outside(value, op)
        native = translate(op, python_name("loop", self._out.taken), self._out)
        if native is not None:
            self._unit.loops.append(native)
        return native

    def _python_for(
        self,
        op: Operation,
        bounds: Sequence[Index],
        initial: list[SSAValue],
        results: list[SSAValue],
        block: Block,
    ) -> None:
        variable = self._out.name(block.args[0], "i")
        self._out.set(block.args[0], variable)
        carried = self._carry(block.args[1:], initial, op)
        low, high, step = bounds
        trips = _trip_count(low, high, step)
        waits = _block_waits(block)
        header = f"range({low}, {high}, {step})" if step != 1 else f"range({low}, {high})"
        with self._out.block(f"for {variable} in {header}:"):
            self._block(block)
            self._yield(block, carried)
            if not waits and (trips is None or trips > _LONG):
                self._out.line(f"yield Delay({_block_cost(block)})")
        self._give(results, carried, block.args[1:])

    def _if(self, op: scf.IfOp) -> None:
        names = [self._out.name(value, "chosen") for value in op.output]
        with self._out.block(f"if {self._out.scalar(op.cond, op)}:"):
            self._branch(op.true_region, names)
        if op.false_region.blocks:
            with self._out.block("else:"):
                self._branch(op.false_region, names)
        self._give(list(op.output), names, list(op.output))

    def _switch(self, op: scf.IndexSwitchOp) -> None:
        names = [self._out.name(value, "chosen") for value in op.output]
        chosen = self._out.scalar(op.arg, op)
        word = "if"
        for number, region in zip(op.cases.get_values(), op.case_regions, strict=True):
            with self._out.block(f"{word} {chosen} == {number}:"):
                self._branch(region, names)
            word = "elif"
        with self._out.block("else:" if word == "elif" else "if True:"):
            self._branch(op.default_region, names)
        self._give(list(op.output), names, list(op.output))

    def _while(self, op: WhileOp) -> None:
        before, after = op.before_region.blocks[0], op.after_region.blocks[0]
        carried = self._carry(before.args, list(op.arguments), op)
        names = [self._out.name(value, "state") for value in op.res]
        with self._out.block("while True:"):
            self._block(before)
            condition = before.last_op
            if not isinstance(condition, scf.ConditionOp):
                raise unsupported(op, "an scf.while without scf.condition")
            for value in condition.operands:
                self._outside(value, op)
            test = self._out.scalar(condition.condition, condition)
            self._assign(names, condition.args, condition)
            if test != "1":
                with self._out.block(f"if not {test}:"):
                    self._out.line("break")
            self._give(after.args, names, after.args)
            self._block(after)
            self._yield(after, carried)
            if not (_waits(op.before_region) or _waits(op.after_region)):
                self._out.line(f"yield Delay({_cost(op.before_region) + _cost(op.after_region)})")
        self._give(list(op.res), names, list(op.res))

    def _branch(self, region: Region, names: list[str]) -> None:
        block = region.blocks[0]
        self._block(block)
        self._yield(block, names)

    def _carry(
        self, arguments: Sequence[SSAValue], initial: list[SSAValue], op: Operation
    ) -> list[str]:
        """Introduce what a loop carries from turn to turn; return the variables."""
        names = [self._out.name(value, "carried") for value in arguments]
        self._assign(names, initial, op)
        self._give(arguments, names, arguments)
        return names

    def _give(
        self, values: Sequence[SSAValue], names: list[str], typed: Sequence[SSAValue]
    ) -> None:
        """Say that variables hold values: numbers, or memrefs of static shape."""
        for value, name, like in zip(values, names, typed, strict=True):
            if not isinstance(like.type, MemRefType):
                self._out.set(value, name)
            else:
                self._out.line(f"{name}_ = {name}.data")
                owner = like.owner
                user = owner if isinstance(owner, Operation) else self._unit.operation
                self._out.set(value, memref_value(like, name, user))

    def _yield(self, block: Block, names: list[str]) -> None:
        last = block.last_op
        if last is not None and names:
            for value in last.operands:
                self._outside(value, last)
            self._assign(names, last.operands, last)

    def _assign(self, names: list[str], values: Iterable[SSAValue], user: Operation) -> None:
        """Assign all at once, for a value may be the old content of another's variable."""
        expressions = [self._out.anything(value, user) for value in values]
        pairs = [pair for pair in zip(names, expressions, strict=True) if pair[0] != pair[1]]
        if pairs:
            left, right = (", ".join(side) for side in zip(*pairs, strict=True))
            self._out.line(f"{left} = {right}")

    def _end(self, op: Operation) -> None:
        """Write the end of a core or function; at the very end of a core it goes without."""
        if isinstance(op, ReturnOp):
            results = ", ".join(self._out.anything(value, op) for value in op.arguments)
            self._out.line(f"return {results}".rstrip())
        elif len(self._unit.operation.body.blocks) > 1:
            self._out.line("return")

    def _jumping(self, blocks: list[Block]) -> None:
        """Write blocks that branch to each other: a loop that runs the block whose turn it is."""
        turn = self._out.name(None, "turn")
        numbers = {id(block): number for number, block in enumerate(blocks)}
        arguments = {}
        for block in blocks:
            names = [self._out.name(value, "passed") for value in block.args]
            arguments[id(block)] = names
            for value, name in zip(block.args, names, strict=True):
                self._out.set(value, name)
        self._out.line(f"{turn} = 0")
        with self._out.block("while True:"):
            for number, block in enumerate(blocks):
                with self._out.block(f"{'el' * (number > 0)}if {turn} == {number}:"):
                    self._block_and_jump(block, turn, numbers, arguments)

    def _block_and_jump(
        self,
        block: Block,
        turn: str,
        numbers: dict[int, int],
        arguments: dict[int, list[str]],
    ) -> None:
        last = block.last_op
        jumps = isinstance(last, cf.BranchOp | cf.ConditionalBranchOp)
        self._run(list(block.ops)[: -1 if jumps else None], block)
        if last is not None and not _block_waits(block):
            self._out.line(f"yield Delay({len(block.ops)})")

        def jump(target: Block, values: Iterable[SSAValue]) -> None:
            self._assign(arguments[id(target)], values, block.ops.last or self._unit.operation)
            self._out.line(f"{turn} = {numbers[id(target)]}")

        if isinstance(last, cf.BranchOp):
            jump(last.successor, last.arguments)
        elif isinstance(last, cf.ConditionalBranchOp):
            self._outside(last.cond, last)
            with self._out.block(f"if {self._out.scalar(last.cond, last)}:"):
                jump(last.then_block, last.then_arguments)
            with self._out.block("else:"):
                jump(last.else_block, last.else_arguments)


def _trip_count(low: Index, high: Index, step: Index) -> int | None:
    if isinstance(low, int) and isinstance(high, int) and isinstance(step, int) and step > 0:
        return max(0, -((low - high) // step))
    return None


def _waits(region: Region) -> bool:
    return any(isinstance(op, WAITING) for op in region.walk())


def _block_waits(block: Block) -> bool:
    return any(isinstance(op, WAITING) for op in block.walk())


def _is_outermost(op: Operation) -> bool:
    """Tell whether a loop without waits is not inside another one."""
    outer = op.parent_op()
    while outer is not None and not outer.name.startswith("aie."):
        if isinstance(outer, scf.ForOp | affine.ForOp) and not _waits(outer.body):
            return False
        outer = outer.parent_op()
    return True


def _cost(region: Region) -> int:
    """Estimate cycles of one turn: one for each operation, inner loops by their trip count."""
    return max(1, sum(_block_cost(block) for block in region.blocks))


def _block_cost(block: Block) -> int:
    cycles = 0
    for op in block.ops:
        if op.name not in _UNCOUNTED:
            inner = sum(_cost(region) for region in op.regions)
            cycles += 1 + inner * _static_trips(op)
    return max(1, cycles)


def _static_trips(op: Operation) -> int:
    if not isinstance(op, scf.ForOp):
        return 1
    numbers = [_known(value) for value in (op.lb, op.ub, op.step)]
    low, high, step = numbers
    if low is None or high is None or not step:
        return 1
    return max(0, -((low - high) // step))


def _known(value: SSAValue) -> int | None:
    owner = value.owner
    number = getattr(owner, "value", None) if isinstance(owner, Operation) else None
    data = getattr(getattr(number, "value", None), "data", None)
    return data if isinstance(data, int) else None
