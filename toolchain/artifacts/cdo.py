"""CDO: the configuration commands that a PDI carries.

A CDO is a header and commands of 32-bit words: a head word with the opcode in its low half
and the number of payload words in bits 16-23 (255: the number is the next word), then the
payload. Opcodes and payloads are those of AMD's bootgen (``cdo-binary.c``), which packs
CDOs into PDIs, and of its ``cdo_driver.c``, which mlir-aie writes them with.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct, pack, unpack
from typing import Any, ClassVar, Self, TypedDict

from errors import UsageError
from toolchain.artifacts.binary import Reader, checksum

IDENT = 0x004F4443
"""``CDO`` and a zero byte, little-endian."""

VERSIONS = (0x0132, 0x0200)
_HEADER = Struct("<5I")
_LONG = 255

Words = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command.

    Attributes:
        long: The payload's length has a word of its own although it is below 255.
        flags: Bits 24-31 of the head word, which bootgen leaves 0.
    """

    long: bool = False
    flags: int = 0

    @property
    @abstractmethod
    def opcode(self) -> int:
        """Module in bits 8-15, command in bits 0-7."""

    @property
    @abstractmethod
    def payload(self) -> Words:
        """The words behind the head."""

    @property
    def effect(self) -> Words:
        """The payload without an address, however that is encoded."""
        return self.payload


@dataclass(frozen=True, kw_only=True)
class Plain(Command):
    """A command whose payload has no meaning here: nop, marker, delay, end mark, ..."""

    code: int
    words: Words = ()

    @property
    def opcode(self) -> int:
        return self.code

    @property
    def payload(self) -> Words:
        return self.words


@dataclass(frozen=True, kw_only=True)
class Access(Command):
    """A command on registers. With `wide` its address takes two words, high first."""

    codes: ClassVar[tuple[int, int]]
    """Opcodes with a one-word and a two-word address."""
    values: ClassVar[tuple[str, ...]]
    """The values behind the address, each a word."""
    tail: ClassVar[tuple[str, int]] = ("", 0)
    """A sequence behind the values, and the most words it may have."""

    address: int
    wide: bool = False

    @property
    def opcode(self) -> int:
        return self.codes[self.wide]

    @property
    def payload(self) -> Words:
        address = divmod(self.address, 1 << 32) if self.wide else (self.address,)
        return (*address, *self.effect)

    @property
    def effect(self) -> Words:
        tail = getattr(self, self.tail[0]) if self.tail[0] else ()
        return (*(getattr(self, name) for name in self.values), *tail)

    @classmethod
    def of(cls, words: Words, *, wide: bool, long: bool, flags: int) -> Self:
        """Make the command of its payload.

        Raises:
            ValueError: The payload's length is wrong.
        """
        fixed = 1 + wide + len(cls.values)
        name, most = cls.tail
        if not fixed <= len(words) <= fixed + most:
            raise ValueError(f"{len(words)} words")
        address = words[0] << 32 | words[1] if wide else words[0]
        values: dict[str, Any] = dict(zip(cls.values, words[1 + wide :], strict=False))
        if name:
            values[name] = words[fixed:]
        return cls(address=address, wide=wide, long=long, flags=flags, **values)


@dataclass(frozen=True, kw_only=True)
class Write(Access):
    """Sets a register."""

    codes = (0x103, 0x108)
    values = ("value",)
    value: int


@dataclass(frozen=True, kw_only=True)
class MaskWrite(Access):
    """Sets the bits of a register that `mask` covers."""

    codes = (0x102, 0x107)
    values = ("mask", "value")
    mask: int
    value: int


@dataclass(frozen=True, kw_only=True)
class MaskPoll(Access):
    """Waits until a register, masked, equals `value`, at most `timeout` milliseconds.

    `more` holds the flags and the error code that newer versions append.
    """

    codes = (0x101, 0x106)
    values = ("mask", "value", "timeout")
    tail = ("more", 2)
    mask: int
    value: int
    timeout: int
    more: Words = ()


@dataclass(frozen=True, kw_only=True)
class DmaWrite(Access):
    """Sets consecutive words."""

    codes = (0x105, 0x105)
    values = ()
    tail = ("data", 1 << 32)
    data: Words
    wide: bool = True


@dataclass(frozen=True, kw_only=True)
class BlockSet(Access):
    """Sets `count` consecutive words to one value."""

    codes = (0x10C, 0x10C)
    values = ("count", "value")
    count: int
    value: int
    wide: bool = True


END, NOP = 0x100, 0x111

_ACCESSES: dict[int, tuple[type[Access], bool]] = {
    kind.codes[wide]: (kind, wide)
    for kind in (Write, MaskWrite, MaskPoll, DmaWrite, BlockSet)
    for wide in (False, True)
}

