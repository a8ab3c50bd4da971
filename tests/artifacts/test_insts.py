"""NPU instructions: read, written, and held against the vendor's assembler."""

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
from toolchain.artifacts import insts
from toolchain.artifacts.insts import Transaction
from toolchain.artifacts.listing import list_transaction
from toolchain.artifacts.operations import (
    LAYOUTS,
    AddressPatch,
    BlockWrite,
    LoadPdi,
    MaskPoll,
    MaskPollBusy,
    MaskWrite,
    MergeSync,
    Noop,
    Operation,
    Preempt,
    RecordTimer,
    Sync,
    Write,
)

Bytes = Callable[[str], bytes]


@pytest.mark.parametrize(("name", "version"), [("insts_0_1", (0, 1)), ("insts_1_0", (1, 0))])
def test_the_sample_is_read_and_written_back(
    name: str, version: tuple[int, int], fixture_bytes: Bytes, sample: ModuleType
) -> None:
    data = fixture_bytes(f"{name}.bin")
    transaction = insts.decode(data)
    assert transaction == sample.transaction(version)
    assert insts.encode(transaction) == data


@pytest.mark.parametrize("name", ["insts_0_1", "insts_1_0"])
def test_aiebu_reads_the_same_operations(name: str, fixture_bytes: Bytes) -> None:
    theirs = [line.split() for line in fixture_bytes(f"{name}.txt").decode().splitlines()]
    ours = [
        line.split()
        for operation in insts.decode(fixture_bytes(f"{name}.bin")).operations
        for line in as_aiebu(operation)
    ]
    plain = [[word.rstrip(",") for word in line] for line in theirs if line]
    assert [line for line in plain if line[0] != ".attach_to_group"] == [
        [word.rstrip(",") for word in line] for line in ours
    ]
    columns = sum(line[0] == ".attach_to_group" for line in plain)
    assert columns == insts.decode(fixture_bytes(f"{name}.bin")).columns


def as_aiebu(operation: Operation) -> list[str]:
    """Return an operation as aiebu-dump prints it."""
    match operation:
        case BlockWrite(address=address):
            head = f"XAIE_IO_BLOCKWRITE @{address:#x}, [{len(operation.words)}]"
            rows = enumerate(operation.words)
            return [head, *(f"XAIE_IO_BLOCKWRITE.{i} {word:#x}" for i, word in rows)]
        case AddressPatch(address=address, argument=argument, offset=offset):
            return [f"XAIE_IO_CUSTOM_OP_DDR_PATCH @{address:#x}, #{argument}, +{offset:#x}"]
        case Write(address=address, value=value):
            return [f"XAIE_IO_WRITE @{address:#x}, {value:#x}"]
        case MaskWrite(address=address, value=value, mask=mask):
            return [f"XAIE_IO_MASKWRITE @{address:#x}, {mask:#x}(), {value:#x}"]
        case MaskPoll(address=address, value=value, mask=mask):
            busy = "_BUSY" if isinstance(operation, MaskPollBusy) else ""
            return [f"XAIE_IO_MASKPOLL{busy} @{address:#x}, {mask:#x}()=={value:#x}"]
        case Sync():
            where = f"R[{operation.row}]+{operation.rows}, C[{operation.column}]"
            way = "MM2S" if operation.direction else "S2MM"
            rest = f"+{operation.columns}, #DMA_{way}, {operation.channel}"
            return [f"XAIE_IO_CUSTOM_OP_TCT {where}{rest}"]
        case RecordTimer(identifier=identifier):
            return [f"XAIE_IO_CUSTOM_OP_RECORD_TIMER #{identifier}"]
        case MergeSync(tokens=tokens, columns=columns):
            return [f"XAIE_IO_CUSTOM_OP_MERGE_SYNC C[{columns}]=={tokens}"]
        case Noop():
            return ["XAIE_IO_NOOP"]
    raise AssertionError(operation)


