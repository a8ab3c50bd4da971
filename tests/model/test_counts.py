"""The model's counts of a call are those of a simulated run, to the cycle and the word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from errors import CheckFailed, LabError
from kernels import registry
from runtime.model.balance import Balance, balance
from runtime.model.buffering import pools
from runtime.model.core_work import core_work
from runtime.model.latency import Latencies
from runtime.model.traffic import host_work
from simulator import Simulation
from simulator.array.host import PushTask
from simulator.mlir.lower import Lowered, lower
from toolchain.build import build
from toolchain.unit import Unit


def counted(design: str, estimates: dict[str, int]) -> tuple[Balance, Lowered]:
    lowered = lower(design)
    host = host_work(lowered.configuration, lowered.commands(lowered.sequence(None)))
    works = [core_work(program, estimates) for program in lowered.programs]
    return balance(lowered.configuration, host, works, "the design"), lowered


@pytest.mark.parametrize(
    "title",
    [
        "gelu_int8/512",
        "matmul_int8/16x16x16",
        "softmax_bf16/8x64",
        "ln_softmax_gelu/1x1024",
        "attention_bf16/64x64",
        "matmul_int8_array/64x48x128-i8-16x16x16",
        pytest.param("ffn_int8/72x256x512-16x32x32", marks=pytest.mark.slow),
        pytest.param("conv1d_bf16/136x16x64-16x16x16", marks=pytest.mark.slow),
        pytest.param("mel_int16/24-2x3", marks=pytest.mark.slow),
    ],
)
def test_counts_are_those_of_a_run(title: str) -> None:
    (kernel,) = registry.find(title)
    estimates = {function.symbol: function.cycles for function in kernel.functions()}
    found, _ = counted(kernel.design(), estimates)
    (result,) = build([Unit.from_kernel(kernel)])
    assert result.build is not None, result.errors
    simulation = Simulation(result.build.design, result.build.libraries, result.build.cycles)
    case = next(kernel.demo())
    arrays = [
        case.inputs[arg.name].copy() if arg.role.is_read else np.zeros(arg.shape, arg.dtype)
        for arg in kernel.args()
    ]
    work = simulation.run(arrays).stats.work
    assert {tile: round(found.core(tile).computing) for tile in found.cores} == work.cores
    for channel, use in work.channels.items():
        assert round(found.words(channel)) == use.words, channel


DESIGN = """module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @of_in(%shim, {%core}, DEPTH : i32) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @of_out(%core, {%shim}, DEPTH : i32) : !aie.objectfifo<memref<64xi32>>
    func.func private @work(memref<64xi32>, memref<64xi32>) attributes {link_with = "k.o"}
    %c = aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = arith.constant 9223372036854775807 : index
      scf.for %i = %c0 to %n step %c1 {
        %v = aie.objectfifo.acquire @of_in(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %a = aie.objectfifo.subview.access %v[0] : !aie.objectfifosubview<memref<64xi32>>
          -> memref<64xi32>
        %w = aie.objectfifo.acquire @of_out(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %b = aie.objectfifo.subview.access %w[0] : !aie.objectfifosubview<memref<64xi32>>
          -> memref<64xi32>
        BODY
        aie.objectfifo.release @of_in(Consume, 1)
        aie.objectfifo.release @of_out(Produce, 1)
      }
      aie.end
    }
    aie.runtime_sequence(%in: memref<640xi32>, %out: memref<640xi32>) {
      aiex.npu.dma_memcpy_nd(%in[0, 0, 0, 0][1, 1, 1, 640][0, 0, 0, 1])
        {id = 0 : i64, metadata = @of_in} : memref<640xi32>
      aiex.npu.dma_memcpy_nd(%out[0, 0, 0, 0][1, 1, 1, SENT][0, 0, 0, 1])
        {id = 1 : i64, issue_token = true, metadata = @of_out} : memref<640xi32>
      aiex.npu.dma_wait {symbol = @of_out}
    }
  }
}
"""
CALL = "func.call @work(%a, %b) : (memref<64xi32>, memref<64xi32>) -> ()"


def design(depth: int = 2, body: str = CALL, sent: int = 640) -> str:
    return DESIGN.replace("DEPTH", str(depth)).replace("BODY", body).replace("SENT", str(sent))


@pytest.mark.parametrize(("depth", "overlaps"), [(1, False), (2, True)])
def test_one_object_adds_what_two_overlap(depth: int, overlaps: bool) -> None:
    """10 objects of 64 words, and 100 cycles of the core for each."""
    found, lowered = counted(design(depth), {"work": 100})
    (tile,) = found.cores
    held = pools(lowered.configuration, lowered.programs, found).values()
    busiest = max(pool.cycles for pool in held)
    core, moved = found.core(tile).computing, 10 * 64
    assert core == 1000
    if overlaps:
        assert busiest < core
    else:
        assert busiest > core + moved


def test_a_core_that_branches_on_data_is_refused() -> None:
    branch = f"""%x = memref.load %a[%c0] : memref<64xi32>
        %zero = arith.constant 0 : i32
        %is = arith.cmpi sgt, %x, %zero : i32
        scf.if %is {{ {CALL} }}"""
    with pytest.raises(CheckFailed) as refused:
        counted(design(body=branch), {"work": 100})
    assert refused.value.code == "NPU261"
    message = str(refused.value)
    assert "cannot count what the core of tile(0,2) does: it has a branch on" in message
    assert "npulab trace" in message


def test_a_release_of_a_computed_amount_is_refused() -> None:
    body = f"""{CALL}
        %turn = arith.index_cast %i : index to i32
        aie.use_lock(%lock, Release, %turn)"""
    lock = "%lock = aie.lock(%core, 15) {init = 0 : i32}\n    %c = aie.core"
    with pytest.raises(CheckFailed) as refused:
        counted(design(body=body).replace("%c = aie.core", lock), {"work": 100})
    assert refused.value.code == "NPU261"
    assert "a step that depends on data" in str(refused.value)


def test_a_task_of_a_descriptor_that_nobody_wrote_is_refused() -> None:
    lowered = lower(design())
    commands = lowered.commands(lowered.sequence(None))
    pushes = (command for command in commands if isinstance(command, PushTask))
    with pytest.raises(CheckFailed) as refused:
        host_work(lowered.configuration, pushes)
    assert refused.value.code == "NPU261"
    assert "nothing writes descriptor 0" in str(refused.value)


def test_every_design_of_the_tests_is_counted_or_refused_by_name() -> None:
    done = 0
    for path in sorted(Path(__file__).parents[1].rglob("*.mlir")):
        try:
            lowered = lower(path.read_text(), path.name)
        except LabError:
            continue
        for sequence in lowered.design.sequences.values():
            try:
                host = host_work(lowered.configuration, lowered.commands(sequence))
                works = [core_work(program, {}) for program in lowered.programs]
                found = balance(lowered.configuration, host, works, path.name)
            except LabError:
                continue
            latencies = Latencies(lowered.configuration, host, found)
            actors = [*found.chains, *found.cores]
            assert all(latencies.fill(one) >= 0 <= latencies.drain(one) for one in actors)
            pools(lowered.configuration, lowered.programs, found)
            done += 1
    assert done > 10


def test_words_that_do_not_balance_are_refused() -> None:
    with pytest.raises(CheckFailed) as refused:
        counted(design(sent=320), {"work": 100})
    assert refused.value.code == "NPU262"
    assert "cannot count the rounds of the design" in str(refused.value)
