"""Unpacking: what is in a wheel arrives whole, and nothing leaves the folder."""

from __future__ import annotations

import stat
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from errors import CheckFailed
from toolchain.fetch.unpack import unpack


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    info.external_attr = mode << 16
    return info


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    def make(*entries: tuple[zipfile.ZipInfo, bytes]) -> Path:
        path = tmp_path / "mlir_aie-1-py3-none-any.whl"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zipfile warns of a name that comes twice
            for info, content in entries:
                archive.writestr(info, content)
        return path

    return make


def test_files_arrive_and_executables_stay_so(make: Callable[..., Path], tmp_path: Path) -> None:
    wheel = make(
        (entry("mlir_aie/bin/aiecc", stat.S_IFREG | 0o755), b"#!/bin/sh\n"),
        (entry("mlir_aie/include/aie.hpp"), b"// header\n"),
        (entry("mlir_aie/empty/", stat.S_IFDIR | 0o755), b""),
        (entry("setuid", stat.S_IFREG | 0o6755), b""),
    )
    unpack(wheel, tmp_path / "out")
    assert (tmp_path / "out/mlir_aie/include/aie.hpp").read_bytes() == b"// header\n"
    assert (tmp_path / "out/mlir_aie/bin/aiecc").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "out/mlir_aie/include/aie.hpp").stat().st_mode & 0o7777 == 0o644
    assert (tmp_path / "out/setuid").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("../outside", 0o100644),
        ("a/../../outside", 0o100644),
        ("/etc/outside", 0o100644),
        ("a\\..\\outside", 0o100644),
        ("C:/outside", 0o100644),
        ("a\0b", 0o100644),
        ("link", stat.S_IFLNK | 0o777),
        ("device", stat.S_IFCHR | 0o644),
        ("pipe", stat.S_IFIFO | 0o644),
    ],
)
def test_an_entry_that_would_do_harm_is_refused_before_anything_is_written(
    name: str, mode: int, make: Callable[..., Path], tmp_path: Path
) -> None:
    wheel = make((entry("good"), b"good"), (entry(name, mode), b"/etc/passwd"))
    with pytest.raises(CheckFailed) as caught:
        unpack(wheel, tmp_path / "out")
    assert caught.value.code == "NPU035"
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("second", ["a", "a/b"])
def test_a_name_that_comes_twice_is_refused(
    second: str, make: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(CheckFailed, match="comes twice"):
        unpack(make((entry("a"), b"1"), (entry(second), b"2")), tmp_path / "out")


def test_a_bomb_is_refused(
    make: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make((entry("zeros"), bytes(100_000)))
    monkeypatch.setattr("toolchain.fetch.unpack.MOST_BYTES", 99_999)
    with pytest.raises(CheckFailed, match="too many bytes"):
        unpack(wheel, tmp_path / "out")


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_archive_is_refused_or_gives_its_files(
    data: st.DataObject, make: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    wheel = make((entry("a/b"), b"content " * 50), (entry("c"), b"more"))
    content = bytearray(wheel.read_bytes())
    cut = data.draw(st.integers(0, len(content)))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    wheel.write_bytes(content[:cut] if data.draw(st.booleans()) else content)
    folder = tmp_path_factory.mktemp("out")
    try:
        unpack(wheel, folder / "in")
    except CheckFailed as error:
        code = error.code
    else:
        code = "NPU035"
    assert code == "NPU035"
    assert [path.name for path in folder.iterdir()] in ([], ["in"])
