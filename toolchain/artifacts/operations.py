"""The operations of an NPU instruction transaction, and how each is laid out in bytes.

Two forms exist: 0.1, which mlir-aie writes (64-bit register addresses, a size in every
register operation), and the compact 1.0. Opcodes and layouts are those of aie-rt's
``xaie_txn.h`` and mlir-aie's ``TxnEncoding.h``.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct, unpack
from typing import ClassVar, NamedTuple


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation.

    Attributes:
        reserved: The bytes that the format reserves, empty where all are zero.
        rest: What follows the fixed part within the operation's own size: the data of a
            block write, the payload of a custom operation, or padding.
    """

    opcode: ClassVar[int]
    mnemonic: ClassVar[str]
    reserved: bytes = b""
    rest: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Write(Operation):
    """Set a register."""

    opcode = 0
    mnemonic = "write32"
    address: int
    value: int


@dataclass(frozen=True, kw_only=True)
class BlockWrite(Operation):
    """Set consecutive words; `rest` is the data."""

    opcode = 1
    mnemonic = "blockwrite"
    address: int

    @property
    def words(self) -> tuple[int, ...]:
        return unpack(f"<{len(self.rest) // 4}I", self.rest)


@dataclass(frozen=True, kw_only=True)
class MaskWrite(Operation):
    """Set the bits of a register that `mask` covers."""

    opcode = 3
    mnemonic = "maskwrite32"
    address: int
    value: int
    mask: int


@dataclass(frozen=True, kw_only=True)
class MaskPoll(Operation):
    """Wait until a register, masked, equals `value`."""

    opcode = 4
    mnemonic = "maskpoll"
    address: int
    value: int
    mask: int


@dataclass(frozen=True, kw_only=True)
class MaskPollBusy(MaskPoll):
    """Wait as :class:`MaskPoll` does, without giving the controller away."""

    opcode = 7
    mnemonic = "maskpoll_busy"


@dataclass(frozen=True, kw_only=True)
class Noop(Operation):
    """Do nothing."""

    opcode = 5
    mnemonic = "noop"


@dataclass(frozen=True, kw_only=True)
class Preempt(Operation):
    """A point where the context may be preempted; `level` says what must be saved:
    0 nothing, 1 memory tiles, 2 compute tiles, 3 registers.
    """

    opcode = 6
    mnemonic = "preempt"
    level: int = 0


@dataclass(frozen=True, kw_only=True)
class LoadPdi(Operation):
    """Configure the array from another PDI."""

    opcode = 8
    mnemonic = "load_pdi"
    pdi_id: int
    pdi_size: int = 0
    address: int = 0


@dataclass(frozen=True, kw_only=True)
class LoadProgram(Operation):
    """Load program memories from the control packets of `pm_id`."""

    opcode = 9
    mnemonic = "load_pm_start"
    sequence_count: int
    pm_id: int


@dataclass(frozen=True, kw_only=True)
class CreateScratchpad(Operation):
    """Give the controller scratch memory, for its state table."""

    opcode = 10
    mnemonic = "create_scratchpad"
    usage: int
    scratch_size: int
    offset: int


@dataclass(frozen=True, kw_only=True)
class UpdateStateTable(Operation):
    """Change an entry of the state table: function 0 multiplies, 1 adds, 2 subtracts."""

    opcode = 11
    mnemonic = "update_state_table"
    state: int
    function: int
    argument: int


@dataclass(frozen=True, kw_only=True)
class UpdateRegister(Operation):
    """Set a register from an entry of the state table."""

    opcode = 12
    mnemonic = "update_reg"
    state: int
    function: int
    argument: int
    address: int


@dataclass(frozen=True, kw_only=True)
class UpdateScratch(Operation):
    """Write the state table back to scratch memory."""

    opcode = 13
    mnemonic = "update_scratch"


