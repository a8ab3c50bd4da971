"""Files that are whole or not there, and refusals of the disk in one line."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from errors import MissingEnvironment
from toolchain.storage import disk


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    disk.replace_file(path, b"old")
    disk.replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        disk.replace_file(tmp_path / "folder", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (errno.ENOSPC, "NPU020", "no space left"),
        (errno.EDQUOT, "NPU020", "quota"),
        (errno.EFBIG, "NPU020", "file size limit"),
        (errno.EACCES, "NPU021", "permission denied"),
        (errno.EPERM, "NPU021", "not permitted"),
        (errno.EROFS, "NPU021", "read-only"),
        (errno.ENOTDIR, "NPU021", "a file stands"),
    ],
)
def test_a_refusal_names_folder_and_cure(number: int, code: str, words: str) -> None:
    with pytest.raises(MissingEnvironment, match=words) as caught, disk.writing(Path("/some")):
        raise OSError(number, "as the system says it")
    assert caught.value.code == code
    assert "/some" in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.cure


def test_other_failures_stay_what_they_are() -> None:
    with pytest.raises(FileNotFoundError), disk.writing(Path("/some")):
        raise FileNotFoundError(errno.ENOENT, "no such file")


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingEnvironment, match="a file stands where a folder should be"):
        disk.replace_file(tmp_path / "file" / "inner" / "name", b"")


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    assert disk.read_if_there(tmp_path / "file") == b"x"
    assert disk.read_if_there(tmp_path / "none") is None
    assert disk.read_if_there(tmp_path) is None
    assert disk.read_if_there(tmp_path / "file" / "below") is None
