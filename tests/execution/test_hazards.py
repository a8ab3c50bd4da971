"""The exposed pipeline: who sees which value when, and where control goes."""

from __future__ import annotations

import pytest

from simulator.aie2.assembler import assemble
from tests.execution.machine import DATA, OWN, Core, execute

NOPS = "nop\n"


def delayed(producer: str, wait: int, **registers: int) -> tuple[int, int]:
    """Return what a move reads `wait` cycles after `producer` wrote r1, and r1 in the end."""
    core = execute(
        f"{producer}\n{NOPS * (wait - 1)}mov r9, r1\n{NOPS * 8}", r1=1111, p0=DATA, **registers
    )
    return int(core["r9"]), int(core["r1"])


@pytest.mark.parametrize(
    ("producer", "latency", "result"),
    [
        ("add r1, r2, r3", 1, 12),
        ("mul r1, r2, r3", 2, 35),
        ("mova r1, #9", 1, 9),
        ("movxm r1, #70000", 1, 70000),
        ("mov.d1 r1, r2", 2, 5),
        ("mov.d6 r1, r2", 7, 5),
        ("lda r1, [p0]", 7, 0),
        ("lda.u8 r1, [p0, #0]", 7, 0),
        ("vextract.s32 r1, x0, r16", 2, 0),
        ("vlt.s32 r17, x0, x1", 2, None),
    ],
)
def test_a_result_is_seen_after_its_latency_and_not_before(
    producer: str, latency: int, result: int | None
) -> None:
    if result is None:  # written to r17: read it from there
        core = execute(f"{producer}\nmov r8, r17\nmov r9, r17", r17=77)
        assert (core["r8"], core["r9"]) == (77, 0)
        return
    producer = producer.replace("[p0]", "[p0, #0]")
    for wait in range(1, 9):
        read, end = delayed(producer, wait, r2=5, r3=7)
        assert read == (result if wait >= latency else 1111), f"{wait} cycles after"
        assert end == result


def test_bundles_read_before_they_write() -> None:
    core = execute("mov r1, r2; add r2, r1, r3", r1=10, r2=20, r3=1)
    assert (core["r1"], core["r2"]) == (20, 11)


def test_a_branch_takes_effect_after_five_delay_slots() -> None:
    core = execute(
        "j #there\n" + "add r0, r0, #1\n" * 5 + "add r0, r0, #16\n.align 16\nthere:\nnop"
    )
    assert core["r0"] == 5


@pytest.mark.parametrize(("branch", "taken"), [("jz r1", False), ("jnz r1", True)])
def test_conditional_branches(branch: str, taken: bool) -> None:
    core = execute(f"{branch}, #there\n{NOPS * 5}mova r0, #7\n.align 16\nthere:\nnop", r1=3)
    assert core["r0"] == (0 if taken else 7)


def test_jnzd_counts_down_and_goes_while_what_is_left_is_not_zero() -> None:
    loop = (
        "movxm p1, #again\nmova r1, #4\n.align 16\nagain:\nadd r0, r0, #1\njnzd r1, r1, p1\n"
        + NOPS * 5
    )
    core = execute(loop)
    assert (core["r0"], core["r1"]) == (4, 0)


def test_a_call_returns_behind_its_delay_slots_and_sets_lr_after_four_cycles() -> None:
    core = execute(
        "jl #callee\nmov r1, lr\nmov r2, lr\nmov r3, lr\nmov r4, lr\nnop\n"
        ".align 16\nback:\nmovxm r6, #back\nj #end\n" + NOPS * 5 + ".align 16\ncallee:\n"
        "mov r5, lr\nret lr\n" + NOPS * 5 + ".align 16\nend:\nnop",
        lr=0x40,
    )
    assert [core[f"r{n}"] for n in (1, 2, 3)] == [0x40] * 3
    assert core["r4"] == core["r5"] == core["r6"] == core["lr"]


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_zero_overhead_loop_runs_its_count(count: int) -> None:
    core = Core()
    cycles = core.run(
        assemble(
            f"__start:\nmovxm ls, #first\nmovxm le, #last\nmova lc, #{count}\n{NOPS * 42}"
            f".align 16\nfirst:\nadd r0, r0, #1\n{NOPS * 6}.align 16\nlast:\nadd r1, r1, #2\n"
            f".align 16\ndone\n{NOPS * 5}",
            "loop.s",
        )
    )
    assert (core["r0"], core["r1"], core["lc"]) == (count, 2 * count, 0)
    assert cycles > 8 * count


