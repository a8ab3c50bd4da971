"""Fixtures of profiles: the committed binaries, watched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from runtime.binary import load
from runtime.profiling import Profiled, Programs, Watched, profiled
from simulator.aie2.profile.listener import Listener

BINARIES = Path(__file__).parent.parent / "binaries"
BYTES = {
    "call_delay": (512, 512),
    "call_delay_miscompiled": (512, 512),
    "delay_slots": (128, 176),
    "gelu_int8": (1024, 1024),
    "latencies": (256, 4480),
    "matmul_int8": (1024, 2048),
    "multiply_add_bf16": (3072, 1024),
    "passthrough": (16384, 16384),
}
Run = Callable[..., Profiled]


@pytest.fixture
def run() -> Run:
    """Return a function that runs a committed binary and profiles it."""

    def run(name: str, *, named: bool = True, checked: bool = True) -> Profiled:
        folder = BINARIES / name
        watched = Watched(Programs([folder / "core.elf"] if named else []), checked=checked)
        listener = Listener(watched)
        given, taken = BYTES[name]
        program = load(
            folder / "design.xclbin", folder / "insts.bin", recorder=listener, code=watched
        )
        x = np.arange(given, dtype=np.uint32).astype(np.uint8)
        program(x, np.zeros(taken, np.uint8))
        return profiled(name, watched, listener)

    return run
