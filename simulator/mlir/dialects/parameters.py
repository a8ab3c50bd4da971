"""Runtime sequences whose numbers come with the run: their checks, and scratchpad parameters.

Scratchpad parameters need a firmware that a Phoenix does not have; the operations are read so
that such a design is refused where it uses one.
"""

from __future__ import annotations

from xdsl.dialects.builtin import SymbolNameConstraint, SymbolRefAttr
from xdsl.irdl import irdl_op_definition, prop_def, result_def, traits_def
from xdsl.traits import SymbolOpInterface

from simulator.mlir.dialects.npu import RegisterOperation
from simulator.mlir.dialects.syntax import AieOperation


@irdl_op_definition
class NpuUpdateFromScratchpadOp(RegisterOperation):
    """Adds an entry of the scratchpad to a word of a tile's memory."""

    name = "aiex.npu.update_from_scratchpad"


@irdl_op_definition
class NpuAssertBdFieldOp(RegisterOperation):
    """Gives up where a number does not fit the field of a descriptor: at most `max`."""

    name = "aiex.npu.assert_bd_field"


@irdl_op_definition
class NpuAssertBdDivisibleOp(RegisterOperation):
    """Gives up where a number is no multiple of `divisor`."""

    name = "aiex.npu.assert_bd_divisible"


@irdl_op_definition
class ScratchpadParameterOp(AieOperation):
    """Declares a number that the host sets before a run, where the firmware can do that."""

    name = "aiex.scratchpad_parameter"

    sym_name = prop_def(SymbolNameConstraint())
    type = prop_def()
    traits = traits_def(SymbolOpInterface())

    assembly_format = "$sym_name `:` $type attr-dict"


@irdl_op_definition
class ReadScratchpadParameterOp(AieOperation):
    """Reads such a number in a core."""

    name = "aiex.read_scratchpad_parameter"

    parameter = prop_def(SymbolRefAttr)
    result = result_def()

    assembly_format = "$parameter attr-dict `:` type($result)"


@irdl_op_definition
class SyncScratchpadOp(RegisterOperation):
    """Lets the cores see the numbers that the host has set."""

    name = "aiex.sync_scratchpad_parameters_from_host"


OPERATIONS = [
    NpuAssertBdDivisibleOp,
    NpuAssertBdFieldOp,
    NpuUpdateFromScratchpadOp,
    ReadScratchpadParameterOp,
    ScratchpadParameterOp,
    SyncScratchpadOp,
]