def test_a_stall_in_delay_slots_resumes_there_and_moves_nothing_in_flight() -> None:
    """The load's old value is read behind the lock although the lock took long."""
    order: list[int] = []
    core = Core(locks={48: 1})
    core.memory[DATA - OWN] = 42
    text = (
        "__start:\nmova r2, #-1\nlda r1, [p0, #0]\nj #there\nacq #48, r2\nmov r3, r1\n"
        "nop\nnop\nmov r4, r1\nmova r0, #9\n.align 16\nthere:\nmov r5, r1\ndone\n" + NOPS * 5
    )
    core.run(assemble(text, "stall.s"), setup={"p0": DATA, "r1": 7}, waits=order.append)
    assert order == [48]
    assert [core[f"r{n}"] for n in (3, 4, 5, 0)] == [7, 7, 42, 0]


def test_a_bundle_may_read_one_stream_and_write_another() -> None:
    core = Core(stream=[41])
    text = f"__start:\nmov r0, SS; mov ms, r1\n{NOPS * 7}done\n{NOPS * 5}"
    core.run(assemble(text, "t.s"), setup={"r1": 7})
    assert core["r0"] == 41
    assert core.events == [("stream", 7, 0)]


@pytest.mark.parametrize(("condition", "events"), [(0, []), (1, ["acquire", "release"])])
def test_conditional_locks(condition: int, events: list[str]) -> None:
    core = Core(locks={50: 2})
    text = f"__start:\nacq.cond #50, r1, r26\nrel.cond #51, r2, r26\ndone\n{NOPS * 5}"
    core.run(assemble(text, "t.s"), setup={"r1": -2, "r2": 1, "r26": condition})
    assert [event[0] for event in core.events] == events


def test_a_lock_number_may_be_in_a_register() -> None:
    core = Core(locks={50: 1})
    text = f"__start:\nacq r0, r1\nrel r0, r2\ndone\n{NOPS * 5}"
    core.run(assemble(text, "t.s"), setup={"r0": 50, "r1": -1, "r2": 3})
    assert core.locks == {50: 3}


def test_the_cascade_moves_512_bits() -> None:
    core = Core()
    text = f"__start:\nvmov x0, SCD\n{NOPS * 6}vmov MCD, x0\ndone\n{NOPS * 5}"
    core.run(assemble(text, "t.s"))
    assert bytes(core["x0"]) == b"".join(n.to_bytes(4, "little") for n in range(16))  # type: ignore[arg-type]
    assert core.events == [("cascade", 0, 16)]


def test_the_counter_counts_cycles() -> None:
    assert execute("nop\nmov r17:r16, cntr")["r16"] == 1


def test_the_bypass_shows_a_vector_result_a_cycle_earlier_to_those_on_it() -> None:
    """vadd to vadd takes one cycle, vadd to a store two."""
    ones = (1).to_bytes(4, "little") * 16
    core = execute(
        "vadd.32 x2, x0, x0\nvadd.32 x3, x2, x0; vst wl2, [p0, #0]\nvst wl2, [p0, #32]",
        x0=ones,
        p0=DATA,
    )
    assert bytes(core["x3"])[:4] == b"\x03\0\0\0"  # type: ignore[arg-type]
    assert core.words(DATA, 1) == [0]
    assert core.words(DATA + 32, 1) == [2]


def test_an_accumulator_is_read_two_stages_later_than_the_factors() -> None:
    """vmul and a vmac two cycles behind: the sum is there, the factors were read before."""
    ones = bytes([1]) * 64
    core = execute(
        f"vmul cm0, x0, x1, r0\nvclr cm1\nvmac cm0, cm0, x0, x1, r0\n{NOPS * 8}",
        x0=ones,
        x1=ones,
        r0=1 << 3 | 3 << 8,
    )
    assert bytes(core["cm0"])[:4] == (16).to_bytes(4, "little")  # type: ignore[arg-type]


def test_done_lets_stores_in_flight_arrive() -> None:
    core = execute("st.s8 r1, [p0, #0]", r1=0xAB, p0=DATA)
    assert core.words(DATA, 1) == [0xAB]
