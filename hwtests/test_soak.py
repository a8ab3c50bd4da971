"""All kernels by turns, for as long as `--soak MINUTES` says: right to the end, nothing left."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from kernels import registry
from kernels.contract import Kernel
from runtime.device import Device, Program
from runtime.verify import CaseReport, check
from runtime.xrt import XrtDevice
from runtime.xrt.contexts import LIMIT

MIB = 1 << 20
GROWTH = 64 * MIB
"""Bytes that the process may grow by after the first round."""
ROUNDS = 2
"""At least: the first one loads what the process then keeps, the others are held against it."""


class Lab(Protocol):
    """The fixture of that name."""

    device: Device

    def program(self, kernel: Kernel) -> Program: ...


def resident() -> int:
    """Return the bytes of memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_all_kernels_by_turns(
    lab: Lab,
    conclude: Callable[[Kernel, Sequence[CaseReport]], None],
    pytestconfig: pytest.Config,
) -> None:
    kernels = [registry.find(name)[0] for name in registry.names()]
    cases = {kernel: next(iter(kernel.demo())) for kernel in kernels}
    deadline = time.monotonic() + 60 * pytestconfig.getoption("--soak")
    files = memory = rounds = 0
    while rounds < ROUNDS or time.monotonic() < deadline:
        for kernel in kernels:
            report = check(kernel, lab.program(kernel), cases[kernel])
            assert report.ok, f"round {rounds}: {report.failure}"
            if not rounds:
                conclude(kernel, [report])
            if isinstance(lab.device, XrtDevice):
                assert lab.device.contexts <= LIMIT
        rounds += 1
        if rounds == 1:
            files, memory = open_files(), resident()
    assert open_files() <= files
    assert resident() - memory < GROWTH
    print(f"soak: {rounds} rounds of {len(kernels)} kernels, all right")
