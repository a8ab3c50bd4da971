"""Listings: the disassembly of a program with its labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from simulator.aie2.disassembly import disassemble


def listing(
    code: bytes, address: int = 0, names: Mapping[int, Sequence[str]] | None = None
) -> Iterator[str]:
    """Yield the lines of a disassembly, a label's line before what it names.

    Args:
        code: Program memory from the start of a bundle.
        address: The address of the first byte.
        names: The labels of an address.

    Raises:
        UsageError: No encoding allows what is found (NPU500, NPU501, NPU502).
    """
    names = names or {}
    for at, bundle in disassemble(code, address):
        for name in names.get(at, ()):
            yield f"{at:08x} <{name}>:\n"
        raw = code[at - address : at - address + bundle.size].hex(" ")
        yield f"{at:8x}: {raw}\t{bundle}\n"
