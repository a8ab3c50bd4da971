"""Finding the host's compiler: the pinned zig, or what the user puts into CXX."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from errors import CheckFailed, LabError, MissingEnvironment, UsageError
from toolchain import packages
from toolchain.host import compiler
from toolchain.storage import digest
from toolchain.storage.store import Store
from toolchain.work.runner import Completed, LocalRunner

HAS_GXX = shutil.which("g++") is not None


class CountingRunner(LocalRunner):
    """A local runner that counts the processes it starts."""

    def __init__(self) -> None:
        super().__init__()
        self.started = 0

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout: float,
        log: Path,
    ) -> Completed:
        self.started += 1
        return super().run(command, cwd=cwd, env=env, timeout=timeout, log=log)


@pytest.fixture(autouse=True)
def no_cxx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_zig_is_pinned_by_version_and_content(store: Store) -> None:
    found = compiler.find(store, LocalRunner())
    zig = Path(found.compiling[0])
    name, version, content = found.pin.split()
    assert name == "zig"
    assert version.count(".") == 2
    assert content == f"sha256:{digest.of_file(zig)}"
    assert set(found.env) == {"ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"}


def test_a_known_compiler_starts_no_process(store: Store) -> None:
    first, second = CountingRunner(), CountingRunner()
    assert compiler.find(store, first) == compiler.find(store, second)
    assert (first.started, second.started) == (1, 0)


def test_no_zig_in_the_environment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find", lambda _: None)
    with pytest.raises(MissingEnvironment, match="no ziglang") as caught:
        compiler.find(store, LocalRunner())
    assert caught.value.code == "NPU005"


def refusal(store: Store, monkeypatch: pytest.MonkeyPatch, cxx: str) -> LabError:
    monkeypatch.setenv("CXX", cxx)
    with pytest.raises(LabError) as caught:
        compiler.find(store, LocalRunner())
    assert not list((store.root / "work").glob("*"))
    return caught.value


def test_cxx_is_no_program(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refusal(store, monkeypatch, "no-such-compiler -O3")
    assert isinstance(error, UsageError)
    assert error.code == "NPU006"
    assert "no-such-compiler -O3" in error.message


def test_cxx_is_not_quoted_right(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(store, monkeypatch, "g++ 'open").code == "NPU006"


def test_cxx_says_no_version(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    error = refusal(store, monkeypatch, str(program(tmp_path / "cxx", "echo broken; exit 1")))
    assert error.code == "NPU007"
    assert error.details[0] == "broken"


@pytest.mark.parametrize(
    "script",
    [
        "echo no concepts here >&2; exit 1",
        "exit 0",
    ],
    ids=["refuses", "writes nothing"],
)
def test_cxx_builds_no_cpp20(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    answer = '[ "$1" = --version ] && { echo oldcc 1.0; exit 0; }'
    error = refusal(store, monkeypatch, str(program(tmp_path / "cxx", f"{answer}\n{script}")))
    assert isinstance(error, CheckFailed)
    assert error.code == "NPU008"
    if "concepts" in script:
        assert "no concepts here" in error.details


def test_cxx_of_another_machine(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    binary = tmp_path / "cxx"
    binary.write_bytes(b"\x7fELF for something else")
    binary.chmod(0o755)
    assert refusal(store, monkeypatch, str(binary)).code == "NPU016"


@pytest.mark.skipif(not HAS_GXX, reason="no g++ on this machine")
def test_cxx_with_options_is_probed_once_and_pinned(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "g++ -fno-ident")
    first, second = CountingRunner(), CountingRunner()
    found = compiler.find(store, first)
    assert compiler.find(store, second) == found
    assert (first.started, second.started) == (3, 0)
    assert found.compiling[1] == "-fno-ident"
    assert "g++" in found.pin
    assert "sha256:" in found.pin
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("CXX", "/usr/bin/g++ -fno-ident")
    assert "/nowhere" not in str(compiler.find(store, LocalRunner()).env)


@pytest.mark.skipif(not HAS_GXX, reason="no g++ on this machine")
def test_cxx_whose_options_break_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refusal(store, monkeypatch, "g++ -std=c++11 --not-an-option")
    assert error.code in ("NPU007", "NPU008")
    assert any("--not-an-option" in line for line in error.details)


def test_a_replaced_compiler_has_another_pin(store: Store, tmp_path: Path) -> None:
    path = program(tmp_path / "zig", "echo 1.0")
    ask = [str(path), "version"]
    first = compiler._pin(path, ask, {}, store, LocalRunner())
    os.utime(path, (1, 1))
    assert compiler._pin(path, ask, {}, store, LocalRunner()) == first
    program(path, "echo 1.1")
    assert compiler._pin(path, ask, {}, store, LocalRunner()) != first


def test_a_damaged_note_of_the_version_is_written_again(store: Store) -> None:
    pin = compiler.find(store, LocalRunner()).pin
    for content in (b"", b'{"pin": 3}', b'"\xff"'):
        for note in (store.root / "tools").iterdir():
            note.write_bytes(content)
        assert compiler.find(store, LocalRunner()).pin == pin
