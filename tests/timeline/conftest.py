"""Small designs on a simulated array with a recorder."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest

from simulator.array.deadlock import Deadlock
from simulator.simulation import Run, Simulation
from simulator.timeline.collect import Collector
from simulator.timeline.records import Timeline

CLOCK = 1_000_000_000

COPY = """
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    %core = aie.tile(0, 2)
    %other = aie.tile(0, 3)
    aie.objectfifo @of_in(%shim, {%mem}, 2 : i32) : !aie.objectfifo<memref<SIZExi32>>
    aie.objectfifo @of_both(%mem, {%core, %other}, 2 : i32) : !aie.objectfifo<memref<SIZExi32>>
    aie.objectfifo.link [@of_in] -> [@of_both]([] [])
    aie.objectfifo @of_out(%core, {%shim}, 2 : i32) : !aie.objectfifo<memref<SIZExi32>>
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %size = arith.constant SIZE : index
      %max = arith.constant 9223372036854775807 : index
      scf.for %i = %c0 to %max step %c1 {
        %va = aie.objectfifo.acquire @of_both(Consume, 1) : !aie.objectfifosubview<memref<SIZExi32>>
        %a = aie.objectfifo.subview.access %va[0]
            : !aie.objectfifosubview<memref<SIZExi32>> -> memref<SIZExi32>
        %vc = aie.objectfifo.acquire @of_out(Produce, 1) : !aie.objectfifosubview<memref<SIZExi32>>
        %c = aie.objectfifo.subview.access %vc[0]
            : !aie.objectfifosubview<memref<SIZExi32>> -> memref<SIZExi32>
        scf.for %j = %c0 to %size step %c1 {
          %x = memref.load %a[%j] : memref<SIZExi32>
          memref.store %x, %c[%j] : memref<SIZExi32>
        }
        aie.objectfifo.release @of_both(Consume, 1)
        aie.objectfifo.release @of_out(Produce, 1)
      }
      aie.end
    }
    aie.core(%other) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %max = arith.constant 9223372036854775807 : index
      scf.for %i = %c0 to %max step %c1 {
        %va = aie.objectfifo.acquire @of_both(Consume, 1) : !aie.objectfifosubview<memref<SIZExi32>>
        aie.objectfifo.release @of_both(Consume, 1)
      }
      aie.end
    }
    aie.runtime_sequence(%source: memref<TOTALxi32>, %target: memref<TOTALxi32>) {
      aiex.npu.dma_memcpy_nd(%source[0, 0, 0, 0][1, 1, 1, TOTAL][0, 0, 0, 1])
          {id = 0 : i64, metadata = @of_in} : memref<TOTALxi32>
      aiex.npu.dma_memcpy_nd(%target[0, 0, 0, 0][1, 1, 1, TOTAL][0, 0, 0, 1])
          {id = 1 : i64, metadata = @of_out} : memref<TOTALxi32>
      aiex.npu.dma_wait {symbol = @of_out}
    }
  }
}
"""
"""Through a memory tile to two cores; one copies to the host, `TOTAL` words in `SIZE` a time."""

Traced: TypeAlias = Callable[..., tuple[Timeline, Run]]
Plain: TypeAlias = Callable[[int, int], Run]


def design(size: int, rounds: int) -> str:
    """Return the text for `rounds` objects of `size` words."""
    return COPY.replace("TOTAL", str(size * rounds)).replace("SIZE", str(size))


@pytest.fixture(scope="session")
def traced() -> Traced:
    """Return a function that runs the design and gives its timeline beside what the run says."""

    def run(size: int = 16, rounds: int = 4, limit: int = 50_000) -> tuple[Timeline, Run]:
        collector = Collector(limit)
        source = np.arange(size * rounds, dtype=np.int32)
        target = np.zeros_like(source)
        done = Simulation(design(size, rounds), recorder=collector).run([source, target])
        assert np.array_equal(source, target)
        return collector.timeline(f"copy {size} x {rounds}", CLOCK), done

    return run


@pytest.fixture(scope="session")
def plain() -> Plain:
    """Return a function that runs the design without a recorder."""

    def run(size: int, rounds: int) -> Run:
        arrays = [np.zeros(size * rounds, np.int32) for _ in range(2)]
        return Simulation(design(size, rounds)).run(arrays)

    return run


@pytest.fixture(scope="session")
def deadlock() -> tuple[Deadlock, Timeline]:
    """Return the deadlock of a core that forgets a release, and what happened up to it."""
    text = design(16, 4).replace("        aie.objectfifo.release @of_out(Produce, 1)\n", "")
    collector = Collector()
    with pytest.raises(Deadlock) as failure:
        Simulation(text, recorder=collector).run([np.zeros(64, np.int32), np.zeros(64, np.int32)])
    return failure.value, collector.timeline("forgetful copy", CLOCK)
