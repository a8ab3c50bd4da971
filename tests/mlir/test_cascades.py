"""Cascades between cores: flows and settings of their sides, values of 512 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from errors import CheckFailed
from simulator import Simulation

if TYPE_CHECKING:
    from tests.mlir.conftest import Simulate, Write

VECTOR = "vector<16xi32>"


def chain(write: Write, wiring: str, type_: str = VECTOR, middle: str = "") -> str:
    """Return a design: tile(0,3) puts 4 vectors, tile(1,3) adds 1 or 100, tile(1,2) stores them."""
    head = """
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c4 = arith.constant 4 : index
        %c16 = arith.constant 16 : index
        scf.for %i = %c0 to %c4 step %c1 {
          %at = arith.muli %i, %c16 : index"""
    middle = (
        middle
        or f"""
          %got = aie.get_cascade() : {VECTOR}
          %one = arith.constant dense<1> : {VECTOR}
          %sum = arith.addi %got, %one : {VECTOR}
          aie.put_cascade(%sum : {VECTOR})"""
    )
    return write.design(
        f"""
      {wiring}
      aie.objectfifo @in(%shim0, {{%t03}}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
      aie.objectfifo @out(%t12, {{%shim0}}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
      aie.core(%t03) {{
        %x = aie.objectfifo.acquire @in(Consume, 1) : memref<64xi32>{head}
          %v = vector.load %x[%at] : memref<64xi32>, {VECTOR}
          %w = vector.bitcast %v : {VECTOR} to {type_}
          aie.put_cascade(%w : {type_})
        }}
        aie.objectfifo.release @in(Consume, 1)
        aie.end
      }}
      aie.core(%t13) {{{head}{middle}
        }}
        aie.end
      }}
      aie.core(%t12) {{
        %y = aie.objectfifo.acquire @out(Produce, 1) : memref<64xi32>{head}
          %got = aie.get_cascade() : {VECTOR}
          vector.store %got, %y[%at] : memref<64xi32>, {VECTOR}
        }}
        aie.objectfifo.release @out(Produce, 1)
        aie.end
      }}"""
        + write.sequence({"x": 64, "y": 64}, {"in": ("x", 0, 64), "out": ("y", 0, 64)}, ("out",))
    )


FLOWS = "aie.cascade_flow(%t03, %t13)\n aie.cascade_flow(%t13, %t12)"
SIDES = """aie.configure_cascade(%t03, North, East)
      aie.configure_cascade(%t13, West, South)
      aie.configure_cascade(%t12, North, South)"""


@pytest.mark.parametrize("wiring", [FLOWS, SIDES], ids=["flows", "sides"])
@pytest.mark.parametrize("type_", [VECTOR, "vector<32xbf16>", "vector<64xi8>"])
def test_a_chain_of_three_cores(write: Write, simulate: Simulate, wiring: str, type_: str) -> None:
    x, y = write.ramp(64), np.zeros(64, np.int32)
    simulate(chain(write, wiring, type_), x, y)
    np.testing.assert_array_equal(y, x + 1)


def test_a_value_passed_on_as_512_bits(write: Write, simulate: Simulate) -> None:
    middle = "\n%got = aie.get_cascade() : i512\naie.put_cascade(%got : i512)"
    x, y = write.ramp(64), np.zeros(64, np.int32)
    simulate(chain(write, FLOWS, middle=middle), x, y)
    np.testing.assert_array_equal(y, x)


def test_a_cascade_that_nobody_feeds(write: Write) -> None:
    x, y = write.ramp(64), np.zeros(64, np.int32)
    with pytest.raises(CheckFailed) as error:
        Simulation(chain(write, "aie.cascade_flow(%t13, %t12)")).run([x, y])
    assert error.value.code == "NPU226"
    assert "no route leaves tile(0,3) Cascade:0" in str(error.value)


REFUSED: dict[str, tuple[str, str, str]] = {
    "not neighbours": (
        "aie.cascade_flow(%t03, %t23)",
        "NPU106",
        "no cascade leads from tile(0,3) to tile(2,3)",
    ),
    "upwards": (
        "aie.cascade_flow(%t03, %t04)",
        "NPU106",
        "no cascade leads from tile(0,3) to tile(0,4)",
    ),
    "memory tile": (
        "aie.cascade_flow(%t02, %mem0)",
        "NPU106",
        "tile(0,1) has no cascade",
    ),
    "input side": (
        "aie.configure_cascade(%t03, East, South)",
        "NPU106",
        "the cascade of tile(0,3) comes from East and goes to South",
    ),
    "two outputs": (
        "aie.cascade_flow(%t03, %t13)\n aie.cascade_flow(%t03, %t02)",
        "NPU109",
        "the cascade output of tile(0,3) is South, and line ",
    ),
    "two inputs": (
        "aie.cascade_flow(%t03, %t13)\n aie.cascade_flow(%t14, %t13)",
        "NPU109",
        "the cascade input of tile(1,3) is North, and line ",
    ),
    "width": (
        "aie.core(%t02) {\n %v = aie.get_cascade() : i384\n aie.end\n }",
        "NPU109",
        "aie.get_cascade of i384, and the cascade carries 512 bits at a time",
    ),
    "width of a vector": (
        "aie.core(%t02) {\n %v = aie.get_cascade() : vector<8xi32>\n aie.end\n }",
        "NPU109",
        "aie.get_cascade of vector<8xi32>, and the cascade carries 512 bits at a time",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(write: Write, case: str) -> None:
    text, code, message = REFUSED[case]
    with pytest.raises(CheckFailed) as error:
        Simulation(write.design(text))
    assert error.value.code == code
    assert message in error.value.message
