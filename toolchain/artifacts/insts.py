"""NPU instructions (``insts.bin``): the transaction that the array's controller plays."""

from __future__ import annotations

from dataclasses import dataclass, fields
from struct import Struct
from struct import error as StructError  # noqa: N812 - the module's name is a builtin's
from typing import Any

from errors import UsageError
from toolchain.artifacts.binary import Reader
from toolchain.artifacts.operations import BY_OPCODE, LAYOUTS, Operation

_HEADER = Struct("<6BHII")


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """A whole instruction file.

    Attributes:
        version: ``(0, 1)`` or the compact ``(1, 0)``.
        generation: Device generation, 3 for Phoenix.
        rows, columns, mem_rows: Size of the array it is for.
        reserved: Two bytes that the header reserves.
    """

    operations: tuple[Operation, ...]
    version: tuple[int, int] = (0, 1)
    generation: int = 3
    rows: int = 6
    columns: int = 4
    mem_rows: int = 1
    reserved: int = 0


def is_transaction(data: bytes) -> bool:
    """Whether `data` begins as a transaction does: a known version and its own size."""
    if len(data) < _HEADER.size:
        return False
    major, minor, _, _, _, _, _, _, size = _HEADER.unpack_from(data)
    return (major, minor) in LAYOUTS and size == len(data)


def decode(data: bytes) -> Transaction:
    """Read an instruction file.

    Raises:
        UsageError: It is none, or it is cut or damaged (NPU055).
    """
    return read(Reader(data=data, what="NPU instructions", code="NPU055"))


def read(reader: Reader) -> Transaction:
    """Read the transaction that fills `reader`.

    Raises:
        UsageError: It is none, or it is cut or damaged (NPU055).
    """
    header = reader.unpack(_HEADER, 0, "transaction header")
    major, minor, generation, rows, columns, mem_rows, reserved, count, size = header
    if (major, minor) not in LAYOUTS:
        raise reader.error(0, f"version {major}.{minor} of the transaction is not known")
    if size != len(reader):
        raise reader.error(12, f"the header says {size} bytes and there are {len(reader)}")
    operations = []
    at = _HEADER.size
    while at < size:
        operation, length = _read_operation(reader, at, (major, minor))
        operations.append(operation)
        at += length
    if len(operations) != count:
        raise reader.error(8, f"the header says {count} operations, there are {len(operations)}")
    return Transaction(
        operations=tuple(operations),
        version=(major, minor),
        generation=generation,
        rows=rows,
        columns=columns,
        mem_rows=mem_rows,
        reserved=reserved,
    )


def _read_operation(reader: Reader, at: int, version: tuple[int, int]) -> tuple[Operation, int]:
    opcode = reader.data[at]
    kind = BY_OPCODE.get(opcode)
    if kind is None:
        raise reader.error(at, f"operation code {opcode:#x} is not known")
    layout = LAYOUTS[version][kind]
    values: dict[str, Any] = {}
    reserved = b""
    for name, value in zip(
        layout.names, reader.unpack(layout.struct, at, kind.mnemonic)[1:], strict=True
    ):
        if name == "_":
            reserved += value
        else:
            values[name] = int.from_bytes(value, "little") if isinstance(value, bytes) else value
    length = values.pop("size", layout.struct.size)
    if length < layout.struct.size or length % 4:
        raise reader.error(at, f"{kind.mnemonic} says it has {length} bytes")
    rest = reader.take(
        at + layout.struct.size, length - layout.struct.size, f"{kind.mnemonic} data"
    )
    return kind(reserved=reserved if any(reserved) else b"", rest=rest, **values), length


def encode(transaction: Transaction) -> bytes:
    """Return the bytes of an instruction file; ``encode(decode(data)) == data``.

    Raises:
        UsageError: A value does not fit its place, or the version is unknown (NPU058).
    """
    if transaction.version not in LAYOUTS:
        raise _unencodable(f"transaction version {transaction.version}", "use 0.1 or 1.0")
    body = b"".join(_write(op, transaction.version) for op in transaction.operations)
    size = _HEADER.size + len(body)
    try:
        header = _HEADER.pack(
            *transaction.version,
            transaction.generation,
            transaction.rows,
            transaction.columns,
            transaction.mem_rows,
            transaction.reserved,
            len(transaction.operations),
            size,
        )
    except StructError as error:
        raise _unencodable("the transaction header", str(error)) from None
    return header + body


def _write(operation: Operation, version: tuple[int, int]) -> bytes:
    layout = LAYOUTS[version][type(operation)]
    size = layout.struct.size + len(operation.rest)
    if (operation.rest and "size" not in layout.names) or len(operation.rest) % 4:
        raise _unencodable(str(operation), "what follows the fixed part must be whole words")
    reserved = operation.reserved
    values: list[int | bytes] = []
    for name, code in zip(layout.names, layout.codes, strict=True):
        if name == "_":
            width = int(code[:-1])
            values.append(reserved[:width].ljust(width, b"\0"))
            reserved = reserved[width:]
        elif code.endswith("s"):
            values.append(_bytes_of(operation, getattr(operation, name), int(code[:-1])))
        else:
            values.append(size if name == "size" else getattr(operation, name))
    if reserved:
        raise _unencodable(str(operation), "it has more reserved bytes than the form")
    try:
        return layout.struct.pack(operation.opcode, *values) + operation.rest
    except StructError as error:
        raise _unencodable(str(operation), str(error)) from None


def _bytes_of(operation: Operation, value: int, width: int) -> bytes:
    if not 0 <= value < 1 << 8 * width:
        raise _unencodable(str(operation), f"{value} does not fit {width} bytes")
    return value.to_bytes(width, "little")


def _unencodable(what: str, problem: str) -> UsageError:
    return UsageError(f"cannot write {what}: {problem}", cure="use values that fit", code="NPU058")


def value_names(kind: type[Operation]) -> tuple[str, ...]:
    """Return the names of an operation's own values, without `reserved` and `rest`."""
    return tuple(f.name for f in fields(kind) if f.name not in ("reserved", "rest"))
