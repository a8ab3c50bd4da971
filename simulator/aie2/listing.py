"""Listings: the disassembly of a program with its labels, and single bundles in messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from errors import UsageError
from simulator.aie2.bundle import LONGEST, decode
from simulator.aie2.disassembly import disassemble
from simulator.aie2.machine import ProgramMemory


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


NOP = "nop"
"""What :func:`plain` calls a bundle that does nothing."""


def plain(bundle: object) -> str:
    """Return a bundle's text on one line, its empty slots left out: ``lda r1, [p2, #0]``."""
    parts = [" ".join(part.split()) for part in f"{bundle}".split(";")]
    return "; ".join(part for part in parts if not part.startswith("nop")) or NOP


def text_at(code: ProgramMemory, address: int) -> str:
    """Return `` `lda r1, [p2, #0]` `` with what lies at an address, nothing where no code does."""
    if address >= code.extent:
        return ""
    try:
        return f" `{plain(decode(bytes(code.data[address : address + LONGEST]), address))}`"
    except UsageError:
        return ""
