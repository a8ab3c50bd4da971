"""Comparison of artifacts in the terms of the hardware."""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import UsageError
from toolchain.artifacts import cdo, elf, insts, xclbin
from toolchain.artifacts.cdo import NOP, Cdo, Command, Plain
from toolchain.artifacts.changes import Change
from toolchain.artifacts.diff import Difference, diff_files
from toolchain.artifacts.insts import Transaction
from toolchain.artifacts.listing import list_cdo
from toolchain.artifacts.operations import BlockWrite, Noop, Operation, Sync, Write
from toolchain.artifacts.sequences import compare_transactions
from toolchain.artifacts.xclbin import Section

PathOf = Callable[[str], Path]


Compare = Callable[[bytes, bytes], Difference]


@pytest.mark.parametrize(
    "name", ["small.pdi", "boot.pdi", "small.xclbin", "insts_0_1.bin", "object.o"]
)
def test_a_file_is_the_same_as_itself(name: str, path_of: PathOf) -> None:
    difference = diff_files(path_of(name), path_of(name))
    assert difference.same
    assert difference.identity == ()
    assert "the same in effect" in difference.text()
    assert json.loads(difference.json())["changes"] == []


def test_another_length_is_named_by_its_bds(sample: ModuleType, compare: Compare) -> None:
    difference = compare(cdo.encode(sample.init(512)), cdo.encode(sample.init(1024)))
    assert difference.changes == (
        Change("tile(0,1) DMA_BD24.length", "512", "1024"),
        Change("tile(0,2) DMA_BD0.length", "256", "512"),
        Change("tile(0,2) DMA_BD1.length", "256", "512"),
    )
    assert "tile(0,2) DMA_BD0.length: 256 -> 512" in difference.text()
    document = json.loads(difference.json())
    assert not document["same"]
    assert document["changes"][1] == {
        "where": "tile(0,2) DMA_BD0.length",
        "before": "256",
        "after": "512",
    }


def _without(config: Cdo, part: str) -> Cdo:
    """Return a CDO without the commands whose listed line has `part`."""

    def keep(command: Command) -> bool:
        ignore: list[str] = []
        return part not in " ".join(list_cdo(Cdo(commands=(command,)), ignore.append))

    return dataclasses.replace(config, commands=tuple(filter(keep, config.commands)))


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("Lock2_value", "- tile(0,2) Lock2_value = lock_value 2"),
        ("Master_Config_DMA0", "- route tile(0,2) South0 -> DMA0 = connected"),
        (
            "Slave_North_0_Slot0",
            "- route tile(0,1) North0 -> South0 packet 5 mask 0x1f without header = connected",
        ),
        ("Mux_Config", "- tile(0,0) Mux_Config = south3 1"),
        (
            "S2MM_0_Start_Queue",
            "- tile(0,2) DMA_S2MM_0_Start_Queue push 1 = repeat_count 1",
        ),
    ],
)
def test_what_is_left_out_is_named(
    part: str, change: str, sample: ModuleType, compare: Compare
) -> None:
    whole = sample.init()
    difference = compare(cdo.encode(whole), cdo.encode(_without(whole, part)))
    assert [str(found) for found in difference.changes] == [change]
    back = compare(cdo.encode(_without(whole, part)), cdo.encode(whole))
    assert len(back.changes) == 1
    assert str(back.changes[0]).startswith("+ ")


def test_program_memory_is_summarised(sample: ModuleType, compare: Compare) -> None:
    old = sample.elfs()
    commands = list(old.commands)
    commands[1] = dataclasses.replace(commands[1], data=(0, 99, *range(2, 20)))
    difference = compare(
        cdo.encode(old), cdo.encode(dataclasses.replace(old, commands=tuple(commands)))
    )
    assert [str(change) for change in difference.changes] == [
        "tile(0,2) Program_Memory bytes: 64 -> 80",
        "tile(0,2) Program_Memory: 1 words differ, the first at 0x4: 0x1 -> 0x63",
    ]


def test_padding_changes_nothing_and_order_does(sample: ModuleType, compare: Compare) -> None:
    config = sample.init()
    padded = dataclasses.replace(
        config, commands=(Plain(code=NOP, words=(0,) * 3), *config.commands)
    )
    assert compare(cdo.encode(config), cdo.encode(padded)).same
    turned = dataclasses.replace(config, commands=config.commands[::-1])
    (change,) = compare(cdo.encode(config), cdo.encode(turned)).changes
    assert change.where == "order of the commands, or polls between them"


def test_a_poll_that_is_gone_is_a_change(sample: ModuleType, compare: Compare) -> None:
    config = sample.enable()
    without = dataclasses.replace(config, commands=config.commands[:1])
    (change,) = compare(cdo.encode(config), cdo.encode(without)).changes
    assert (change.before, change.after) == ("2 commands", "1 commands")


