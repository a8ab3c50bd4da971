"""Damaged configurations and instructions end in a named error or do something harmless."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from errors import LabError
from runtime.binary import ArtifactReader, of_cdos
from simulator.array.array import Array
from simulator.array.core import CoreContext, CoreRun, Delay
from simulator.array.host import Limits
from simulator.binary.configuration import configuration
from simulator.binary.executable import Executable
from toolchain.artifacts import cdo, xclbin

LIMITS = Limits(max_cycles=100_000, max_seconds=10)
FEW = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
HEADER = 20
"""Bytes of a CDO's header, which has a checksum of its own."""

Change = tuple[int, int]
changes = st.lists(
    st.tuples(
        st.integers(0, 1 << 16),
        st.one_of(
            st.integers(0, 0xFFFFFFFF), st.sampled_from([0, 1, 0x2000000, 0x100000, 1 << 31])
        ),
    ),
    min_size=1,
    max_size=4,
)


@contextmanager
def named_or_harmless() -> Iterator[None]:
    """Let errors pass that have a code in the catalogue."""
    try:
        yield
    except LabError as error:
        if not error.code:
            raise


def mutated(data: bytes, first: int, found: list[Change]) -> bytes:
    """Return `data` with some of its words behind byte `first` changed."""
    words = bytearray(data)
    for place, value in found:
        struct.pack_into("<I", words, first + 4 * (place % ((len(data) - first) // 4)), value)
    return bytes(words)


@pytest.fixture(scope="module")
def config(passthrough: Path) -> bytes:
    content = xclbin.decode((passthrough / "design.xclbin").read_bytes())
    commands = [c for part in content.partitions[0].pdis[0].pdi.cdos for c in part.commands]
    return cdo.encode(cdo.Cdo(commands=tuple(commands)))


@FEW
@given(found=changes)
def test_configurations(config: bytes, found: list[Change]) -> None:
    data = mutated(config, HEADER, found)
    with named_or_harmless():
        Array(configuration(of_cdos([cdo.decode(data)])))


@FEW
@given(found=changes)
def test_xclbins(passthrough: Path, found: list[Change]) -> None:
    data = mutated((passthrough / "design.xclbin").read_bytes(), 0, found)
    with named_or_harmless():
        for image in ArtifactReader().package(data, "x").images.values():
            Array(image)


def idle(_tile: Any, _memory: Any) -> Any:
    def run(_core: CoreContext) -> CoreRun:
        yield Delay(1)

    return run


@FEW
@given(found=changes)
def test_instructions(passthrough: Path, found: list[Change]) -> None:
    reader = ArtifactReader()
    package = reader.package((passthrough / "design.xclbin").read_bytes(), "x")
    data = mutated((passthrough / "insts.bin").read_bytes(), 16, found)
    with named_or_harmless():
        commands = reader.instructions(data, "i")
        executable = Executable(package.images, 1, limits=LIMITS, code=idle)
        executable.run(commands, [np.zeros(4096, np.int32), np.zeros(4096, np.int32)])


REGISTERS = (
    *(0x1D000, 0x1D200, 0x1DE00, 0x1DE04, 0x1F000, 0x14000, 0x32000, 0x3F000, 0x3F100, 0x3F200),
    *(0xA0000, 0xA0600, 0xB0000, 0xB0200, 0xC0000),
)
"""Where descriptors, queues, locks, switches and the core's control begin."""

WORD = st.integers(0, 0xFFFFFFFF)


@FEW
@given(
    writes=st.lists(
        st.tuples(
            st.integers(0, 4),
            st.integers(0, 6),
            st.sampled_from(REGISTERS),
            st.integers(0, 0x60),
            WORD,
        ),
        max_size=40,
    )
)
def test_any_writes(writes: list[tuple[int, int, int, int, int]]) -> None:
    commands = tuple(
        cdo.Write(address=col << 25 | row << 20 | base + 4 * offset, value=value)
        for col, row, base, offset, value in writes
    )
    with named_or_harmless():
        Array(configuration(of_cdos([cdo.Cdo(commands=commands)])), code=idle)


def test_an_encoding_that_nobody_knows(passthrough: Path) -> None:
    data = (passthrough / "design.xclbin").read_bytes().replace(b'"utf-8"', b'"uvf-8"')
    with pytest.raises(LabError, match=r"NPU051\] .*unknown encoding"):
        ArtifactReader().package(data, "x")
