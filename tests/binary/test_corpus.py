"""Real configurations of other projects, against the lowered MLIR that they were made of.

The binaries are not kept here: NPULAB_AIE2_CORPUS names a folder with PDIs of npu1 designs,
each beside the ``npu_insts.mlir`` of its build.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from errors import LabError, UsageError
from runtime.binary import ArtifactReader
from simulator.array.array import Array
from simulator.array.config import NOWHERE
from simulator.array.host import AwaitToken, HostRequest, HostRun, PatchAddress, WriteRegisters
from simulator.array.snapshot import snapshot
from simulator.binary.executable import Executable
from simulator.binary.instructions import play
from simulator.binary.package import Package
from simulator.mlir.layouts import layout
from simulator.mlir.lower import Lowered, lower
from toolchain.artifacts import insts, operations

_ELF = re.compile(r'elf_file = "[^"]*"(, )?')
"""A core's program, which the MLIR front end cannot read, and which this is not about."""


@pytest.fixture(scope="module")
def packages() -> dict[Path, Package]:
    """Every PDI that can be read; others are damaged or of another format."""
    folder = os.environ.get("NPULAB_AIE2_CORPUS", "")
    if not Path(folder).is_dir() or not folder:
        pytest.skip("NPULAB_AIE2_CORPUS names no folder of AIE2 binaries")
    return dict(_read(Path(folder)))


def _read(folder: Path) -> Iterator[tuple[Path, Package]]:
    reader = ArtifactReader()
    for path in sorted(folder.rglob("*.pdi")):
        try:
            yield path, reader.package(path.read_bytes(), str(path))
        except UsageError:
            continue


def lowered_beside(path: Path) -> Lowered:
    """Return the lowered design that a PDI was made of."""
    text = path.parent / "npu_insts.mlir"
    return lower(_ELF.sub("", text.read_text()), str(text))


def _lowered(path: Path) -> Lowered | None:
    return lowered_beside(path) if (path.parent / "npu_insts.mlir").exists() else None


def test_every_configuration_has_only_known_registers(packages: dict[Path, Package]) -> None:
    failures = {}
    for path, package in packages.items():
        try:
            Array(package.images[1])
        except LabError as error:
            failures[path.name] = error.message
    assert packages
    assert failures == {}


def test_configurations_are_those_of_their_mlir(packages: dict[Path, Package]) -> None:
    compared, different = 0, {}
    for path, package in packages.items():
        lowered = _lowered(path)
        if lowered is None:
            continue
        compared += 1
        mine, theirs = Array(package.images[1]), Array(lowered.configuration)
        if lines := snapshot(mine).differences(snapshot(theirs)):
            different[str(path)] = lines
    assert compared
    assert different == {}


def test_sequences_survive_as_instructions(packages: dict[Path, Package]) -> None:
    """A sequence, written as an instruction file and read back, asks the array for the same."""
    compared = 0
    for path in packages:
        lowered = _lowered(path)
        if lowered is None:
            continue
        compared += 1
        asked = [_plain(r) for r in lowered.commands(lowered.sequence(None))]
        data = insts.encode(insts.Transaction(operations=tuple(map(_operation, asked))))
        commands = ArtifactReader().instructions(data, "insts.bin")
        assert [_plain(r) for r in play(commands, lambda number, _: _none(number))] == asked
    assert compared


def _none(number: int) -> None:
    raise AssertionError(number)


def _plain(request: HostRequest) -> HostRequest:
    assert isinstance(request, WriteRegisters | PatchAddress | AwaitToken)
    if isinstance(request, WriteRegisters):
        request = request._replace(words=tuple(request.words))
    return request._replace(origin=NOWHERE)


def _operation(request: HostRequest) -> operations.Operation:
    match request:
        case AwaitToken(tile, direction, channel):
            sent = int(direction == "MM2S")
            return operations.Sync(
                column=tile.col, row=tile.row, direction=sent, channel=channel, columns=1, rows=1
            )
        case PatchAddress(tile, address, argument, offset):
            at = tile.col << 25 | tile.row << 20 | address
            return operations.AddressPatch(address=at, argument=argument, offset=offset)
        case WriteRegisters(tile, address, words, mask):
            at = tile.col << 25 | tile.row << 20 | address
            if mask != 0xFFFFFFFF:
                return operations.MaskWrite(address=at, value=words[0], mask=mask)
            if len(words) == 1:
                return operations.Write(address=at, value=words[0])
            data = b"".join(word.to_bytes(4, "little") for word in words)
            return operations.BlockWrite(address=at, rest=data)
    raise AssertionError(request)


OVERFLOWING = {"mel_optimized.mlir.prj", "mel_with_fft.mlir.prj"}
"""Designs whose kernels take frames of 3,648 and 7,008 bytes on a stack of 1,024: they write
over the buffers behind it, the next transfer writes over their variables, and they use an
address that is none, or not, as the data have it. Others overflow too, see docs/binaries.md."""


@pytest.mark.slow
def test_whole_designs_run_their_machine_code(packages: dict[Path, Package]) -> None:
    failures: dict[str, str | None] = {}
    overflowed: set[str] = set()
    done = 0
    for path, package in packages.items():
        lowered = _lowered(path)
        if lowered is None:
            continue
        sequence = lowered.sequence(None)
        types = [layout(argument.type) for argument in sequence.body.blocks[0].args]
        arrays = [np.zeros(0 if what is None else what.nbytes, np.uint8) for what in types]
        try:
            stats = Executable(package.images, 1).play(_each(lowered.commands(sequence)), arrays)
            assert any(mask is not None and mask.all() for mask in stats.written)
            done += 1
            if any(finding.code == "NPU518" for finding in stats.findings):
                overflowed.add(path.parent.name)
        except LabError as error:
            failures[path.parent.name] = error.code
    assert done
    assert set(failures) <= OVERFLOWING
    assert set(failures.values()) <= {"NPU518"}
    assert overflowed | set(failures) >= OVERFLOWING


def _each(requests: Iterator[HostRequest]) -> HostRun:
    yield from requests