def test_pushes_to_a_queue_are_compared_one_by_one(sample: ModuleType, compare: Compare) -> None:
    def pushes(*bds: int) -> bytes:
        queue = "DMA_MM2S_0_Start_Queue"
        writes = tuple(sample.write(sample.CORE, queue, start_bd_id=bd) for bd in bds)
        return cdo.encode(Cdo(commands=writes))

    difference = compare(pushes(1, 2), pushes(1, 3, 4))
    assert [str(change) for change in difference.changes] == [
        "tile(0,2) DMA_MM2S_0_Start_Queue push 2.start_bd_id: 2 -> 3",
        "+ tile(0,2) DMA_MM2S_0_Start_Queue push 3 = start_bd_id 4",
    ]


def test_pdis(sample: ModuleType, compare: Compare, path_of: PathOf) -> None:
    """A word of the CDO in a real PDI is changed: commands have no checksum."""
    data = path_of("small.pdi").read_bytes()
    bd = struct.pack("<2I", 0, 0x21D000)
    at = data.index(bd) + len(bd)
    changed = data[:at] + struct.pack("<I", 99 | 0x100 << 14) + data[at + 4 :]
    difference = compare(data, changed)
    assert difference.kind == "pdi"
    assert difference.changes == (Change("tile(0,2) DMA_BD0.length", "256", "99"),)
    assert sample.init().commands


def test_xclbins_of_two_designs(path_of: PathOf) -> None:
    difference = diff_files(path_of("small.xclbin"), path_of("two.xclbin"))
    shown = [str(change) for change in difference.changes]
    for part in (
        "+ sections[7] = 'KEYVALUE_METADATA'",
        "+ kernels[0].arguments[5] = bo2",
        "partitions[0].column_width: 1 -> 2",
        "- partitions[0].start_columns[3] = 4",
        "+ partitions[0].pdis[1] = 12345678-1234-5678-1234-567812345678",
    ):
        assert part in shown
    assert {change.where for change in difference.identity} >= {"uuid"}
    assert not any("uuid" in change.where for change in difference.changes)


def test_two_builds_of_one_design_differ_in_identity_only(
    path_of: PathOf, compare: Compare
) -> None:
    data = bytearray(path_of("small.xclbin").read_bytes())
    data[0x1A0:0x1B0] = bytes(range(16))
    data[0x138] ^= 1
    difference = compare(path_of("small.xclbin").read_bytes(), bytes(data))
    assert difference.same
    assert [change.where for change in difference.identity] == ["uuid", "timestamp"]


def _section(data: bytes, kind: str) -> Section:
    return next(s for s in xclbin.decode(data).sections if s.kind == kind)


