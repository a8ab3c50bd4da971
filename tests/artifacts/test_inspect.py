"""Inspection: every committed file as text and JSON, and every file that is none."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from errors import LabError, UsageError
from toolchain.artifacts import cdo, insts
from toolchain.artifacts.cdo import BlockSet, Cdo, Write
from toolchain.artifacts.inspect import (
    MOST_BYTES,
    MOST_PROBLEMS,
    detect,
    inspect_bytes,
    inspect_file,
)
from toolchain.artifacts.insts import Transaction
from toolchain.artifacts.operations import Write as WriteOperation
from toolchain.artifacts.state import State
from toolchain.artifacts.writes import of_cdos

PathOf = Callable[[str], Path]
FILES = {
    "small.pdi": "pdi",
    "boot.pdi": "pdi",
    "small.xclbin": "xclbin",
    "two.xclbin": "xclbin",
    "insts_0_1.bin": "insts",
    "insts_1_0.bin": "insts",
    "insts_0_1.again.bin": "insts",
    "object.o": "elf",
}


@pytest.mark.parametrize(("name", "kind"), FILES.items())
def test_every_artifact_is_recognised_and_named_to_the_last_byte(
    name: str, kind: str, path_of: PathOf
) -> None:
    report = inspect_file(path_of(name))
    data = path_of(name).read_bytes()
    assert (report.kind, report.size) == (kind, len(data))
    assert report.problems == ()
    assert b"".join(data[span.offset : span.end] for span in report.spans) == data
    text = report.text(spans=True)
    assert text.startswith(f"{path_of(name)}: {kind}, {len(data)} bytes\n")
    assert all(span.name in text for span in report.spans)
    document = json.loads(report.json())
    assert document["kind"] == kind
    assert document["lines"] == list(report.lines)
    assert sum(span["size"] for span in document["bytes"]) == len(data)


def test_the_text_of_an_xclbin(path_of: PathOf) -> None:
    text = inspect_file(path_of("small.xclbin")).text()
    for part in (
        "MEM_TOPOLOGY                   88 bytes",
        "HOST     MEM_DRAM 67108864 bytes at 0x4000000",
        "kernel MLIR_AIE type dpu DPU kernel 0x901, as MLIRAIE",
        "3 bo0      void*      8 bytes at 0x14 in HOST",
        "argument 1 of MLIR_AIE:MLIRAIE: SRAM",
        "argument 3 of MLIR_AIE:MLIRAIE: HOST",
        "1 columns wide, starts at column 1 or 2 or 3 or 4",
        "group DPU PRIMARY id 0x1 kernels 0x901",
        "tile(0,2) DMA_BD0.length = 256, .base_address = 256",
        "tile(0,2) South0 -> DMA0",
        "tile(0,2) Program_Memory: 64 bytes from 0x0 to 0x40",
    ):
        assert part in text


def test_the_time_of_an_xclbin_is_a_date(path_of: PathOf) -> None:
    text = inspect_file(path_of("small.xclbin")).text()
    assert re.search(r"^written by xclbinutil \S+ at 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$", text, re.M)


def test_the_json_of_an_xclbin(path_of: PathOf) -> None:
    content = json.loads(inspect_file(path_of("small.xclbin")).json())["content"]
    assert content["record"] == "Xclbin"
    assert [arg["name"] for arg in content["kernels"][0]["arguments"]][:2] == ["opcode", "instr"]
    (entry,) = content["partitions"][0]["pdis"]
    assert entry["uuid"] == "00000000-0000-0000-0000-000000008025"
    assert entry["image"]["bytes"] == 2080
    commands = entry["pdi"]["images"][0]["partitions"][0]["cdo"]["commands"]
    assert {"record": "Write", "address": 0x21F000, "value": 2}.items() <= commands[4].items()


def test_the_text_of_an_object(path_of: PathOf) -> None:
    text = inspect_file(path_of("object.o")).text()
    for part in (
        "aie2 object, entry 0x0",
        "of 16384 bytes",
        "code  .text.leaf",
        "bytes, stack 48 bytes  leaf",
        "sqrtf, needed by user",
    ):
        assert part in text


def test_a_cdo_file(tmp_path: Path, sample: ModuleType) -> None:
    path = tmp_path / "init.bin"
    path.write_bytes(cdo.encode(sample.init()))
    report = inspect_file(path)
    assert report.kind == "cdo"
    assert "tile(0,1) North0 -> South0 packet 5 mask 0x1f without header" in report.text()
    path.write_bytes(cdo.encode(sample.init()) + b"more")
    with pytest.raises(UsageError, match="4 bytes follow the commands"):
        inspect_file(path)


def test_unknown_registers_are_problems_not_failures() -> None:
    writes = tuple(WriteOperation(address=0x200000 | 0x1D018 + 32 * i, value=1) for i in range(16))
    report = inspect_bytes(insts.encode(Transaction(operations=writes)), "insts.bin")
    assert len(report.problems) == 16
    assert "0x21d018" in report.problems[0]
    assert "no known register word; the nearest is DMA_BD0 at 0x1d000" in report.problems[0]
    assert "0x21d018 (no register): 0x1" in report.text()


def test_problems_are_bounded() -> None:
    writes = tuple(WriteOperation(address=0x70000 + 4 * i, value=1) for i in range(200))
    report = inspect_bytes(insts.encode(Transaction(operations=writes)), "insts.bin")
    assert len(report.problems) == MOST_PROBLEMS + 1
    assert report.problems[-1] == "and 150 more"


def test_a_configuration_without_end_is_bounded() -> None:
    fill = BlockSet(address=0x100000, count=(1 << 32) - 1, value=1)
    state = State.of(of_cdos([Cdo(commands=(fill,) * 1000)]))
    assert state.problems[-1].endswith("words are set: the rest is ignored")
    assert len(state.problems) < 200


def test_unnamed_bytes_are_a_problem(path_of: PathOf) -> None:
    data = path_of("small.pdi").read_bytes()
    assert data.endswith(bytes(4))
    report = inspect_bytes(data[:-1] + b"\1", "x.pdi")
    assert any("not part of the format" in problem for problem in report.problems)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "it is empty"),
        (b"\x7f", "it begins with 7f"),
        (b"module {\n}\n", "it begins with 6d 6f 64 75 6c 65"),
        (b"!<arch>\nobject.o/ ", r"an archive of objects \(extract them with `ar x`\)"),
        (b"version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer"),
        (
            b"\x00\x01\x03\x06\x04\x01\x00\x00\x01\x00\x00\x00\xff\x00\x00\x00",
            "it begins as NPU instructions of 255 bytes and has 16",
        ),
    ],
)
def test_other_files_are_refused(data: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=problem) as caught:
        inspect_file(path)
    assert caught.value.code == "NPU050"
    assert str(path) in caught.value.message


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path / "missing", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(UsageError, match=reason) as caught:
            inspect_file(path)
        assert caught.value.code == "NPU050"


def test_what_has_no_end_is_refused_unread(tmp_path: Path) -> None:
    """A pipe that nobody writes to would be waited for, a device be read for ever."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(UsageError, match="no regular file but a pipe or a device") as caught:
            inspect_file(path)
        assert caught.value.code == "NPU050"


