"""The aie and aiex dialects of mlir-aie, as far as designs for an NPU use them.

Both the syntax of release 1.4 and the older ones that its examples and tests used before
are read. Facts: the dialect definitions AIEOps.td, AIEAttrs.td and AIEX.td of mlir-aie.
"""

from __future__ import annotations

from xdsl.context import Context
from xdsl.dialects.affine import Affine
from xdsl.dialects.builtin import Builtin
from xdsl.dialects.cf import Cf
from xdsl.dialects.func import Func
from xdsl.dialects.math import Math
from xdsl.ir import Dialect

from simulator.mlir.dialects import (
    broadcasts,
    device,
    dma,
    npu,
    objectfifo,
    parameters,
    sequence,
    storage,
    streams,
    trace,
)
from simulator.mlir.dialects.arith import Arith
from simulator.mlir.dialects.attributes import ATTRIBUTES
from simulator.mlir.dialects.memref import MemRef
from simulator.mlir.dialects.scf import Scf
from simulator.mlir.dialects.vector import Vector

_MODULES = (broadcasts, device, dma, npu, objectfifo, parameters, sequence, storage, streams, trace)
_OPERATIONS = [operation for module in _MODULES for operation in module.OPERATIONS]


def _dialect(name: str) -> Dialect:
    return Dialect(
        name,
        [operation for operation in _OPERATIONS if operation.dialect_name() == name],
        [attribute for attribute in ATTRIBUTES if attribute.name.startswith(f"{name}.")],
    )


Aie = _dialect("aie")
Aiex = _dialect("aiex")


def context() -> Context:
    """Return an xDSL context with every dialect that a design may use."""
    result = Context()
    for dialect in (Aie, Aiex, Affine, Arith, Builtin, Cf, Func, Math, MemRef, Scf, Vector):
        result.load_dialect(dialect)
    return result
