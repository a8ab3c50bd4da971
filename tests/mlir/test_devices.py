"""Several devices in one text: chosen by name, or loaded one after the other by a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from errors import CheckFailed, UsageError
from simulator import Simulation

if TYPE_CHECKING:
    from tests.mlir.conftest import Simulate


def adder(name: str, value: int, load: str = "") -> str:
    """Return a device whose core adds `value` to 4 elements."""
    return f"""
  aie.device(npu1) @{name} {{
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @in(%shim, {{%core}}, 1 : i32) : !aie.objectfifo<memref<4xi32>>
    aie.objectfifo @out(%core, {{%shim}}, 1 : i32) : !aie.objectfifo<memref<4xi32>>
    aie.core(%core) {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      %k = arith.constant {value} : i32
      %a = aie.objectfifo.acquire @in(Consume, 1) : memref<4xi32>
      %b = aie.objectfifo.acquire @out(Produce, 1) : memref<4xi32>
      scf.for %i = %c0 to %c4 step %c1 {{
        %v = memref.load %a[%i] : memref<4xi32>
        %w = arith.addi %v, %k : i32
        memref.store %w, %b[%i] : memref<4xi32>
      }}
      aie.objectfifo.release @in(Consume, 1)
      aie.objectfifo.release @out(Produce, 1)
      aie.end
    }}
    aie.runtime_sequence @add(%x: memref<4xi32>) {{
      {load}
      %in = aiex.dma_configure_task_for @in {{
        aie.dma_bd(%x : memref<4xi32>, 0, 4)
        aie.end
      }}
      %out = aiex.dma_configure_task_for @out {{
        aie.dma_bd(%x : memref<4xi32>, 0, 4)
        aie.end
      }} {{issue_token = true}}
      aiex.dma_start_task(%in)
      aiex.dma_start_task(%out)
      aiex.dma_await_task(%out)
    }}
  }}"""


def conductor(*lines: str) -> str:
    body = "\n      ".join(lines)
    return (
        "\n  aie.device(npu1) @main {\n    aie.runtime_sequence @all(%x: memref<8xi32>) {\n"
        f"      {body}\n    }}\n  }}"
    )


VIEW = """%s{n} = memref.subview %x[{at}] [4] [1] : memref<8xi32> to memref<4xi32, strided<[1], offset: {at}>>
      %v{n} = memref.reinterpret_cast %s{n} to offset: [0], sizes: [4], strides: [1]
          : memref<4xi32, strided<[1], offset: {at}>> to memref<4xi32>
      aiex.run @add(%v{n}) : (memref<4xi32>)"""  # noqa: E501


def test_a_device_by_its_name() -> None:
    text = adder("two", 2) + adder("three", 3)
    for name, value in (("two", 2), ("three", 3)):
        x = np.arange(4, dtype=np.int32)
        Simulation(text, device=name).run([x])
        np.testing.assert_array_equal(x, np.arange(4) + value)


def test_a_sequence_that_loads_devices(simulate: Simulate) -> None:
    """Each load starts the cores anew; the second run of @two needs it."""
    text = adder("two", 2) + adder("three", 3)
    text += conductor(
        f"aiex.configure @two {{ {VIEW.format(n=0, at=0)} }}",
        f"aiex.configure @three {{ {VIEW.format(n=1, at=4)} }}",
        f"aiex.configure @two {{ {VIEW.format(n=2, at=0)} }}",
    )
    x = np.arange(8, dtype=np.int32)
    simulate(text, x)
    np.testing.assert_array_equal(x, np.arange(8) + np.repeat([4, 3], 4))


def test_a_device_that_loads_itself(simulate: Simulate) -> None:
    x = np.arange(4, dtype=np.int32)
    simulate(adder("two", 2, "aiex.npu.load_pdi {device_ref = @two}"), x)
    np.testing.assert_array_equal(x, np.arange(4) + 2)


def test_several_devices_without_a_choice() -> None:
    with pytest.raises(UsageError) as error:
        Simulation(adder("two", 2) + adder("three", 3))
    assert str(error.value).splitlines() == [
        "[NPU113] design.mlir has 2 devices, and none was chosen",
        "  -> choose one of: two, three",
    ]
    with pytest.raises(UsageError, match="@tow; did you mean two"):
        Simulation(adder("two", 2), device="tow")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["aiex.configure @tow { }"], "there is no aie.device @tow; did you mean two?"),
        (
            ["aiex.configure @two { aiex.run @ad(%x) : (memref<8xi32>) }"],
            "the device has no runtime sequence @ad; did you mean add?",
        ),
        (
            ["aiex.configure @two { }", "aiex.npu.load_pdi {device_ref = @two}"],
            "going on with another device's PDI outside of aiex.configure is not supported by "
            "the simulator yet",
        ),
    ],
)
def test_refused(lines: list[str], message: str) -> None:
    text = adder("two", 2) + conductor(*lines)
    with pytest.raises(CheckFailed) as error:
        Simulation(text).run([np.zeros(8, np.int32)])
    assert error.value.message.partition(": ")[2] == message
