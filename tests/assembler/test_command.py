"""``npulab asm``, and ``npulab inspect --disassemble`` of what it writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from npulab.cli import cli

SOURCE = "main: mova r0, #1; mov r1, #2\n.Lagain: nop\n.data\nx: .word 7\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "core.s"
    path.write_text(SOURCE)
    return path


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], prog_name="npulab")


def test_a_source_is_assembled_beside_itself(source: Path) -> None:
    done = run("asm", source)
    output = source.with_suffix(".elf")
    assert (done.exit_code, done.stdout) == (
        0,
        f"{output}: 8 bytes of program, 4 of data\n",
    )
    assert output.read_bytes().startswith(b"\x7fELF")


def test_the_listing_has_labels_addresses_and_bytes(source: Path, tmp_path: Path) -> None:
    done = run("asm", source, "-o", tmp_path / "new" / "x.elf", "--list")
    assert done.stdout == (
        "00000000 <main>:\n"
        "       0: 8d 0e 40 08 20 00\tmova\tr0, #1;\t\tmov\tr1, #2\n"
        "       6: 01 00\tnop\t\n"
    )


def test_what_is_printed_assembles_to_the_same_program(source: Path, tmp_path: Path) -> None:
    run("asm", source, "-o", tmp_path / "a.elf")
    shown = run("inspect", "--disassemble", tmp_path / "a.elf").stdout
    listing = shown[shown.index("code of .text\n") + len("code of .text\n") :]
    again = tmp_path / "again.s"
    again.write_text(listing)
    assert run("asm", again, "--list").stdout == listing


def test_a_fault_ends_in_one_line_and_writes_nothing(source: Path) -> None:
    source.write_text("nop\n  frobnicate r1\n")
    done = run("asm", source)
    assert done.exit_code == 2
    # Messages wrap at the terminal's width, at blanks and within paths.
    assert "[NPU531]" in done.stderr
    assert "there is no instruction 'frobnicate'" in " ".join(done.stderr.split())
    assert f"{source.name}:2:3:" in done.stderr.replace("\n", "")
    assert not source.with_suffix(".elf").exists()


def test_a_file_that_is_no_text_is_refused(source: Path) -> None:
    source.write_bytes(b"nop\n\xff\xfe")
    done = run("asm", source)
    assert done.exit_code == 2
    assert "byte 4 is no UTF-8" in " ".join(done.stderr.split())


def test_only_elf_files_are_disassembled() -> None:
    insts = Path(__file__).parents[1] / "binaries" / "passthrough" / "insts.bin"
    done = run("inspect", "--disassemble", insts)
    assert done.exit_code == 2
    assert "--disassemble reads ELF files" in done.stderr
    assert run("inspect", "--disassemble", "--json", insts).exit_code == 2