def _put(data: bytes, offset: int, layout: str, *values: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(layout, changed, offset, *values)
    return bytes(changed)


def test_groups_that_arguments_are_connected_to(path_of: PathOf, compare: Compare) -> None:
    data = path_of("small.xclbin").read_bytes()
    at = _section(data, "ASK_GROUP_CONNECTIVITY").offset + 4
    changed = data
    for place in range(at, at + 6 * 12, 12):
        (memory,) = struct.unpack_from("<i", data, place + 8)
        changed = _put(changed, place + 8, "<i", 1 - memory)
    found = [str(change) for change in compare(data, changed).changes]
    assert len(found) == 6
    assert found[:2] == [
        "group_connections[0].memory: 1 -> 0",
        "group_connections[1].memory: 0 -> 1",
    ]


def test_groups_of_memories(path_of: PathOf, compare: Compare) -> None:
    data = path_of("small.xclbin").read_bytes()
    base = _section(data, "ASK_GROUP_TOPOLOGY").offset + 8 + 16
    (change,) = compare(data, _put(data, base, "<Q", 0x8000000)).changes
    assert change == Change("group_memories[0].base_address", str(0x4000000), str(0x8000000))


@pytest.mark.parametrize(
    ("kind", "same"), [(15, False), (14, True)], ids=["KEYVALUE_METADATA", "BUILD_METADATA"]
)
def test_sections_that_are_not_read_are_compared_by_their_bytes(
    kind: int, same: bool, path_of: PathOf, compare: Compare
) -> None:
    data = path_of("two.xclbin").read_bytes()
    data = data.replace(struct.pack("<I16s", 15, b""), struct.pack("<I16s", kind, b""))
    changed = data.replace(b"sample", b"others")
    section = _section(data, xclbin.KINDS[kind])
    assert data[section.offset :][: section.size] != changed[section.offset :][: section.size]
    changed = data[: section.offset] + changed[section.offset :]
    difference = compare(data, changed)
    assert difference.same == same
    (change,) = difference.identity if same else difference.changes
    assert change.where == f"section {section.kind}"
    assert change.before.startswith("51 bytes of sha256 ")
    assert change.before != change.after


def test_what_xrt_reads_of_kernels_and_the_report_does_not_show(
    path_of: PathOf, compare: Compare
) -> None:
    data = path_of("small.xclbin").read_bytes()
    changed = data.replace(b'hostSize="0x4"', b'hostSize="0x8"')
    (change,) = compare(data, changed).changes
    assert change == Change("kernels[0].arguments[2].more.hostSize", "'0x4'", "'0x8'")
    ip = _section(data, "IP_LAYOUT").offset + 8 + 4
    (change,) = compare(data, _put(data, ip, "<B", 2)).changes
    assert change == Change("ips[0].properties", "1", "2")


def test_the_time_is_a_date(path_of: PathOf, compare: Compare) -> None:
    data = path_of("small.xclbin").read_bytes()
    (change,) = compare(_put(data, 0x138, "<Q", 0), _put(data, 0x138, "<Q", (1 << 64) - 1)).identity
    assert change.before == "'1970-01-01T00:00:00Z'"
    assert change.after == f"'{(1 << 64) - 1} s since 1970'"


def test_instructions_are_compared_by_field(sample: ModuleType, compare: Compare) -> None:
    old, new = (insts.encode(sample.transaction(length=length)) for length in (512, 1024))
    assert [str(change) for change in compare(old, new).changes] == [
        "instruction 0 blockwrite tile(0,0) DMA_BD0.length: 512 -> 1024"
    ]


def _edit(sample: ModuleType, edit: Callable[[list[Operation]], Any]) -> bytes:
    operations = list(sample.operations())
    edit(operations)
    return insts.encode(Transaction(operations=tuple(operations)))


@pytest.mark.parametrize(
    ("edit", "change"),
    [
        (lambda ops: ops.pop(3), "- instruction 3 = sync token of tile(0,0) MM2S 0"),
        (lambda ops: ops.insert(0, Noop()), "+ instruction 0 = noop"),
        (
            lambda ops: ops.__setitem__(1, dataclasses.replace(ops[1], argument=2)),
            "instruction 1 address_patch argument: 1 -> 2",
        ),
        (
            lambda ops: ops.__setitem__(5, dataclasses.replace(ops[5], value=3)),
            "instruction 5 maskwrite32 tile(0,2) Core_Control.reset: 0 -> 1",
        ),
        (
            lambda ops: ops.__setitem__(11, dataclasses.replace(ops[11], reserved=b"abc")),
            "instruction 11 noop (reserved bytes): zero -> 616263",
        ),
        (
            lambda ops: ops.__setitem__(3, Sync(column=1, row=0, direction=1, channel=0)),
            "instruction 3 sync column: 0 -> 1",
        ),
        (
            lambda ops: ops.__setitem__(2, Write(address=0x1D21C, value=1 << 31)),
            "instruction 2: write32 tile(0,0) DMA_MM2S_0_Task_Queue",
        ),
    ],
)
def test_an_edit_is_one_change(
    edit: Callable[[list[Operation]], Any], change: str, sample: ModuleType, compare: Compare
) -> None:
    difference = compare(_edit(sample, lambda _: None), _edit(sample, edit))
    assert len(difference.changes) == 1
    assert str(difference.changes[0]).startswith(change)


def test_data_of_memories_in_instructions(compare: Compare) -> None:
    def load(value: int) -> bytes:
        block = BlockWrite(address=0x200400, rest=value.to_bytes(4, "little"))
        return insts.encode(Transaction(operations=(block,)))

    (change,) = compare(load(1), load(2)).changes
    assert change.where.startswith("instruction 0 blockwrite tile(0,2) Data_Memory: 1 words")


def test_headers_of_instructions(sample: ModuleType, compare: Compare) -> None:
    old = sample.transaction()
    new = dataclasses.replace(old, columns=2)
    (change,) = compare(insts.encode(old), insts.encode(new)).changes
    assert change == Change("columns", "4", "2")


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), max_size=12))
@settings(deadline=None, max_examples=100)
def test_sequences_differ_iff_there_is_a_change(old: list[int], new: list[int]) -> None:
    def transaction(values: list[int]) -> Transaction:
        writes = (Write(address=0x1F000 | 2 << 20, value=value) for value in values)
        return Transaction(operations=tuple(writes))

    changes = list(compare_transactions(transaction(old), transaction(new)))
    assert bool(changes) == (old != new)


def test_long_sequences_are_compared_one_by_one() -> None:
    def transaction(shift: int) -> Transaction:
        writes = (Write(address=0x220000 + 4 * i, value=i + shift) for i in range(1500))
        return Transaction(operations=tuple(writes))

    changes = list(compare_transactions(transaction(0), transaction(1)))
    assert len(changes) == 1500
    assert changes[0].where.startswith("instruction 0 write32 tile(0,2) Program_Memory")


def test_objects(path_of: PathOf, compare: Compare) -> None:
    data = path_of("object.o").read_bytes()
    content = elf.decode(data)
    code = next(section for section in content.sections if section.name == ".text.user")
    changed = bytearray(data)
    changed[code.offset + 4] ^= 0xFF
    (change,) = compare(data, bytes(changed)).changes
    assert change.where == "section .text.user: 1 bytes differ, the first at 0x4 in user"
    stack = next(section for section in content.sections if section.name == ".stack_sizes")
    changed = bytearray(data)
    changed[stack.offset + 4] = 64
    (change,) = compare(data, bytes(changed)).changes
    assert change == Change("stack.leaf", "48", "64")


def test_files_of_different_kinds_are_refused(path_of: PathOf) -> None:
    with pytest.raises(UsageError, match=r"of kind pdi and .* of kind xclbin") as caught:
        diff_files(path_of("small.pdi"), path_of("small.xclbin"))
    assert caught.value.code == "NPU059"
