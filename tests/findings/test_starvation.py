"""Channels that can never begin are found before a design runs."""

from __future__ import annotations

import pytest

from errors import CheckFailed
from simulator import check
from tests.findings.design import FOLDER, read

RELEASE = "aie.use_lock(%full, Release, 1)"


def refusal(text: str) -> tuple[str | None, str]:
    check(text)
    with pytest.raises(CheckFailed) as error:
        check(text, complete=True)
    return error.value.code, error.value.message


def test_a_lock_that_nobody_releases() -> None:
    text = read(FOLDER / "missing-release.mlir").text
    assert refusal(text) == (
        "NPU225",
        "tile(0,2) MM2S:0 can never begin: BD 0 of tile(0,2) (box, line 26) waits for lock 1 of "
        "tile(0,2) (full) >= 1, which starts at 0, and nothing in the design releases it",
    )


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        (
            "      aie.end\n    }\n    aie.mem",
            f"      {RELEASE}\n      aie.end\n    }}\n    aie.mem",
        ),
        ("init = 0", "init = 1"),
        ("aiex.npu.dma_wait", "aiex.set_lock(%full, 1)\n      aiex.npu.dma_wait"),
        (
            "aiex.npu.dma_wait",
            "aiex.npu.write32 {address = 0x1F010 : ui32, column = 0 : i32, row = 2 : i32, "
            "value = 1 : ui32}\n      aiex.npu.dma_wait",
        ),
    ],
    ids=["by the core", "by its initial value", "by the host", "perhaps by a register write"],
)
def test_a_lock_that_may_be_had(line: str, instead: str) -> None:
    text = read(FOLDER / "missing-release.mlir").text
    assert line in text
    check(text.replace(line, instead), complete=True)


def test_a_port_without_a_route() -> None:
    text = read(FOLDER / "missing-release.mlir").text.replace("init = 0", "init = 1")
    flow = "aie.flow(%core, DMA : 0, %shim, DMA : 0)"
    assert flow in text
    assert refusal(text.replace(flow, "aie.flow(%core, DMA : 1, %shim, DMA : 0)")) == (
        "NPU226",
        "tile(0,2) MM2S:0 (line 23) can never begin: no route leaves tile(0,2) DMA:0",
    )
