"""Programs that a compiler made: every bundle decodes, and encodes as it was.

The binaries are of other projects and not kept here: NPULAB_AIE2_CORPUS names a folder
with linked programs, objects and archives of objects.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from errors import UsageError
from simulator.aie2 import disassemble, encode
from toolchain.artifacts import elf


def objects(data: bytes) -> Iterator[bytes]:
    """The ELF files in a file: itself, or the members of an archive."""
    if elf.is_elf(data):
        yield data
    at = 8
    while data.startswith(b"!<arch>\n") and at + 60 <= len(data):
        size = int(data[at + 48 : at + 58])
        yield from objects(data[at + 60 : at + 60 + size])
        at += 60 + size + size % 2


def code_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The code sections of every AIE2 file under `folder`."""
    for path in sorted(folder.rglob("*")):
        for data in objects(path.read_bytes()) if path.is_file() else ():
            program = elf.decode(data)
            if program.architecture == "aie2":
                name = path.relative_to(folder)
                yield from ((f"{name} {s.name}", s.data) for s in program.sections if s.is_code)


def test_every_bundle_of_the_corpus_decodes_and_encodes_as_it_was(
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = os.environ.get("NPULAB_AIE2_CORPUS", "")
    if not folder:
        pytest.skip("NPULAB_AIE2_CORPUS names no folder of AIE2 binaries")
    count = 0
    refused: list[str] = []
    mnemonics: set[str] = set()
    for name, code in code_of(Path(folder)):
        at = 0
        try:
            for at, bundle in disassemble(code):
                assert encode(bundle) == code[at : at + bundle.size], f"{name} at {at:#x}"
                mnemonics.update(part.mnemonic for part in bundle.instructions.values())
                count += 1
        except UsageError as error:
            refused.append(f"{name}: {error.message}")
    with capsys.disabled():
        print(f" {count} bundles, {len(mnemonics)} mnemonics, {len(refused)} refusals ", end="")
    assert refused == []
    assert count > 0
