"""Disassembly: program memory as text."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.aie2.bundle import LONGEST, Bundle, decode


def disassemble(code: bytes, address: int = 0) -> Iterator[tuple[int, Bundle]]:
    """Yield each bundle of `code` with its address.

    Args:
        code: Program memory from the start of a bundle.
        address: The address of the first byte.

    Raises:
        UsageError: No encoding allows what is found (NPU500, NPU501, NPU502).
    """
    at = 0
    view = memoryview(code)
    while at < len(code):
        bundle = decode(bytes(view[at : at + LONGEST]), address + at)
        yield address + at, bundle
        at += bundle.size


def text(code: bytes, address: int = 0) -> str:
    """Return the disassembly of `code`, a line per bundle, as llvm-objdump prints it.

    Numbers are decimal, as with its ``--no-print-imm-hex``. Raises as :func:`disassemble`.
    """
    lines = []
    for at, bundle in disassemble(code, address):
        start = at - address
        raw = code[start : start + bundle.size].hex(" ")
        lines.append(f"{at:8x}: {raw}\t{bundle}\n")
    return "".join(lines)
