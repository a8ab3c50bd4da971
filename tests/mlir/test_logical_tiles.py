"""Tiles that a design leaves open, placed by the simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from errors import CheckFailed
from simulator.mlir.design import Design

if TYPE_CHECKING:
    from tests.mlir.conftest import Simulate, Write


def places(*lines: str, device: str = "npu1") -> list[str]:
    body = "\n".join(f"    {line}" for line in lines)
    design = Design.parse(f"module {{\n  aie.device({device}) {{\n{body}\n  }}\n}}", "design.mlir")
    return [str(tile) for tile in design.tiles.values()]


def cores(*wanted: tuple[object, object]) -> list[str]:
    return [
        f"%c{number} = aie.logical_tile<CoreTile>({col}, {row})"
        for number, (col, row) in enumerate(wanted)
    ]


OPEN = ("?", "?")


def test_cores_take_free_tiles_in_turn() -> None:
    assert places("%t = aie.tile(0, 3)", *cores(OPEN, OPEN, (1, "?"), ("?", 5))) == [
        "tile(0,3)",
        "tile(0,2)",
        "tile(0,4)",
        "tile(1,2)",
        "tile(0,5)",
    ]


def test_memory_and_shim_tiles_take_columns_in_turn_and_are_shared() -> None:
    shims = [f"%s{n} = aie.logical_tile<ShimNOCTile>(?, ?)" for n in range(5)]
    mems = [f"%m{n} = aie.logical_tile<MemTile>(?, 1)" for n in range(2)]
    assert places(*shims, *mems, "%f = aie.logical_tile<MemTile>(3, ?)") == [
        *(f"tile({col},0)" for col in (0, 1, 2, 3, 0)),
        "tile(0,1)",
        "tile(1,1)",
        "tile(3,1)",
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (cores(*[OPEN] * 5), "no CoreTile is free on npu1_1col"),
        (cores(("?", 1)), "no CoreTile is free on npu1_1col"),
        (["%p = aie.logical_tile<ShimPLTile>(?, ?)"], "a logical tile of kind ShimPLTile"),
    ],
)
def test_refused(lines: list[str], message: str) -> None:
    with pytest.raises(CheckFailed, match=message):
        places(*lines, device="npu1_1col")


def test_a_design_without_a_place(simulate: Simulate, write: Write) -> None:
    fifo = "!aie.objectfifo<memref<16xi32>>"
    text = write.design(
        f"""
    %core = aie.logical_tile<CoreTile>(?, ?)
    %from = aie.logical_tile<ShimNOCTile>(?, ?)
    %to = aie.logical_tile<ShimNOCTile>(?, ?)
    aie.objectfifo @in(%from, {{%core}}, 2 : i32) : {fifo}
    aie.objectfifo @out(%core, {{%to}}, 2 : i32) : {fifo}"""
        + write.copy_core("%core", "in", "out", 16)
        + write.sequence({"x": 64, "y": 64}, {"in": ("x", 0, 64), "out": ("y", 0, 64)}, ("out",))
    )
    text = "\n".join(line for line in text.split("\n") if not line.strip().startswith("%t0"))
    x, y = write.ramp(64), np.zeros(64, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, x)
