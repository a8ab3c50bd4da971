"""The code in an ELF file as a listing with its labels."""

from __future__ import annotations

from collections.abc import Iterator

from errors import UsageError
from simulator.aie2.listing import listing
from toolchain.artifacts.elf import Elf

_LABELS = ("function", "notype")


def code_lines(elf: Elf, name: str) -> Iterator[str]:
    """Yield the disassembly of every code section of an ELF file, line by line.

    Args:
        elf: A kernel object or a core's program.
        name: Of the file, for messages.

    Raises:
        UsageError: It is not for AIE2 (NPU056), or its code cannot be read (NPU500-NPU502);
            the message has the section.
    """
    if elf.architecture != "aie2":
        raise UsageError(
            f"{name} is for {elf.architecture}, whose code cannot be disassembled",
            cure="name an AIE2 ELF file",
            code="NPU056",
        )
    for number, section in enumerate(elf.sections):
        if not section.is_code or not section.size:
            continue
        names: dict[int, list[str]] = {}
        for symbol in elf.symbols:
            if symbol.section == number and symbol.type in _LABELS and symbol.name:
                names.setdefault(symbol.value, []).append(symbol.name)
        yield f"code of {section.name}\n"
        try:
            yield from listing(section.data, section.address, names)
        except UsageError as error:
            # What came before it is told already: it shows where code ends and data begins.
            raise UsageError(
                f"{name}: section {section.name}: {error.message}",
                cure=error.cure,
                code=error.code,
                details=error.details,
            ) from None