NAMES = {
    0x100: "end_mark",
    0x101: "mask_poll",
    0x102: "mask_write",
    0x103: "write",
    0x104: "delay",
    0x105: "dma_write",
    0x106: "mask_poll64",
    0x107: "mask_write64",
    0x108: "write64",
    0x109: "dma_xfer",
    0x10A: "init_seq",
    0x10B: "cframe_read",
    0x10C: "set",
    0x10D: "dma_write_keyhole",
    0x10E: "ssit_sync_master",
    0x10F: "ssit_sync_slaves",
    0x110: "ssit_wait_slaves",
    0x111: "nop",
    0x112: "get_device_id",
    0x113: "event_logging",
    0x114: "set_board",
    0x115: "get_board",
    0x116: "set_plm_wdt",
    0x117: "log_string",
    0x118: "log_address",
    0x119: "marker",
    0x11A: "proc",
    0x11B: "block_begin",
    0x11C: "block_end",
    0x11D: "break",
    0x11E: "ot_check",
    0x11F: "psm_sequence",
    0x120: "plm_update",
    0x121: "scatter_write",
    0x122: "scatter_write2",
    0x123: "tamper_trigger",
    0x125: "set_ipi_access",
}


def name_of(opcode: int) -> str:
    """Return a command's name; commands of other modules are named by their numbers."""
    return NAMES.get(opcode) or f"module {opcode >> 8} command {opcode & 255:#x}"


@dataclass(frozen=True, kw_only=True)
class Cdo:
    """A whole CDO.

    Attributes:
        version: 0x200 for what is written today.
        trailer: Words after an end mark, as bytes.
    """

    commands: tuple[Command, ...]
    version: int = 0x0200
    trailer: bytes = b""


class _Form(TypedDict):
    long: bool
    flags: int


def is_cdo(data: bytes) -> bool:
    """Whether `data` begins with a CDO's header."""
    return len(data) >= _HEADER.size and unpack("<2I", data[:8]) == (4, IDENT)


def decode(data: bytes) -> Cdo:
    """Read a CDO file.

    Raises:
        UsageError: It is none, or it is cut or damaged (NPU054).
    """
    reader = Reader(data=data, what="CDO", code="NPU054")
    cdo, size = read(reader)
    if size != len(data):
        raise reader.error(size, f"{len(data) - size} bytes follow the commands")
    return cdo


def read(reader: Reader) -> tuple[Cdo, int]:
    """Read the CDO that `reader` begins with; return it and its size in bytes.

    Raises:
        UsageError: It is none, or it is cut or damaged (NPU054).
    """
    header = reader.unpack(_HEADER, 0, "CDO header")
    words, ident, version, length, check = header
    if (words, ident) != (4, IDENT):
        raise reader.error(0, "it does not begin with a CDO header")
    if version not in VERSIONS:
        raise reader.error(8, f"CDO version {version:#x} is not known")
    if check != checksum(header[:4]):
        raise reader.error(16, f"the header's checksum is {check:#x}, not its words' sum")
    size = _HEADER.size + 4 * length
    body = reader.part(_HEADER.size, 4 * length, "CDO commands")
    commands, trailer = _read_commands(body)
    return Cdo(commands=commands, version=version, trailer=trailer), size


def _read_commands(body: Reader) -> tuple[tuple[Command, ...], bytes]:
    words = unpack(f"<{len(body) // 4}I", body.data)
    commands: list[Command] = []
    at = 0
    while at < len(words):
        command, count = _read_command(body, words, at)
        body.claim(4 * at, 4 * count, f"CDO {name_of(command.opcode)}")
        commands.append(command)
        at += count
        if command.opcode == END:
            break
    trailer = body.take(4 * at, len(body) - 4 * at, "after the end mark")
    return tuple(commands), trailer


def _read_command(body: Reader, words: Words, at: int) -> tuple[Command, int]:
    head = words[at]
    opcode, count, first = head & 0xFFFF, head >> 16 & 0xFF, at + 1
    long = count == _LONG
    if long:
        if first == len(words):
            raise body.error(4 * at, f"{name_of(opcode)} ends before its length")
        count, first = words[first], first + 1
    if count > len(words) - first:
        raise body.error(
            4 * at, f"{name_of(opcode)} has {count} words and {len(words) - first} are left"
        )
    payload = words[first : first + count]
    form: _Form = {"long": long and count < _LONG, "flags": head >> 24}
    if opcode not in _ACCESSES:
        return Plain(code=opcode, words=payload, **form), first - at + count
    kind, wide = _ACCESSES[opcode]
    try:
        return kind.of(payload, wide=wide, **form), first - at + count
    except ValueError:
        raise body.error(4 * at, f"{name_of(opcode)} cannot have {count} words") from None


def encode(cdo: Cdo) -> bytes:
    """Return the bytes of a CDO; ``encode(decode(data)) == data``.

    Raises:
        UsageError: A value does not fit its word (NPU058).
    """
    words = [word for command in cdo.commands for word in _command_words(command)]
    if bad := next((word for word in words if not 0 <= word < 1 << 32), None):
        raise UsageError(
            f"cannot write a CDO: {bad:#x} does not fit a 32-bit word",
            cure="use the wide form for addresses above 32 bits",
            code="NPU058",
        )
    length = len(words) + len(cdo.trailer) // 4
    header = (4, IDENT, cdo.version, length)
    return _HEADER.pack(*header, checksum(header)) + pack(f"<{len(words)}I", *words) + cdo.trailer


def _command_words(command: Command) -> Iterator[int]:
    payload = command.payload
    long = command.long or len(payload) >= _LONG
    yield command.flags << 24 | (_LONG if long else len(payload)) << 16 | command.opcode
    if long:
        yield len(payload)
    yield from payload
