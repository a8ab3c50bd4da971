"""Loads, stores, addresses: widths, timing, pointer updates, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import CheckFailed
from simulator.aie2.assembler import assemble
from simulator.array.config import TileId
from tests.execution.machine import DATA, OWN, TILE, Core, execute

NOPS = "nop\n"


@pytest.mark.parametrize(
    ("load", "value"),
    [
        ("lda r0, [p0, #0]", 0x84838281),
        ("lda.s8 r0, [p0, #1]", 0xFFFFFF82),
        ("lda.u8 r0, [p0, #1]", 0x82),
        ("lda.s16 r0, [p0, #2]", 0xFFFF8483),
        ("lda.u16 r0, [p0, #2]", 0x8483),
    ],
)
def test_loads_of_every_width(load: str, value: int) -> None:
    core = Core()
    core.memory[DATA - OWN : DATA - OWN + 4] = [0x81, 0x82, 0x83, 0x84]
    core.run(assemble(f"__start:\n{load}\n{NOPS * 6}done\n{NOPS * 5}", "t.s"), setup={"p0": DATA})
    assert core["r0"] == value


def test_a_part_word_store_samples_its_data_six_cycles_after_issue() -> None:
    late = "st.s8 r1, [p0, #0]\n" + NOPS * 5 + "mova r1, #2\nmova r1, #3\n"
    assert execute(late, r1=1, p0=DATA).words(DATA, 1) == [1]
    early = "st.s8 r1, [p0, #0]\n" + NOPS * 4 + "mova r1, #2\nmova r1, #3\n"
    assert execute(early, r1=1, p0=DATA).words(DATA, 1) == [2]


def test_a_part_word_store_puts_its_old_word_back() -> None:
    """A word store between its load and its store is lost, but for the byte."""
    core = execute(f"st.s8 r1, [p0, #0]\nst r2, [p0, #0]\n{NOPS * 9}", r1=0xEE, r2=-1, p0=DATA)
    assert core.words(DATA, 1) == [0xEE]


@pytest.mark.parametrize(("wait", "seen"), [(6, 0), (7, 0xEE)])
def test_a_load_sees_a_part_word_seven_cycles_later(wait: int, seen: int) -> None:
    text = f"st.s8 r1, [p0, #0]\n{NOPS * (wait - 1)}lda r0, [p0, #0]\n{NOPS * 6}"
    assert execute(text, r1=0xEE, p0=DATA)["r0"] == seen


def test_a_release_waits_for_the_part_word_stores_before_it() -> None:
    core = Core()
    seen: list[int] = []
    program = assemble(
        f"__start:\nst.s8 r1, [p0, #0]\nrel #48, r2\nacq #49, r3\n{NOPS}done\n{NOPS * 5}", "t.s"
    )

    def look(_: int) -> None:
        seen.extend(core.words(DATA, 1))

    core.locks[49] = 1
    core.run(program, setup={"p0": DATA, "r1": 5, "r2": 1, "r3": -1}, waits=look)
    assert seen == [5]
    assert core.events == [("release", 48, 1), ("acquire", 49, 1)]


def test_a_lock_without_a_release_before_it_leaves_a_part_word_its_time() -> None:
    """The byte is sampled six cycles after issue, and the lock took none of them."""
    core = Core(locks={49: 1})
    text = f"__start:\nst.s8 r1, [p0, #0]\nacq #49, r3\n{NOPS * 3}mova r1, #9\n{NOPS}done\n"
    core.run(assemble(text + NOPS * 5, "t.s"), setup={"p0": DATA, "r1": 5, "r3": -1})
    assert core.words(DATA, 1) == [9]


@given(
    start=st.integers(0, 255),
    m=st.integers(-64, 64),
    dj=st.integers(-64, 64),
    dn=st.integers(0, 3),
    dc=st.integers(0, 3),
)
def test_two_dimensions(start: int, m: int, dj: int, dn: int, dc: int) -> None:
    pointer, count = DATA + 4 * start, dc
    core = execute(
        "padda.2d [p0], d1\n" * 5,
        p0=pointer,
        m1=4 * m,
        dj1=4 * dj,
        dn1=dn,
        dc1=dc,
    )
    for _ in range(5):
        if count < dn:
            pointer, count = pointer + 4 * dj, count + 1
        else:
            pointer, count = pointer + 4 * m, 0
    assert (core["p0"], core["dc1"]) == (pointer & 0xFFFFF, count)


@given(
    dn=st.tuples(st.integers(0, 2), st.integers(0, 2)), steps=st.tuples(*[st.integers(-9, 9)] * 3)
)
def test_three_dimensions(dn: tuple[int, int], steps: tuple[int, int, int]) -> None:
    core = execute(
        "paddb.3d [p2], d0\n" * 7,
        p2=DATA,
        m0=steps[2],
        dj0=steps[0],
        dj4=steps[1],
        dn0=dn[0],
        dn4=dn[1],
    )
    pointer, inner, outer = DATA, 0, 0
    for _ in range(7):
        if inner < dn[0]:
            pointer, inner = pointer + steps[0], inner + 1
        elif outer < dn[1]:
            pointer, inner, outer = pointer + steps[1], 0, outer + 1
        else:
            pointer, inner, outer = pointer + steps[2], 0, 0
    assert (core["p2"], core["dc0"], core["dc4"]) == (pointer, inner, outer)


def test_addresses_have_twenty_bits() -> None:
    core = execute("padda [p0], #-8\npadda [p1], m0", p0=4, p1=0xFFFFF, m0=2)
    assert (core["p0"], core["p1"]) == (0xFFFFC, 1)


def test_neighbours_are_south_west_and_north() -> None:
    south, west, north = TileId(1, 2), TileId(0, 3), TileId(1, 4)
    core = Core(tiles=(TILE, south, west, north))
    program = assemble(
        "__start:\n"
        + "".join(
            f"movxm p{n}, #{base}\nst r{n}, [p{n}, #0]\n"
            for n, base in enumerate((0x40010, 0x50010, 0x60010, 0x70010))
        )
        + f"done\n{NOPS * 5}",
        "t.s",
    )
    core.run(program, setup={f"r{n}": n + 1 for n in range(4)})
    written = [core.memories[tile].data[16] for tile in (south, west, north, TILE)]
    assert written == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        (0x30000, "NPU511", "address 0x30000 is not data memory"),
        (0x80000, "NPU511", "address 0x80000 is not data memory"),
        (0x40000, "NPU212", "reaches neither memory nor locks of tile(1,2)"),
        (DATA + 2, "NPU512", f"address {DATA + 2:#x} is no multiple of the 4 bytes"),
    ],
)
def test_what_no_core_can_access_is_refused(address: int, code: str, words: str) -> None:
    with pytest.raises(CheckFailed, match=words.replace("(", r"\(").replace(")", r"\)")) as refusal:
        execute("nop\nlda r0, [p0, #0]", p0=address)
    assert refusal.value.code == code
    assert refusal.value.message.endswith("at 0x2 `lda r0, [p0, #0]` on tile(1,3)")


def test_a_misaligned_vector_is_refused() -> None:
    with pytest.raises(CheckFailed, match="no multiple of the 32 bytes"):
        execute("vlda wl0, [p0, #0]", p0=DATA + 16)


def test_parallel_look_ups_read_every_other_bank() -> None:
    core = Core()
    table = core.memory[DATA - OWN : DATA - OWN + 64]
    table[:] = range(64)
    addresses = b"".join((DATA + n).to_bytes(4, "little") for n in (1, 4, 33, 36)) + bytes(16)
    core.run(
        assemble(f"__start:\nvldb.4x16.lo wl2, wl0\n{NOPS * 6}done\n{NOPS * 5}", "t.s"),
        setup={"x0": addresses + bytes(32)},
    )
    lanes = bytes(core["x2"])[:32]  # type: ignore[arg-type]
    assert [lanes[8 * n] for n in range(4)] == [0, 20, 32, 52]
