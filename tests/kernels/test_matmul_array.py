"""matmul_int8_array: its dimensions, and its host transfers replayed in numpy."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from errors import UsageError
from kernels.matmul_int8_array.kernel import MatmulInt8Array

TRANSFER = re.compile(
    r"dma_memcpy_nd\(%(?P<arg>\w)\[0, 0, 0, (?P<offset>\d+)\]\[(?P<sizes>[\d, ]+)\]"
    r"\[(?P<strides>[\d, ]+)\]\) \{id = (?P<bd>\d+) .*"
    r"metadata = @(?:(?P<way>C_L2L3_\d)|\w+)_(?P<col>\d)\}"
)

SMALL = MatmulInt8Array(128, 48, 256, "i32", 16, 16, 32)


@dataclass(frozen=True)
class Transfer:
    """One dma_memcpy_nd of a design, and how many waits stand before it."""

    arg: str
    half: int
    col: int
    bd: int
    offset: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    waits: int

    def places(self) -> np.ndarray[Any, Any]:
        """Element indices in the order of the stream, one row per execution of the BD."""
        places = np.full((), self.offset)
        for size, stride in zip(self.sizes, self.strides, strict=True):
            places = places[..., np.newaxis] + np.arange(size) * stride
        return places


def transfers(kernel: MatmulInt8Array) -> Iterator[Transfer]:
    waits = 0
    for line in kernel.design().splitlines():
        waits += "dma_wait" in line
        if found := TRANSFER.search(line):
            sizes, strides = (
                tuple(map(int, found[key].split(", "))) for key in ("sizes", "strides")
            )
            col, bd, offset = int(found["col"]), int(found["bd"]), int(found["offset"])
            half = int((found["way"] or "0")[-1])
            yield Transfer(found["arg"], half, col, bd, offset, sizes, strides, waits)


def replay(kernel: MatmulInt8Array, a: Any, b: Any) -> np.ndarray[Any, Any]:
    """Move A, B and C as the transfers say, and multiply tile by tile as the cores do."""
    streams: dict[tuple[str, int, int], list[np.ndarray[Any, Any]]] = defaultdict(list)
    for transfer in transfers(kernel):
        streams[transfer.arg, transfer.half, transfer.col].append(transfer.places().reshape(-1))
    order = {key: np.concatenate(parts) for key, parts in streams.items()}
    k_tiles = kernel.K // kernel.k
    c = np.zeros(kernel.M * kernel.N, np.int64)
    for col in range(4):
        b_tiles = b.reshape(-1)[order["B", 0, col]].reshape(-1, k_tiles, kernel.k, kernel.n)
        parts = []
        for row in range(4):
            a_tiles = a.reshape(-1)[order["A", 0, row]].reshape(-1, k_tiles, kernel.m, kernel.k)
            parts.append((a_tiles.astype(np.int64) @ b_tiles).sum(axis=1))
        for half in range(2):
            pair = np.stack(parts[2 * half : 2 * half + 2], axis=1)
            c[order["C", half, col]] += pair.reshape(-1)
    return c.reshape(kernel.M, kernel.N)


@pytest.mark.parametrize("kernel", [SMALL, *MatmulInt8Array.variants()[:5]], ids=str)
def test_transfers_alone_compute_the_product(kernel: MatmulInt8Array) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-128, 128, arg.shape, np.int8) for arg in kernel.args()[:2])
    expected = a.astype(np.int64) @ b.astype(np.int64)
    np.testing.assert_array_equal(replay(kernel, a, b), expected)


@pytest.mark.parametrize(
    "kernel",
    [*MatmulInt8Array.variants(), MatmulInt8Array(4096, 256, 16384), MatmulInt8Array(256, 8192)],
    ids=str,
)
def test_transfers_fit_the_shim_tiles(kernel: MatmulInt8Array) -> None:
    itemsize = {arg.name: arg.dtype.itemsize for arg in kernel.args()}
    for transfer in transfers(kernel):
        words = itemsize[transfer.arg] / 4
        assert transfer.bd < 16
        assert transfer.sizes[0] <= 64
        assert transfer.sizes[2] <= 1023
        assert transfer.sizes[3] * words <= 1023
        assert (transfer.sizes[3] * words).is_integer()
        assert all((stride * words).is_integer() for stride in transfer.strides[:3])
        assert all(stride * words <= 1 << 20 for stride in transfer.strides)


def test_a_descriptor_is_used_again_only_after_its_wait() -> None:
    kernel = MatmulInt8Array(2048, 64, 256)
    queued: Counter[tuple[str, int, int]] = Counter()
    used: dict[tuple[int, int], int] = {}
    for transfer in transfers(kernel):
        block = queued[transfer.arg, transfer.half, transfer.col]
        finished = transfer.waits // 8
        assert block - finished < 4, "a channel's task queue holds 4"
        previous = used.get((transfer.col, transfer.bd), -1)
        assert previous < finished, "the BD's last row block has not been waited for"
        used[transfer.col, transfer.bd] = block
        queued[transfer.arg, transfer.half, transfer.col] += 1
    assert kernel.design().count("dma_wait") == 8 * 2048 // 256


@pytest.mark.parametrize(
    ("dimensions", "cure"),
    [
        ({"M": 500}, "M = 512"),
        ({"M": 1}, "M = 256"),
        ({"M": 0}, "M = 256"),
        ({"M": -256}, "M = 256"),
        ({"K": 100}, "K = 128"),
        ({"K": 64, "out": "i8"}, "K = 128"),
        ({"K": 1 << 18}, "K = 131072"),
        ({"N": 257}, "N = 256"),
        ({"N": 1 << 20}, "N = 16384"),
        ({"m": 20}, "m = 24"),
        ({"n": 8}, "n = 16"),
        ({"k": 4}, "k = 8"),
    ],
    ids=str,
)
def test_a_dimension_that_does_not_divide_names_the_nearest(
    dimensions: dict[str, Any], cure: str
) -> None:
    name = next(iter(dimensions))
    with pytest.raises(UsageError) as caught:
        MatmulInt8Array(**dimensions)
    assert f"{name} = {dimensions[name]}" in caught.value.message
    assert cure in str(caught.value.cure)
    assert caught.value.code == "NPU150"


def test_golden_requantises_half_to_even() -> None:
    kernel = MatmulInt8Array(256, 128, 256, "i8", shift=1)
    a, b = np.zeros((256, 128), np.int8), np.zeros((128, 256), np.int8)
    a[:, 0] = np.arange(-128, 128)
    b[0] = 1
    column = kernel.golden({"A": a, "B": b})["C"][:, 0]
    assert [column[128 + sum_] for sum_ in (-5, -3, -1, 1, 3, 5)] == [-2, -2, 0, 0, 2, 2]


@pytest.mark.parametrize("name", ["lowest", "highest", "random-0"])
def test_golden_is_exact_in_32_bits(name: str) -> None:
    kernel = MatmulInt8Array(256, 256, 256, "i32")
    inputs = next(case.inputs for case in kernel.cases() if case.name == name)
    expected = inputs["A"].astype(np.int64) @ inputs["B"].astype(np.int64)
    np.testing.assert_array_equal(kernel.golden(inputs)["C"], expected)


def test_labels_tell_variants_apart() -> None:
    labels = [kernel.label for kernel in (*MatmulInt8Array.variants(), SMALL)]
    assert len(set(labels)) == len(labels)
    assert SMALL.label == "128x48x256-i32-16x16x32"