@dataclass(frozen=True, kw_only=True)
class Sync(Operation):
    """Wait for a task-complete token of a channel of each tile of a rectangle.

    `direction` is 0 for S2MM and 1 for MM2S.
    """

    opcode = 0x80
    mnemonic = "sync"
    column: int
    row: int
    direction: int
    channel: int
    columns: int = 1
    rows: int = 1


@dataclass(frozen=True, kw_only=True)
class AddressPatch(Operation):
    """Add a host buffer's address, and `offset` bytes, to the address of a shim BD.

    `address` is that of the BD's base_address_low word, `argument` counts the buffers of
    the call from 0.
    """

    opcode = 0x81
    mnemonic = "address_patch"
    address: int
    argument: int
    offset: int


@dataclass(frozen=True, kw_only=True)
class ReadRegisters(Operation):
    """Read `count` registers; `rest` holds their addresses."""

    opcode = 0x82
    mnemonic = "read_regs"
    count: int


@dataclass(frozen=True, kw_only=True)
class RecordTimer(Operation):
    """Note the time under an identifier."""

    opcode = 0x83
    mnemonic = "record_timer"
    identifier: int


@dataclass(frozen=True, kw_only=True)
class MergeSync(Operation):
    """Wait for `tokens` tokens of `columns` columns at once."""

    opcode = 0x84
    mnemonic = "merge_sync"
    tokens: int
    columns: int


class Layout(NamedTuple):
    """The bytes of an operation: an opcode byte, then named values; ``_`` is reserved."""

    struct: Struct
    names: tuple[str, ...]
    codes: tuple[str, ...]


def _layout(text: str) -> Layout:
    pairs = [item.split(":") for item in text.split()]
    names, codes = tuple(name for name, _ in pairs), tuple(code for _, code in pairs)
    return Layout(Struct("<B" + "".join(codes)), names, codes)


_SHARED = {
    Noop: "_:3s",
    Preempt: "level:B _:2s",
    LoadPdi: "_:1s pdi_id:H pdi_size:I address:Q",
    LoadProgram: "sequence_count:3s pm_id:I",
    CreateScratchpad: "usage:B _:2s scratch_size:I offset:Q",
    UpdateStateTable: "state:B function:B _:1s argument:I",
    UpdateRegister: "state:B function:B _:1s argument:I address:I",
    UpdateScratch: "_:3s",
    Sync: "_:3s size:I direction:B row:B column:B _:2s rows:B columns:B channel:B",
    ReadRegisters: "_:3s size:I count:I",
    RecordTimer: "_:3s size:I identifier:I",
    MergeSync: "_:3s size:I tokens:B columns:B _:2s",
}
_FULL = {
    Write: "_:7s address:Q value:I size:I",
    BlockWrite: "_:7s address:I size:I",
    MaskWrite: "_:7s address:Q value:I mask:I size:I",
    MaskPoll: "_:7s address:Q value:I mask:I size:I",
    MaskPollBusy: "_:7s address:Q value:I mask:I size:I",
    AddressPatch: "_:3s size:I _:16s address:Q argument:Q offset:Q",
}
_COMPACT = {
    Write: "_:3s address:I value:I",
    BlockWrite: "_:3s address:I size:I",
    MaskWrite: "_:3s address:I value:I mask:I",
    MaskPoll: "_:3s address:I value:I mask:I",
    MaskPollBusy: "_:3s address:I value:I mask:I",
    AddressPatch: "_:3s size:I address:I argument:B _:3s offset:Q",
}

LAYOUTS: dict[tuple[int, int], dict[type[Operation], Layout]] = {
    (0, 1): {kind: _layout(text) for kind, text in (_SHARED | _FULL).items()},
    (1, 0): {kind: _layout(text) for kind, text in (_SHARED | _COMPACT).items()},
}
"""The layout of every operation, by version of the form."""

BY_OPCODE: dict[int, type[Operation]] = {kind.opcode: kind for kind in LAYOUTS[0, 1]}
