"""passthrough: its source copies, its design moves all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kernels.contract import Array, Kernel
from kernels.passthrough.kernel import CHUNK, Passthrough

Native = Callable[[Kernel], Callable[..., None]]


@pytest.mark.parametrize("symbol", ["passthrough_vector", "passthrough_scalar"])
def test_one_call_copies_exactly_one_chunk(
    symbol: str, native: Native, aligned: Callable[[Array], Array]
) -> None:
    call = native(Passthrough(1024))
    source = aligned(np.random.default_rng(0).integers(0, 256, 2 * CHUNK).astype(np.uint8))
    copy = aligned(np.full(2 * CHUNK, 0xA5, np.uint8))
    call(symbol, source, copy)
    np.testing.assert_array_equal(copy[:CHUNK], source[:CHUNK])
    assert (copy[CHUNK:] == 0xA5).all()


@pytest.mark.parametrize("kernel", Passthrough.variants(), ids=lambda kernel: kernel.label)
def test_a_call_is_a_whole_number_of_chunks(kernel: Any) -> None:
    assert kernel.nbytes % CHUNK == 0
    assert f"[1, 1, 1, {kernel.nbytes}]" in kernel.design()


def test_golden_is_a_copy_not_a_view() -> None:
    kernel = Passthrough(1024)
    source = np.zeros(1024, np.uint8)
    copy = kernel.golden({"source": source})["copy"]
    source[0] = 1
    assert not copy.any()


def test_the_sizes_are_those_of_the_first_bring_up() -> None:
    assert [kernel.label for kernel in Passthrough.variants()] == [
        "1024",
        "1024-scalar",
        "4096",
        "16384",
    ]