def test_huge_files_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(UsageError, match="more than any NPU artifact") as caught:
        inspect_file(path)
    assert caught.value.code == "NPU050"


def test_detection_needs_only_the_beginning(path_of: PathOf) -> None:
    for name, kind in FILES.items():
        assert detect(path_of(name).read_bytes(), name).kind == kind


def test_messages_name_the_file(path_of: PathOf, tmp_path: Path) -> None:
    path = tmp_path / "cut.xclbin"
    path.write_bytes(path_of("small.xclbin").read_bytes()[:3000])
    with pytest.raises(UsageError, match=r"cut.xclbin: xclbin: the header says"):
        inspect_file(path)


def test_a_configuration_of_everything_is_shown_once(sample: ModuleType) -> None:
    command = Write(address=0x21F000, value=1)
    report = inspect_bytes(cdo.encode(Cdo(commands=(command, command))), "twice.cdo")
    assert sum("Lock0_value.lock_value = 1" in line for line in report.lines) == 2
    other = dataclasses.replace(sample.init(), commands=())
    assert inspect_bytes(cdo.encode(other), "empty.cdo").problems == ()


def test_binaries_of_others() -> None:
    """Read whatever a folder has: artifacts of real builds, made elsewhere."""
    folder = os.environ.get("NPULAB_AIE2_CORPUS", "")
    if not folder:
        pytest.skip("NPULAB_AIE2_CORPUS names no folder of AIE2 binaries")
    suffixes = {".xclbin", ".pdi", ".elf", ".o", ".bin"}
    paths = [path for path in sorted(Path(folder).rglob("*")) if path.suffix in suffixes]
    refused: list[str] = []
    problems: list[str] = []
    for path in paths:
        try:
            report = inspect_file(path)
        except LabError as error:
            refused.append(f"{path.name}: {error.code}")
        else:
            problems += [f"{path.name}: {problem}" for problem in report.problems]
    assert paths
    assert not problems
    assert len(refused) < len(paths) / 2, refused
