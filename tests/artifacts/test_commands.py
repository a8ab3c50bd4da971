"""``npulab inspect`` and ``npulab diff``: what is printed, and how wide."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from npulab.cli import cli
from simulator.aie2.assembler import assemble, write_elf
from toolchain.artifacts import elf

PathOf = Callable[[str], Path]


def run(*words: str | Path, columns: int = 80) -> Result:
    return CliRunner().invoke(
        cli, [str(word) for word in words], prog_name="npulab", env={"COLUMNS": str(columns)}
    )


@pytest.fixture
def small(path_of: PathOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An xclbin with a short name, in the folder that is current."""
    monkeypatch.chdir(tmp_path)
    for name in ("small.xclbin", "two.xclbin"):
        Path(name).write_bytes(path_of(name).read_bytes())
    return Path("small.xclbin")


@pytest.mark.parametrize(
    "words", [["inspect"], ["inspect", "--bytes"], ["diff", "two.xclbin"]], ids=" ".join
)
def test_no_line_is_longer_than_the_console_is_wide(words: list[str], small: Path) -> None:
    lines = run(*words, small).stdout.splitlines()
    assert len(lines) > 10
    assert all(len(line) <= 80 and line == line.rstrip() for line in lines)
    wide = run(*words, small, columns=1000).stdout.splitlines()
    assert max(map(len, wide)) > 80
    assert " ".join(lines).split() == " ".join(wide).split()


def test_the_rest_of_a_long_line_is_further_in(small: Path) -> None:
    lines = run("inspect", small).stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if "DMA_BD0.length" in line)
    assert lines[at].startswith("          8 dma_write      tile(0,2) DMA_BD0.length = 256,")
    assert lines[at + 1].startswith("              .lock_acq_value = -1,")


@pytest.mark.parametrize("words", [["inspect"], ["diff", "two.xclbin"]], ids=" ".join)
def test_json_is_not_folded(words: list[str], small: Path) -> None:
    assert run(*words, small, "--json").stdout == run(*words, small, "--json", columns=20).stdout
    assert json.loads(run(*words, small, "--json", columns=20).stdout)["kind"] == "xclbin"


def test_data_in_code_is_named_by_file_and_section(tmp_path: Path) -> None:
    path = tmp_path / "core.elf"
    content = write_elf(assemble("main: mova r0, #1; mov r1, #2\n" + "nop\n" * 20))
    (text,) = (one for one in elf.decode(content).sections if one.name == ".text")
    at = text.offset + 6
    path.write_bytes(content[:at] + b"\xff" * 40 + content[at + 40 :])
    done = run("inspect", "--disassemble", path)
    assert done.exit_code == 2
    assert "       0: 8d 0e 40 08 20 00\tmova\tr0, #1;\t\tmov\tr1, #2\n" in done.stdout
    assert re.search(r"\[NPU50[12]\] .*core\.elf: section \.text: .*0x6", done.stderr)


def test_listings_are_not_folded(tmp_path: Path) -> None:
    """They are what ``npulab asm`` reads again."""
    path = tmp_path / "core.elf"
    path.write_bytes(write_elf(assemble("main: mova r0, #1; mov r1, #2\n")))
    shown = run("inspect", "--disassemble", path, columns=30).stdout
    assert "       0: 8d 0e 40 08 20 00\tmova\tr0, #1;\t\tmov\tr1, #2\n" in shown
