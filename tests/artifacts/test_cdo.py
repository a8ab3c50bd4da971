"""CDO commands: written, read back, and packed by the vendor's bootgen in between."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import LabError, UsageError
from toolchain.artifacts import cdo, pdi
from toolchain.artifacts.binary import checksum
from toolchain.artifacts.cdo import (
    BlockSet,
    Cdo,
    Command,
    DmaWrite,
    MaskPoll,
    MaskWrite,
    Plain,
    Write,
)
from toolchain.artifacts.listing import list_cdo

Bytes = Callable[[str], bytes]


def test_the_head_of_a_cdo() -> None:
    data = cdo.encode(Cdo(commands=(Write(address=0x21F000, value=1, wide=True),)))
    assert struct.unpack("<9I", data) == (
        *(4, 0x004F4443, 0x200, 4, 0xFFFFFFFF - (4 + 0x004F4443 + 0x200 + 4)),
        *(0x00030108, 0, 0x21F000, 1),
    )


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (Write(address=0x10, value=3), [0x00020103, 0x10, 3]),
        (MaskWrite(address=0x10, mask=1, value=3), [0x00030102, 0x10, 1, 3]),
        (
            MaskWrite(address=0x500000010, mask=1, value=3, wide=True),
            [0x00040107, 5, 0x10, 1, 3],
        ),
        (
            MaskPoll(address=0x10, mask=1, value=3, timeout=9, wide=True),
            [0x00050106, 0, 0x10, 1, 3, 9],
        ),
        (
            MaskPoll(address=0x10, mask=1, value=3, timeout=9, more=(4, 5)),
            [0x00060101, 0x10, 1, 3, 9, 4, 5],
        ),
        (DmaWrite(address=0x10, data=(7, 8)), [0x00040105, 0, 0x10, 7, 8]),
        (
            DmaWrite(address=0x10, data=(7,) * 253),
            [0x00FF0105, 255, 0, 0x10, *(7,) * 253],
        ),
        (BlockSet(address=0x10, count=4, value=7), [0x0004010C, 0, 0x10, 4, 7]),
        (Plain(code=cdo.NOP, words=(0, 0)), [0x00020111, 0, 0]),
        (Plain(code=cdo.NOP), [0x00000111]),
    ],
)
def test_the_words_of_a_command(command: Command, words: list[int]) -> None:
    data = cdo.encode(Cdo(commands=(command,)))
    assert list(struct.unpack(f"<{len(words)}I", data[20:])) == words
    assert cdo.decode(data).commands == (command,)


def test_bootgen_packs_the_commands_unchanged(fixture_bytes: Bytes, sample: ModuleType) -> None:
    (packed,) = pdi.decode(fixture_bytes("small.pdi")).cdos
    ours = [*sample.elfs().commands, *sample.init().commands, *sample.enable().commands]
    assert effects(packed.commands) == effects(ours)


def effects(commands: Any) -> list[tuple[type[Command], int, cdo.Words]]:
    """Return commands without the padding and the address width, which bootgen chooses."""
    return [
        (type(command), getattr(command, "address", command.opcode), command.effect)
        for command in commands
        if command.opcode != cdo.NOP
    ]


WORD = st.integers(0, (1 << 32) - 1)
WORDS = st.lists(WORD, max_size=5).map(tuple)
COMMON = {"long": st.booleans(), "flags": st.integers(0, 255)}


def _accesses(wide: bool) -> list[st.SearchStrategy[Command]]:
    address = st.integers(0, (1 << (64 if wide else 32)) - 1)
    common = {"address": address, "wide": st.just(wide), **COMMON}
    return [
        st.builds(Write, value=WORD, **common),
        st.builds(MaskWrite, value=WORD, mask=WORD, **common),
        st.builds(
            MaskPoll,
            value=WORD,
            mask=WORD,
            timeout=WORD,
            more=st.lists(WORD, max_size=2).map(tuple),
            **common,
        ),
    ]


_LONG_DATA = st.integers(240, 260).map(lambda count: tuple(range(count)))
_WIDE = {"address": st.integers(0, (1 << 64) - 1), **COMMON}
COMMANDS = st.one_of(
    *_accesses(False),
    *_accesses(True),
    st.builds(DmaWrite, data=st.one_of(WORDS, _LONG_DATA), **_WIDE),
    st.builds(BlockSet, count=WORD, value=WORD, **_WIDE),
    st.builds(Plain, code=st.sampled_from([0x111, 0x104, 0x119, 0x20D]), words=WORDS, **COMMON),
)


def _canonical(command: Command) -> Command:
    """Return a command without a `long` that its length has anyway."""
    return dataclasses.replace(command, long=command.long and len(command.payload) < 255)


@given(st.lists(COMMANDS, max_size=6), st.booleans())
@settings(deadline=None, max_examples=200)
def test_commands_survive(commands: list[Command], end: bool) -> None:
    config = Cdo(
        commands=(*map(_canonical, commands), *([Plain(code=cdo.END)] if end else [])),
        trailer=b"tail" if end else b"",
    )
    data = cdo.encode(config)
    assert cdo.is_cdo(data)
    assert cdo.decode(data) == config
    assert cdo.encode(cdo.decode(data)) == data


def _with_header(body: bytes) -> bytes:
    header = (4, 0x004F4443, 0x200, len(body) // 4)
    return struct.pack("<5I", *header, checksum(header)) + body


@given(st.lists(st.one_of(WORD, st.sampled_from([0x20103, 0x50106, 0xFF0105])), max_size=20))
@settings(deadline=None, max_examples=300)
def test_any_words_are_read_or_refused(words: list[int]) -> None:
    data = _with_header(struct.pack(f"<{len(words)}I", *words))
    code = _refusal(data)
    assert code in (None, "NPU054")
    if code is None:
        assert cdo.encode(cdo.decode(data)) == data


def _refusal(data: bytes) -> str | None:
    try:
        cdo.decode(data)
    except LabError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "CDO header needs 20 bytes and 0 are left"),
        (struct.pack("<5I", 4, 0x584C4E58, 0x132, 0, 0), "does not begin with a CDO header"),
        (struct.pack(">5I", 4, 0x004F4443, 0x200, 0, 0), "does not begin with a CDO header"),
        (struct.pack("<5I", 4, 0x004F4443, 0x300, 0, 0), "CDO version 0x300 is not known"),
        (struct.pack("<5I", 4, 0x004F4443, 0x200, 0, 1), "checksum is 0x1"),
        (_with_header(bytes(4))[:-1], "CDO commands needs 4 bytes and 3 are left"),
        (_with_header(bytes(4)) + bytes(4), "4 bytes follow the commands"),
        (_with_header(struct.pack("<2I", 0x00030108, 0)), "write64 has 3 words and 1 are left"),
        (_with_header(struct.pack("<3I", 0x00020108, 0, 0)), "write64 cannot have 2 words"),
        (_with_header(struct.pack("<I", 0x00FF0105)), "dma_write ends before its length"),
        (_with_header(struct.pack("<2I", 0x00FF0105, 1 << 31)), "2147483648 words and 0 are"),
        (_with_header(struct.pack("<2I", 0x00010105, 0)), "dma_write cannot have 1 words"),
    ],
)
def test_damage_is_named(data: bytes, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        cdo.decode(data)
    assert caught.value.code == "NPU054"


@pytest.mark.parametrize(
    "command",
    [
        Write(address=1 << 32, value=0),
        Write(address=1 << 64, value=0, wide=True),
        Write(address=0, value=-1),
        DmaWrite(address=0, data=(1 << 32,)),
    ],
)
def test_what_cannot_be_written_is_refused(command: Command) -> None:
    with pytest.raises(UsageError, match="does not fit a 32-bit word") as caught:
        cdo.encode(Cdo(commands=(command,)))
    assert caught.value.code == "NPU058"


def test_a_listing_names_registers_and_other_commands() -> None:
    config = Cdo(
        commands=(
            BlockSet(address=0x200400, count=16, value=0),
            BlockSet(address=0x200000, count=(1 << 32) - 1, value=0),
            Plain(code=0x20D, words=(1, 2)),
            Plain(code=0x119, words=(1,)),
        )
    )
    problems: list[str] = []
    lines = list_cdo(config, problems.append)
    assert lines[0].endswith("set            tile(0,2) Data_Memory[0x400:0x440]")
    assert "no register" in lines[1]
    assert lines[2].endswith("module 2 command 0xd 2 words")
    assert lines[3].endswith("marker         1 words")
    assert len(problems) == 1
