"""Reading linked programs of cores."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from errors import UsageError
from simulator.aie2.assembler import assemble, write_elf
from simulator.aie2.elf import load
from simulator.aie2.machine import PROGRAM_SIZE

PROGRAM = """
    .data
table: .long 1, 2, 3, 4
    .size table, . - table
    .text
    .globl __start
__start:
    nop
    .type helper, @function
helper:
    nop
.Linside:
    done
    nop
    nop
    nop
    nop
    nop
    .size helper, . - helper
"""


def linked() -> bytes:
    return write_elf(assemble(PROGRAM, "program.s"))


def test_a_program_is_its_code_its_data_and_its_names() -> None:
    program = load(linked())
    memory = program.program_memory()
    assert program.entry == 0
    assert memory.data[:2] == b"\x01\x00"
    assert len(memory.data) == PROGRAM_SIZE
    (data,) = program.data
    assert data.data[:8] == b"\x01\0\0\0\x02\0\0\0"
    assert program.objects["table"][0] == data.address
    assert program.symbols.describe(4) == "0x4 (helper+0x2)"
    assert program.symbols.describe(0) == "0x0 (__start)"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be read"),
        (b"\x7fELF" + bytes(60), "cannot be read"),
        (Path(__file__).read_bytes(), "cannot be read"),
    ],
)
def test_other_files_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message) as refusal:
        load(data)
    assert refusal.value.code == "NPU514"


def test_other_machines_and_objects_are_refused() -> None:
    data = bytearray(linked())
    data[18] = 62
    with pytest.raises(UsageError, match="is for machine"):
        load(bytes(data))
    data = bytearray(linked())
    data[16] = 1
    with pytest.raises(UsageError, match="is not linked"):
        load(bytes(data))


def test_damaged_programs_are_read_or_refused() -> None:
    whole, random = linked(), Random(1)
    for _ in range(600):
        data = bytearray(whole)
        for _ in range(random.randrange(1, 6)):
            data[random.randrange(len(data))] = random.randrange(256)
        try:
            program = load(bytes(data[: random.choice([len(data), random.randrange(len(data))])]))
            program.program_memory()
        except UsageError as refusal:
            assert refusal.code in ("NPU513", "NPU514")  # noqa: PT017 - either outcome is right
