"""`npulab profile`, and `npulab trace` of a binary."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from npulab.cli import cli
from tests.profile.conftest import BINARIES

WIDTH = 80
GELU = str(BINARIES / "gelu_int8" / "core.elf")


def npulab(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_a_folder_is_profiled_in_80_columns() -> None:
    done = npulab("profile", BINARIES / "gelu_int8")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert all(len(line) <= WIDTH and line == line.rstrip() for line in lines[1:])
    assert (
        "  gelu                                  2       14,364   94.1          0       0" in lines
    )
    assert "  lock 1 of tile(0,2)                   865    5.7" in lines
    assert "  hot loop at 0xe0 in gelu: 1,022 times back, 93.9%" in lines
    assert "      1,024   6.7      e0: lda.u8 r2, [p0], #1" in lines


def test_the_load_that_comes_too_late_is_told_and_only_warns() -> None:
    done = npulab("profile", BINARIES / "call_delay_miscompiled")
    assert done.exit_code == 0
    text = " ".join(done.stdout.split())
    assert (
        "[NPU517] tile(0,2) reads r1 6 cycles before 0x64 (main+0x34) `lda r1, [p2, #0]` delivers "
        "it: 0xc0 (scale) `mov r5, r1` gets the old value" in text
    )


def test_one_document() -> None:
    folder = BINARIES / "gelu_int8"
    files = ["--xclbin", folder / "design.xclbin", "--insts", folder / "insts.bin"]
    document = json.loads(npulab("profile", *files, "--fast", "--json").stdout)
    (core,) = document["cores"]
    assert core["functions"][0]["name"] == "fn_c0"
    assert core["functions"][0]["cycles"] == 14364
    assert core["instructions"]["part-word store"] == 1024
    assert core["loops"][0]["bundles"][0]["text"] == "lda.u8 r2, [p0], #1"
    assert document["findings"] == document["errors"] == []
    assert document["basis"] == "modelled"


def test_one_function_on_its_own(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(512, np.int8))
    files = ["--in", tmp_path / "x.npy", "--in", "512"]
    done = npulab("profile", "--elf", GELU, "--call", "gelu", *files, "--number", "512", "--json")
    assert done.exit_code == 0, done.output
    (core,) = json.loads(done.stdout)["cores"]
    assert [(one["name"], one["cycles"]) for one in core["functions"]] == [("gelu", 7182)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--call", "gel"), "[NPU521] the program has no function 'gel'; did you mean gelu?"),
        (("--call", "main"), "[NPU521] main waits for a lock or a stream, and on its own there is"),
    ],
)
def test_a_function_that_cannot_be_called(arguments: tuple[str, ...], message: str) -> None:
    done = npulab("profile", "--elf", GELU, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give a FOLDER, --xclbin with --insts, or --elf with --call"),
        (("folder", "--xclbin", "x"), "give a FOLDER, or --xclbin and --insts"),
        (("folder", "--number", "1"), "--number goes with --call"),
        (("--call", "f"), "--call takes one --elf, and neither a FOLDER nor an --xclbin"),
    ],
)
def test_options_that_do_not_go_together(arguments: tuple[str, ...], message: str) -> None:
    done = npulab("profile", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_folder_without_an_xclbin(tmp_path: Path) -> None:
    done = npulab("profile", tmp_path)
    assert done.exit_code == 2
    assert f"[NPU522] {tmp_path} has no file *.xclbin or *.pdi" in done.stderr
    for name in ("a.xclbin", "b.xclbin"):
        shutil.copy(BINARIES / "gelu_int8" / "design.xclbin", tmp_path / name)
    assert "has 2 files *.xclbin: a.xclbin, b.xclbin" in npulab("profile", tmp_path).stderr


def test_a_trace_names_functions(tmp_path: Path) -> None:
    folder, out = BINARIES / "gelu_int8", tmp_path / "t.json"
    files = ["--xclbin", folder / "design.xclbin", "--insts", folder / "insts.bin"]
    done = npulab("trace", *files, "--elf", folder / "core.elf", "--out", out)
    assert done.exit_code == 0, done.output
    names = {event.get("name") for event in json.loads(out.read_text())["traceEvents"]}
    assert {"gelu", "main", "__start"} <= names
    assert "core of tile(0,2) bounds the run" in done.stdout
    other = tmp_path / "p.json"
    npulab("profile", folder, "--trace", other)
    assert json.loads(other.read_text())["traceEvents"]
