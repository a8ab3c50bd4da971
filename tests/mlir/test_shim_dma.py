"""DMA programs of shim tiles that a design writes out itself, on external buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from errors import CheckFailed, UsageError
from simulator import Limits, Simulation, check

if TYPE_CHECKING:
    from tests.mlir.conftest import Write

LIMITS = Limits(max_cycles=100_000, max_seconds=20)

CORE = """
    %source = aie.external_buffer {sym_name = "source"} : memref<4x8xi32>
    %target = aie.external_buffer {sym_name = "target"} : memref<4x8xi32>
    aie.flow(%shim0, DMA : 0, %t02, DMA : 0)
    aie.flow(%t02, DMA : 0, %shim0, DMA : 0)
    %in = aie.buffer(%t02) {sym_name = "in"} : memref<8xi32>
    %out = aie.buffer(%t02) {sym_name = "out"} : memref<8xi32>
    %in_free = aie.lock(%t02, 0) {init = 1 : i32}
    %in_full = aie.lock(%t02, 1) {init = 0 : i32}
    %out_free = aie.lock(%t02, 2) {init = 1 : i32}
    %out_full = aie.lock(%t02, 3) {init = 0 : i32}
    aie.mem(%t02) {
      %0 = aie.dma_start(S2MM, 0, ^receive, ^next)
    ^receive:
      aie.use_lock(%in_free, AcquireGreaterEqual, 1)
      aie.dma_bd(%in : memref<8xi32>, 0, 8)
      aie.use_lock(%in_full, Release, 1)
      aie.next_bd ^receive
    ^next:
      %1 = aie.dma_start(MM2S, 0, ^send, ^end)
    ^send:
      aie.use_lock(%out_full, AcquireGreaterEqual, 1)
      aie.dma_bd(%out : memref<8xi32>, 0, 8)
      aie.use_lock(%out_free, Release, 1)
      aie.next_bd ^send
    ^end:
      aie.end
    }
    aie.core(%t02) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      %two = arith.constant 2 : i32
      %forever = arith.constant 9223372036854775807 : index
      scf.for %turn = %c0 to %forever step %c1 {
        aie.use_lock(%in_full, AcquireGreaterEqual, 1)
        aie.use_lock(%out_free, AcquireGreaterEqual, 1)
        scf.for %i = %c0 to %c8 step %c1 {
          %v = memref.load %in[%i] : memref<8xi32>
          %w = arith.muli %v, %two : i32
          memref.store %w, %out[%i] : memref<8xi32>
        }
        aie.use_lock(%in_free, Release, 1)
        aie.use_lock(%out_full, Release, 1)
      }
      aie.end
    }"""

ROWS = ("0, 16", "16, 16")
"""The two halves of the source, one descriptor each."""


def shim(sends: tuple[str, str] = ROWS, last: str = "^first", target: str = "0, 8") -> str:
    """Return a program that sends both halves when a lock says so, and receives row by row."""
    return f"""
    %go = aie.lock(%shim0, 0) {{init = 1 : i32, sym_name = "go"}}
    %half = aie.lock(%shim0, 1) {{init = 0 : i32}}
    aie.shim_dma(%shim0) {{
      %0 = aie.dma_start(MM2S, 0, ^first, ^next)
    ^first:
      aie.use_lock(%go, AcquireGreaterEqual, 1)
      aie.dma_bd(%source : memref<4x8xi32>, {sends[0]})
      aie.use_lock(%half, Release, 1)
      aie.next_bd ^second
    ^second:
      aie.use_lock(%half, AcquireGreaterEqual, 1)
      aie.dma_bd(%source : memref<4x8xi32>, {sends[1]})
      aie.next_bd {last}
    ^next:
      %1 = aie.dma_start(S2MM, 0, ^receive, ^end)
    ^receive:
      aie.dma_bd(%target : memref<4x8xi32>, {target})
      aie.next_bd ^receive1
    ^receive1:
      aie.dma_bd(%target : memref<4x8xi32>, 8, 24)
      aie.next_bd ^receive
    ^end:
      aie.end
    }}"""


AGAIN = """
    aie.runtime_sequence() {
      aiex.set_lock(%go, 1)
    }"""


def ramp() -> np.ndarray[Any, Any]:
    return np.arange(1, 33, dtype=np.int32).reshape(4, 8)


def test_there_and_back_without_a_sequence(write: Write) -> None:
    source, target = ramp(), np.zeros((4, 8), np.int32)
    external = {"source": source, "target": target}
    simulation = Simulation(write.design(CORE + shim()), limits=LIMITS, external=external)
    run = simulation.run([])
    assert run.warnings == ()
    assert run.written == []
    np.testing.assert_array_equal(target, 2 * ramp())
    np.testing.assert_array_equal(source, ramp())
    assert simulation.external("target") is target
    moved = {str(channel): use.words for channel, use in run.stats.work.channels.items()}
    assert moved["tile(0,0) MM2S:0"] == moved["tile(0,0) S2MM:0"] == 32


def test_zeros_unless_given(write: Write) -> None:
    simulation = Simulation(
        write.design(CORE + shim()), limits=LIMITS, external={"target": np.full(32, 7, np.int32)}
    )
    source = simulation.external("source")
    assert (source.shape, source.dtype, source.any()) == ((4, 8), np.int32, False)
    simulation.run([])
    assert not simulation.external("target").any()


def test_a_sequence_starts_another_round(write: Write) -> None:
    """The programs stay where they are between runs, and so does what the buffers hold."""
    simulation = Simulation(
        write.design(CORE + shim() + AGAIN), limits=LIMITS, external={"source": ramp()}
    )
    simulation.run([])
    simulation.external("source")[:] += 5
    run = simulation.run([])
    assert run.cycles > run.host_cycles
    np.testing.assert_array_equal(simulation.external("target"), 2 * (ramp() + 5))


def test_dimensions_of_a_shim_descriptor(write: Write) -> None:
    columns = "0, 16, [<size = 2, stride = 4>, <size = 4, stride = 8>, <size = 2, stride = 1>]"
    text = write.design(CORE + shim((columns, "16, 16")))
    simulation = Simulation(text, limits=LIMITS, external={"source": ramp()})
    simulation.run([])
    pairs = ramp().reshape(4, 4, 2)[:, [0, 2]].transpose(1, 0, 2).reshape(-1)
    sent = np.concatenate([pairs, ramp().reshape(-1)[16:]])
    np.testing.assert_array_equal(simulation.external("target").reshape(-1), 2 * sent)


def test_bfloat16_by_its_dtype(write: Write) -> None:
    text = CORE + '\n    %x = aie.external_buffer {sym_name = "x"} : memref<6xbf16>' + shim()
    assert Simulation(write.design(text)).external("x").dtype.name == "bfloat16"


def test_a_chain_that_ends_is_finished(write: Write) -> None:
    text = write.design(CORE + shim(last="^end"))
    simulation = Simulation(text, limits=LIMITS, external={"source": ramp()})
    assert simulation.run([]).warnings == ()
    np.testing.assert_array_equal(simulation.external("target"), 2 * ramp())


def test_part_of_a_transfer_is_a_finding(write: Write) -> None:
    text = write.design(CORE + shim(("0, 16", "16, 8")))
    with pytest.raises(CheckFailed) as error:
        Simulation(text, limits=LIMITS).run([])
    assert error.value.code == "NPU220"
    line = 1 + text.split("\n").index("      aie.dma_bd(%target : memref<4x8xi32>, 0, 8)")
    assert error.value.message == (
        f"the host program has ended, and tile(0,0) S2MM:0 (line {line}) has 1 unfinished task"
    )


def test_a_program_that_never_rests_is_given_up(write: Write) -> None:
    endless = shim().replace("aie.use_lock(%go, AcquireGreaterEqual, 1)", "")
    with pytest.raises(CheckFailed, match="given up after 100000 cycles") as error:
        Simulation(write.design(CORE + endless), limits=LIMITS).run([])
    assert error.value.code == "NPU201"


def test_what_is_only_sent_may_be_read_only(write: Write) -> None:
    frozen = ramp()
    frozen.flags.writeable = False
    text = write.design(CORE + shim())
    simulation = Simulation(text, limits=LIMITS, external={"source": frozen})
    simulation.run([])
    np.testing.assert_array_equal(simulation.external("target"), 2 * ramp())
    with pytest.raises(UsageError, match="write host buffer target, which is read-only") as error:
        Simulation(text, limits=LIMITS, external={"target": frozen}).run([])
    assert error.value.code == "NPU213"


def test_an_iteration_stays_inside(write: Write) -> None:
    steps = "16, 16) {iteration = #aie.bd_iteration<size = 2, stride = 8>}"
    body = CORE + shim().replace("16, 16)", steps)
    with pytest.raises(CheckFailed) as error:
        check(write.design(body))
    assert error.value.code == "NPU205"
    assert error.value.message.endswith(
        "it reaches bytes 64..159, outside the 128 bytes of external buffer source"
    )


def test_resources_of_the_shim_tile(write: Write) -> None:
    use = next(t for t in check(write.design(CORE + shim()), complete=True).tiles if not t.tile[1])
    assert (use.kind, use.bds, use.bds_limit, use.locks) == ("shim", 4, 16, 2)
    assert (use.mm2s, use.s2mm, use.memory) == (1, 1, 0)


def test_no_more_than_16_descriptors(write: Write) -> None:
    chain = "\n".join(
        f"    ^bd{i}:\n      aie.dma_bd(%source : memref<4x8xi32>, 0, 8)\n"
        f"      aie.next_bd ^bd{i + 1}"
        for i in range(17)
    )
    body = f"{CORE}\n    aie.shim_dma(%shim0) {{\n      %0 = aie.dma_start(MM2S, 0, ^bd0, ^bd17)"
    text = write.design(f"{body}\n{chain}\n    ^bd17:\n      aie.end\n    }}")
    with pytest.raises(CheckFailed, match=r"tile\(0,0\) has 16 buffer descriptors") as error:
        check(text)
    assert error.value.code == "NPU121"


ARRAYS = {
    "too short": (
        {"source": np.zeros(16, np.int32)},
        "external buffer source is memref<4x8xi32> with 128 bytes, and the array has 64",
    ),
    "too long": (
        {"target": np.zeros(33, np.int32)},
        "external buffer target is memref<4x8xi32> with 128 bytes, and the array has 132",
    ),
    "with gaps": (
        {"target": np.zeros((8, 4), np.int32).T},
        "external buffer target is memref<4x8xi32> with 128 bytes, and the array has 128 and is "
        "not C-contiguous",
    ),
    "unknown": (
        {"targe": np.zeros(32, np.int32)},
        "the device has no external buffer targe; did you mean target?",
    ),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays_that_do_not_suit(write: Write, case: str) -> None:
    external, message = ARRAYS[case]
    with pytest.raises(UsageError) as error:
        Simulation(write.design(CORE + shim()), external=external)
    assert (error.value.code, error.value.message) == ("NPU161", message)


def test_a_name_that_is_not_there(write: Write) -> None:
    with pytest.raises(UsageError) as error:
        Simulation(write.design(CORE + shim())).external("nothing")
    assert error.value.message == "the device has no external buffer nothing"


REFUSED = {
    "outside": (
        shim(("0, 16", "24, 16")),
        "aie.dma_bd(%source : memref<4x8xi32>, 24, 16)",
        "NPU126",
        "offset 24 for 16 elements reaches element 39 of source, which has 32",
    ),
    "on a tile's buffer": (
        shim().replace("%target : memref<4x8xi32>, 0, 8", "%in : memref<8xi32>, 0, 8"),
        "aie.dma_bd(%in : memref<8xi32>, 0, 8)",
        "NPU105",
        "the DMA program of tile(0,0) moves something that is no aie.external_buffer of known size",
    ),
    "on a core tile": (
        "",
        "aie.dma_bd(%source : memref<4x8xi32>, 0, 8)",
        "NPU105",
        "the DMA of tile(0,2) does not reach external buffer source, which is host memory",
    ),
    "not on a shim tile": (
        shim().replace("aie.shim_dma(%shim0)", "aie.shim_dma(%mem0)"),
        "aie.shim_dma(%mem0) {",
        "NPU106",
        "aie.shim_dma is for shim tiles, and tile(0,1) is none",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(write: Write, case: str) -> None:
    program, marked, code, message = REFUSED[case]
    core = CORE
    if not program:
        core = CORE.replace("%in : memref<8xi32>, 0, 8)", "%source : memref<4x8xi32>, 0, 8)")
    text = write.design(core + program)
    lines = [line.strip() for line in text.split("\n")]
    line = len(lines) - lines[::-1].index(marked)
    with pytest.raises(CheckFailed) as error:
        check(text)
    assert (error.value.code, error.value.message) == (code, f"design.mlir:{line}: {message}")
