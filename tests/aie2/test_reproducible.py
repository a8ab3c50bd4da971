"""An xclbin of the real xclbinutil gets the same bytes whatever uuid and time it was given."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from errors import UsageError
from toolchain.aie2.reproducible import normalise
from toolchain.artifacts import xclbin
from toolchain.artifacts.inspect import inspect_bytes

FIXTURES = Path(__file__).parents[1] / "artifacts" / "fixtures"


@pytest.mark.parametrize("name", ["small.xclbin", "two.xclbin"])
def test_uuid_and_time_make_no_difference(name: str) -> None:
    data = (FIXTURES / name).read_bytes()
    old = xclbin.decode(data)
    other = data.replace(old.uuid.bytes, bytes(range(16))).replace(
        old.uuid.hex.encode(), bytes(range(16)).hex().encode()
    )
    other = other.replace(str(old.timestamp).encode(), b"1234567890")
    other = other.replace(old.timestamp.to_bytes(8, "little"), (99).to_bytes(8, "little"), 1)
    assert other != data
    assert normalise(other) == normalise(data)
    assert normalise(normalise(data)) == normalise(data)


@pytest.mark.parametrize("name", ["small.xclbin", "two.xclbin"])
def test_all_else_stays(name: str) -> None:
    data = (FIXTURES / name).read_bytes()
    before, after = xclbin.decode(data), xclbin.decode(normalise(data))
    assert len(normalise(data)) == len(data)
    assert (after.kernels, after.memories, after.sections) == (
        before.kernels,
        before.memories,
        before.sections,
    )
    images = [[entry.image for entry in one.pdis] for one in after.partitions]
    assert images == [[entry.image for entry in one.pdis] for one in before.partitions]
    assert inspect_bytes(normalise(data), name).problems == ()


def test_other_content_is_another_uuid() -> None:
    data = (FIXTURES / "small.xclbin").read_bytes()
    changed = data.replace(b"\0HOST\0", b"\0HOSU\0").replace(b"HOST", b"HOSU")
    assert changed != data
    assert xclbin.decode(normalise(changed)).uuid != xclbin.decode(normalise(data)).uuid


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(cut=st.integers(0, 7466), at=st.integers(0, 7465), flip=st.integers(1, 255))
def test_a_damaged_xclbin_is_refused_or_read(cut: int, at: int, flip: int) -> None:
    data = bytearray((FIXTURES / "small.xclbin").read_bytes())
    data[at] ^= flip
    code: str | None = None
    try:
        normalise(bytes(data[:cut]) if cut % 2 else bytes(data))
    except UsageError as error:
        code = error.code
    assert code in (None, "NPU051", "NPU052", "NPU053", "NPU054")
