"""Cut and altered files: a report or a clear error, never a crash, a hang or a huge answer."""

from __future__ import annotations

import random
import struct
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from errors import LabError
from toolchain.artifacts import cdo
from toolchain.artifacts.binary import checksum
from toolchain.artifacts.diff import diff_files
from toolchain.artifacts.inspect import inspect_bytes

Bytes = Callable[[str], bytes]
NAMES = ("small.pdi", "boot.pdi", "small.xclbin", "two.xclbin", "insts_0_1.bin", "object.o")
MOST_MEMORY = 64 << 20
MOST_TEXT = 1 << 20
WORDS = (0, 1, 4, 0x7F, 0xFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def seeds(fixture_bytes: Bytes, sample: ModuleType) -> list[bytes]:
    """Return the files that are altered: one of every kind and form."""
    files = [fixture_bytes(name) for name in NAMES]
    files += [fixture_bytes("insts_1_0.bin"), cdo.encode(sample.init())]
    return files


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Return `data` with one to four defects of the kinds that copying and bit rot make."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(changed)) if changed else 0
        match rng.randrange(8):
            case 0:
                del changed[at:]
            case 1:
                changed[at : at + 1] = (
                    bytes([changed[at] ^ 1 << rng.randrange(8)]) if changed else b""
                )
            case 2:
                changed[at : at + rng.randrange(1, 64)] = b""
            case 3:
                changed[at:at] = rng.randbytes(rng.randrange(1, 64))
            case 4:
                changed[at : at + 32] = bytes(len(changed[at : at + 32]))
            case 5 | 6 if len(changed) >= 4:
                word = at % (len(changed) - 3) & ~3
                struct.pack_into("<I", changed, word, rng.choice(WORDS))
            case _ if len(changed) >= 4:
                word = at % (len(changed) - 3) & ~3
                (old,) = struct.unpack_from("<I", changed, word)
                struct.pack_into("<I", changed, word, (old + rng.choice((-1, 1, 16))) % (1 << 32))
    return bytes(changed) if rng.randrange(2) else mend(bytes(changed))


def mend(data: bytes) -> bytes:
    """Return `data` with the checksums of a PDI's and of CDOs' headers put right.

    Without this nearly every alteration of a header would end at its checksum, and what is
    behind would never be reached.
    """
    changed = bytearray(data)
    start = data.find(struct.pack("<4I", 0xDD, 0x11223344, 0x55667788, 0x99AABBCC))
    places = (
        [(start + 0x10, 0x80), (start + 0x90, 0x40), (start + 0xD0, 0x80)] if start >= 0 else []
    )
    at = data.find(b"\4\0\0\0CDO\0")
    while at >= 0:
        places.append((at, 20))
        at = data.find(b"\4\0\0\0CDO\0", at + 1)
    for place, size in places:
        if place + size <= len(changed):
            words = struct.unpack_from(f"<{size // 4 - 1}I", changed, place)
            struct.pack_into("<I", changed, place + size - 4, checksum(words))
    return bytes(changed)


def outcome(data: bytes) -> str:
    """Return how the inspection of a file ends: its error's code, or what the report has."""
    try:
        report = inspect_bytes(data, "mutant")
    except LabError as error:
        clear = bool(error.code and error.cure) and len(str(error)) < 1000
        return str(error.code) if clear else f"unclear: {error}"
    if len(report.text(spans=True)) > MOST_TEXT or len(report.json()) > 4 * MOST_TEXT:
        return "a huge answer"
    return "problems" if report.problems else "read"


CODES = {f"NPU05{i}" for i in range(7)}


def campaign(files: list[bytes], count: int, seed: int) -> Counter[str]:
    """Inspect `count` altered files; return how many ended how."""
    rng = random.Random(seed)
    outcomes = Counter(outcome(mutate(rng.choice(files), rng)) for _ in range(count))
    assert outcomes.total() == count
    assert set(outcomes) <= CODES | {"read", "problems"}
    assert outcomes["read"] > count / 20
    return outcomes


def test_three_hundred_mutations(fixture_bytes: Bytes, sample: ModuleType) -> None:
    files = seeds(fixture_bytes, sample)
    tracemalloc.start()
    try:
        outcomes = campaign(files, 300, seed=1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(outcomes) >= 6
    assert peak < MOST_MEMORY


@pytest.mark.slow
def test_ten_thousand_mutations(fixture_bytes: Bytes, sample: ModuleType) -> None:
    outcomes = campaign(seeds(fixture_bytes, sample), 10_000, seed=2)
    assert set(outcomes) == CODES | {"read", "problems"}


@pytest.mark.parametrize("name", NAMES)
def test_every_cut(name: str, fixture_bytes: Bytes) -> None:
    data = fixture_bytes(name)
    for size in {*range(0, len(data), 37), len(data) - 1}:
        with pytest.raises(LabError) as caught:
            inspect_bytes(data[:size], "cut")
        assert caught.value.code is not None


def test_altered_files_are_compared_or_refused(
    fixture_bytes: Bytes, sample: ModuleType, tmp_path: Path
) -> None:
    rng = random.Random(3)
    before, after = tmp_path / "before", tmp_path / "after"
    outcomes: Counter[str | None] = Counter()
    for _ in range(100):
        data = rng.choice(seeds(fixture_bytes, sample))
        before.write_bytes(data)
        after.write_bytes(mutate(data, rng))
        try:
            outcomes["same" if diff_files(before, after).same else "changed"] += 1
        except LabError as error:
            outcomes[error.code] += 1
    assert set(outcomes) <= CODES | {"NPU059", "same", "changed"}
    assert outcomes["changed"] > 5