@pytest.mark.parametrize("name", ["insts_0_1", "insts_1_0"])
def test_what_aiebu_assembles_from_its_text_is_the_same(
    name: str, fixture_bytes: Bytes, sample: ModuleType
) -> None:
    data = fixture_bytes(f"{name}.again.bin")
    transaction = insts.decode(data)
    assert insts.encode(transaction) == data
    # It pads its masked operations to 8 bytes, which nothing reads.
    bare = tuple(
        operation if isinstance(operation, BlockWrite) else dataclasses.replace(operation, rest=b"")
        for operation in transaction.operations
    )
    assert bare == sample.operations()
    padding = {op.rest for op in transaction.operations if not isinstance(op, BlockWrite)}
    assert padding <= {b"", bytes(4)}


def test_forms_of_mlir_aie() -> None:
    """The words of a load_pdi, a sync and a blockwrite as mlir-aie's own test expects them."""
    words = [
        *(0x06030100, 0x104, 4, 0x50),
        *(0x00000080, 0x10, 0x00030401, 0x05010200),
        *(0x00020008, 0x400, 0x12345678, 0xABC),
        *(0x00000001, 0x00000101, 0x02100064, 0x18, 100, 101),
        *(0x00000106, 0x00000005),
    ]
    data = struct.pack(f"<{len(words)}I", *words)
    (sync, pdi, block, preempt, noop) = insts.decode(_resize(data, 5)).operations
    assert sync == Sync(column=3, row=4, direction=1, channel=5, columns=1, rows=2)
    assert pdi == LoadPdi(pdi_id=2, pdi_size=1024, address=0xABC12345678)
    assert isinstance(block, BlockWrite)
    assert (block.address, block.words) == (0x02100064, (100, 101))
    assert block.reserved == bytes([0, 0, 0, 1, 1, 0, 0])
    assert (preempt, noop) == (Preempt(level=1), Noop())
    assert insts.encode(insts.decode(_resize(data, 5))) == _resize(data, 5)


def _resize(data: bytes, count: int) -> bytes:
    """Return a transaction with the header's count and size put right."""
    return data[:8] + struct.pack("<2I", count, len(data)) + data[16:]


def test_a_listing_names_registers(fixture_bytes: Bytes) -> None:
    problems: list[str] = []
    lines = list_transaction(insts.decode(fixture_bytes("insts_0_1.bin")), problems.append)
    text = "\n".join(lines)
    assert not problems
    for part in (
        "blockwrite     tile(0,0) DMA_BD0.length = 512, .burst_length = 2, .valid_bd = 1",
        "address_patch  tile(0,0) DMA_BD0[1] += argument 1 + 0x40",
        "write32        tile(0,0) DMA_MM2S_0_Task_Queue.start_bd_id = 0, .repeat_count = 0,",
        "sync           token of tile(0,0) MM2S 0",
        "sync           token of tile(0,0) and 2 x 1 tiles from it S2MM 1",
        "maskpoll       until tile(0,0) DMA_MM2S_Status_0 & 0x3c == 0x0",
        "merge_sync     tokens = 0x3, columns = 0x2",
    ):
        assert part in text


def test_a_listing_notes_unknown_registers() -> None:
    transaction = Transaction(
        operations=(
            Write(address=0x1D078 | 2 << 20, value=1),
            MaskPoll(address=6 << 20, value=0, mask=1),
        )
    )
    problems: list[str] = []
    lines = list_transaction(transaction, problems.append)
    assert "0x21d078 (no register): 0x1" in lines[0]
    assert "until 0x600000 (no register) & 0x1 == 0x0" in lines[1]
    assert len(problems) == 2


def _operation(version: tuple[int, int]) -> st.SearchStrategy[Operation]:
    return st.sampled_from(sorted(LAYOUTS[version], key=lambda kind: kind.opcode)).flatmap(
        lambda kind: _values(kind, version)
    )


