"""Arrays in files: what is read is what the argument takes, or it is refused in words."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import UsageError
from kernels.contract import Array, arg_in, bfloat16
from npulab import arrays

X = arg_in("x", (4, 8), np.int8)


@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple),
    dtype=st.sampled_from([np.int8, np.uint8, np.int16, np.int32, np.float32, bfloat16]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=40)
def test_write_then_read_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, ...], dtype: Any, seed: int
) -> None:
    arg = arg_in("x", shape, dtype)
    raw = np.random.default_rng(seed).integers(0, 256, arg.nbytes, dtype=np.uint8)
    array = raw.view(arg.dtype).reshape(shape)
    path = tmp_path_factory.mktemp("npy") / "x.npy"
    arrays.write(path, array)
    assert arrays.read(path, arg).dtype == arg.dtype
    assert arrays.read(path, arg).tobytes() == array.tobytes()


def test_memory_order_and_byte_order_of_the_file_do_not_matter(tmp_path: Path) -> None:
    values = np.arange(32, dtype=np.int16).reshape(4, 8)
    np.save(tmp_path / "fortran.npy", np.asfortranarray(values))
    np.save(tmp_path / "big.npy", values.astype(">i2"))
    for name in ("fortran.npy", "big.npy"):
        array = arrays.read(tmp_path / name, arg_in("x", (4, 8), np.int16))
        assert array.flags.c_contiguous
        assert array.tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("array", "found", "cure"),
    [
        (np.zeros(32, np.int8), "int8[32]", "a.reshape(4, 8)"),
        (np.zeros((4, 8), np.int16), "int16[4, 8]", "a.astype(np.int8)"),
        (np.zeros((8, 4), np.float32), "float32[8, 4]", "a.reshape(4, 8).astype(np.int8)"),
        (np.zeros((4, 9), np.int8), "int8[4, 9]", "an array of int8[4, 8]"),
        (np.zeros((), np.int8), "int8[]", "an array of int8[4, 8]"),
        (np.zeros((0, 8), np.int16), "int16[0, 8]", "an array of int8[4, 8]"),
        (np.zeros((4, 8), "S1"), "bytes8[4, 8]", "a.astype(np.int8)"),
    ],
)
def test_another_shape_or_dtype_is_refused_with_both_sides(
    tmp_path: Path, array: Array, found: str, cure: str
) -> None:
    path = tmp_path / "x.npy"
    np.save(path, array)
    with pytest.raises(UsageError) as caught:
        arrays.read(path, X)
    assert caught.value.code == "NPU403"
    assert caught.value.details == ("expected  int8[4, 8]", f"found     {found}")
    assert caught.value.cure is not None
    assert cure in caught.value.cure


def _truncated(path: Path) -> None:
    np.save(path, np.zeros((4, 8), np.int8))
    path.write_bytes(path.read_bytes()[:-5])


def _archive(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, x=np.zeros((4, 8), np.int8))


def _objects(path: Path) -> None:
    np.save(path, np.array([{}, None], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda _: None, "there is no file"),
        (lambda path: path.write_bytes(b""), "not a whole .npy file"),
        (lambda path: path.write_text("1 2 3\n"), "not a whole .npy file"),
        (lambda path: path.mkdir(), "is a directory"),
        (_truncated, "not a whole .npy file"),
        (_archive, "an .npz archive"),
        (_objects, "not a whole .npy file"),
    ],
)
def test_what_is_no_array_file_is_refused(
    tmp_path: Path, make: Callable[[Path], Any], says: str
) -> None:
    path = tmp_path / "x.npy"
    make(path)
    with pytest.raises(UsageError, match=says) as caught:
        arrays.read(path, X)
    assert caught.value.code == "NPU404"
    assert caught.value.cure == "argument x takes int8[4, 8], saved with np.save"


def test_an_output_path_that_cannot_be_written_is_refused_beforehand(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path, says in [
        (tmp_path / "missing" / "y.npy", "there is no folder"),
        (tmp_path / "file" / "y.npy", "is not a folder"),
        (tmp_path, "it is a folder"),
    ]:
        with pytest.raises(UsageError, match=says):
            arrays.check_writable(path)


def test_a_read_only_folder_is_refused() -> None:
    """/sys takes new files from nobody, root included."""
    with pytest.raises(UsageError, match="cannot write /sys/y") as caught:
        arrays.write(Path("/sys/y.npy"), np.zeros(4, np.int8))
    assert caught.value.code == "NPU405"


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(tmp_path: Path) -> None:
    """/dev/full, where every write finds a full disk, stands in for the partial file."""
    path = tmp_path / "y.npy"
    arrays.write(path, np.zeros(4, np.int8))
    before = path.read_bytes()
    (tmp_path / f".y.npy.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(UsageError, match="no space left on device"):
        arrays.write(path, np.ones(4, np.int8))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["y.npy"]
