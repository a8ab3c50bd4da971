"""FAKE object code: well-formed AIE2 ELF files with the symbols and sizes that are asked for."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field

MACHINE, AIE2 = 264, 2
RELOCATION = 1


@dataclass
class Function:
    name: str
    size: int
    frame: int
    calls: list[str] = field(default_factory=list)


def filler(seed: str, size: int) -> bytes:
    """Return `size` bytes that depend on `seed` alone."""
    block = hashlib.sha256(seed.encode()).digest()
    return (block * (size // len(block) + 1))[:size]


def uleb(value: int) -> bytes:
    out = bytearray()
    while True:
        out.append((value & 0x7F) | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


class _Table:
    """A string table."""

    def __init__(self) -> None:
        self.data = b"\0"

    def add(self, text: str) -> int:
        at = len(self.data)
        self.data += text.encode() + b"\0"
        return at


def write(functions: list[Function], data: int, seed: str, *, linked: bool = False) -> bytes:
    """Return an object, or a linked program if `linked`."""
    strings = _Table()
    symbols = [bytes(16)]
    index: dict[str, int] = {}
    text = b""
    for function in functions:
        index[function.name] = len(symbols)
        symbols.append(
            struct.pack("<IIIBBH", strings.add(function.name), len(text), function.size, 0x12, 0, 1)
        )
        text += filler(seed + function.name, function.size)
    for name in (call for function in functions for call in function.calls):
        if name not in index:
            index[name] = len(symbols)
            symbols.append(struct.pack("<IIIBBH", strings.add(name), 0, 0, 0x10, 0, 0))
    calls, sizes, of_sizes, start = b"", b"", b"", 0
    for function in functions:
        for number, call in enumerate(function.calls):
            at = start + min(4 * number, function.size - 4)
            calls += struct.pack("<IIi", at, index[call] << 8 | RELOCATION, 0)
        of_sizes += struct.pack("<IIi", len(sizes), index[function.name] << 8 | RELOCATION, 0)
        sizes += bytes(4) + uleb(function.frame)
        start += function.size
    parts = [
        (".text", 1, 0x6, text, 0, 0, 0),
        (".data", 1, 0x3, filler(seed + "data", data), 0, 0, 0x70400 if linked else 0),
        (".symtab", 2, 0, b"".join(symbols), 4, 1, 0),
        (".strtab", 3, 0, strings.data, 0, 0, 0),
    ]
    if not linked:
        parts += [
            (".rela.text", 4, 0x40, calls, 3, 1, 0),
            (".stack_sizes", 1, 0x80, sizes, 1, 0, 0),
            (".rela.stack_sizes", 4, 0x40, of_sizes, 3, 6, 0),
        ]
    return _file(parts, linked=linked)


def _file(parts: list[tuple[str, int, int, bytes, int, int, int]], *, linked: bool) -> bytes:
    names = _Table()
    headers = [bytes(40)]
    segments = 2 if linked else 0
    body = bytearray(52 + 32 * segments)
    places = {}
    for name, kind, flags, content, link, info, address in [
        *parts,
        (".shstrtab", 3, 0, b"", 0, 0, 0),
    ]:
        at_name = names.add(name)
        data = names.data if name == ".shstrtab" else content
        body += bytes(-len(body) % 4)
        entry = {2: 16, 4: 12}.get(kind, 0)
        places[name] = (len(body), len(data))
        headers.append(
            struct.pack(
                "<10I", at_name, kind, flags, address, len(body), len(data), link, info, 4, entry
            )
        )
        body += data
    body += bytes(-len(body) % 4)
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    header = struct.pack(
        "<16sHHIIIIIHHHHHH",
        ident,
        *(2 if linked else 1, MACHINE, 1, 0, 52 if linked else 0, len(body), AIE2),
        *(52, 32 if linked else 0, segments, 40, len(headers), len(headers) - 1),
    )
    body[:52] = header
    if linked:
        for number, (name, address, flags) in enumerate(((".text", 0, 5), (".data", 0x70400, 6))):
            at, size = places[name]
            body[52 + 32 * number : 84 + 32 * number] = struct.pack(
                "<8I", 1, at, address, address, size, size, flags, 4
            )
    return bytes(body) + b"".join(headers)