def _values(kind: type[Operation], version: tuple[int, int]) -> st.SearchStrategy[Operation]:
    layout = LAYOUTS[version][kind]
    bits = {"B": 8, "H": 16, "I": 32, "Q": 64, "3s": 24}
    arguments: dict[str, Any] = {
        name: st.integers(0, (1 << bits[code]) - 1)
        for name, code in zip(layout.names, layout.codes, strict=True)
        if name not in ("_", "size")
    }
    reserved = sum(
        int(code[:-1]) for name, code in zip(layout.names, layout.codes, strict=True) if name == "_"
    )
    arguments["reserved"] = st.one_of(
        st.just(b""), st.binary(min_size=reserved, max_size=reserved).filter(any)
    )
    if "size" in layout.names:
        arguments["rest"] = st.lists(st.binary(min_size=4, max_size=4), max_size=6).map(b"".join)
    return st.builds(kind, **arguments)


@pytest.mark.parametrize("version", sorted(LAYOUTS))
@given(data=st.data())
@settings(deadline=None, max_examples=120)
def test_every_operation_survives(version: tuple[int, int], data: st.DataObject) -> None:
    operations = data.draw(st.lists(_operation(version), max_size=5))
    transaction = Transaction(operations=tuple(operations), version=version, reserved=7)
    raw = insts.encode(transaction)
    assert insts.is_transaction(raw)
    assert insts.decode(raw) == transaction


@given(st.binary(max_size=80))
@settings(deadline=None, max_examples=300)
def test_any_bytes_are_read_or_refused(tail: bytes) -> None:
    head = struct.pack("<6BHII", 0, 1, 3, 6, 4, 1, 0, 2, 16 + len(tail))
    code = _refusal(head + tail)
    assert code in (None, "NPU055")
    if code is None:
        assert insts.encode(insts.decode(head + tail)) == head + tail


def _refusal(data: bytes) -> str | None:
    try:
        insts.decode(data)
    except LabError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("offset", "value", "problem"),
    [
        (0, b"\x02", "version 2.1 of the transaction is not known"),
        (8, b"\x05", "the header says 5 operations, there are 12"),
        (12, b"\x00", "the header says 256 bytes and there are 304"),
        (16, b"\x02", "operation code 0x2 is not known"),
        (28, b"\x04", "blockwrite says it has 4 bytes"),
        (28, b"\x31", "blockwrite says it has 49 bytes"),
        (30, b"\x01", "blockwrite data needs 65568 bytes"),
    ],
)
def test_damage_is_named(offset: int, value: bytes, problem: str, fixture_bytes: Bytes) -> None:
    data = bytearray(fixture_bytes("insts_0_1.bin"))
    data[offset : offset + 1] = value
    with pytest.raises(UsageError, match=problem) as caught:
        insts.decode(bytes(data))
    assert caught.value.code == "NPU055"


def test_a_cut_file_is_named(fixture_bytes: Bytes) -> None:
    data = fixture_bytes("insts_0_1.bin")
    for size in (0, 5, 15, 16, 40, 303):
        with pytest.raises(UsageError, match="NPU instructions") as caught:
            insts.decode(data[:size])
        assert caught.value.code == "NPU055"


@pytest.mark.parametrize(
    "transaction",
    [
        Transaction(operations=(), version=(2, 0)),
        Transaction(operations=(), rows=300),
        Transaction(operations=(Write(address=1 << 64, value=0),)),
        Transaction(operations=(Write(address=1 << 32, value=0),), version=(1, 0)),
        Transaction(operations=(Write(address=0, value=-1),)),
        Transaction(operations=(Write(address=0, value=0, rest=bytes(4)),), version=(1, 0)),
        Transaction(operations=(BlockWrite(address=0, rest=bytes(3)),)),
        Transaction(operations=(Noop(reserved=bytes(4)),)),
        Transaction(operations=(Preempt(level=256),)),
    ],
)
def test_what_cannot_be_written_is_refused(transaction: Transaction) -> None:
    with pytest.raises(UsageError, match="cannot write") as caught:
        insts.encode(transaction)
    assert caught.value.code == "NPU058"
