"""The whole way with FAKE wheels, from lock to artifacts, and each fault of an index by name.

The index is an upstream in small: it lists releases as GitHub does, and serves their files. The
commands run as a user runs them, in processes of their own, except for the one that asks GitHub.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kernels import registry
from npulab.cli import cli
from toolchain.fetch import shelf
from toolchain.fetch.connection import Patience
from toolchain.pins import lockfile, releases

MANYLINUX = "manylinux_2_35_x86_64.whl"
MLIR = {python: f"mlir_aie-1.4.2-cp{python.replace('.', '')}" for python in lockfile.PYTHONS}
NAMES = {
    **{python: f"{name}-{name.rpartition('-')[2]}-{MANYLINUX}" for python, name in MLIR.items()},
    "any": f"llvm_aie-21.0.0.2026080301+c9c5ecb7-py3-none-{MANYLINUX}",
}
"""File names of the wheels, by the variant that they serve."""

TAGS = {"3.11": "v1.4.2", "3.13": "v1.4.2", "any": "nightly"}
KERNEL = "gelu_int8/512"
PATIENCE = Patience(connect=2, silence=0.3, window=0.4, attempts=3, pause=0.01, longest_pause=0.05)


class Index(ThreadingHTTPServer):
    """Serves the wheels of a folder and the list of their releases.

    Attributes:
        fault: What is wrong with the file of mlir-aie, None for nothing.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.fault: str | None = None
        self.released = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def address(self, python: str) -> str:
        return f"{self.url}/files/{urllib.parse.quote(NAMES[python])}"

    def release(self, tag: str) -> bytes:
        """Return the answer to a question for a release."""
        assets = []
        for python, name in NAMES.items():
            content = (self.folder / name).read_bytes()
            assets.append(
                {
                    "name": name,
                    "size": len(content),
                    "browser_download_url": self.address(python),
                    "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
                }
            )
        return json.dumps({"tag_name": tag, "assets": assets}).encode()


class _Handler(BaseHTTPRequestHandler):
    server: Index

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        kind, *_, name = urllib.parse.unquote(self.path).strip("/").split("/")
        if kind == "repos":
            self._answer(self.server.release(name))
            return
        path = self.server.folder / name
        if self.server.fault and name.startswith("mlir_aie"):
            self._misbehave(path)
        else:
            self._answer(path.read_bytes())

    def _answer(self, content: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _misbehave(self, path: Path) -> None:
        content, fault = path.read_bytes(), self.server.fault
        if fault in ("404", "500"):
            self._answer(b"", int(fault))
        elif fault == "corrupted":
            middle = len(content) // 2
            self._answer(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        elif fault == "truncated":
            self._answer(content[:-50])
        elif fault == "swapped":
            self._answer((path.parent / NAMES["any"]).read_bytes())
        elif fault == "slow":
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            for at in range(0, len(content), len(content) // 5):
                self.wfile.write(content[at : at + len(content) // 5])
                self.wfile.flush()
                self.server.released.wait(0.1)
        elif fault == "hanging":
            self.server.released.wait(30)
        else:
            raise AssertionError(fault)


@pytest.fixture
def index(wheels: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Index]:
    """An upstream with wheels for both variants, and a lock that has the hash of none."""
    mlir, llvm = wheels.contents.values()
    wheels.contents = {
        # A README of its own, as each Python's wheel is another file.
        **{NAMES[python]: {**mlir, "mlir_aie/README": python.encode()} for python in MLIR},
        NAMES["any"]: llvm,
    }
    wheels.write()
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "NPULAB_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    server = Index(wheels.folder)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setattr(
        releases, "Releases", functools.partial(releases.Releases, api=f"{server.url}/repos")
    )
    monkeypatch.setenv("NPULAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NPULAB_BUILD", str(tmp_path / "build"))
    monkeypatch.setenv("NPULAB_RUNNER", "local")
    wheels.lock_file.write_text(unpinned(server))
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


def unpinned(server: Index) -> str:
    """Return the lab's own lock file, without any hash and with this index's addresses."""
    text = lockfile.PATH.read_text()
    for wheel in lockfile.load(lockfile.PATH).wheels:
        text = text.replace(wheel.url, server.address(wheel.python))
        text = text.replace(wheel.sha256, lockfile.UNPINNED)
    return text.replace("manylinux_2_27_x86_64.manylinux_2_28", "manylinux_2_35")


def here(*arguments: str) -> Result:
    """Run a command in this process, where GitHub is the index."""
    return CliRunner().invoke(cli, list(arguments))


def npulab(*arguments: str) -> str:
    """Run a command that must succeed in a process of its own, and return what it prints."""
    command = [sys.executable, "-m", "npulab", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def build(*kernels: str) -> dict[str, str]:
    """Build kernels for aie2, and return the hash of every file that came out, manifests apart."""
    units = json.loads(npulab("build", *kernels, "--target", "aie2", "--json"))["units"]
    paths = [path for unit in units for path in Path(unit["folder"]).iterdir()]
    return {
        "/".join(path.parts[-3:]): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.name != "manifest.json"
    }


def wrong_files(cache: Path) -> list[str]:
    """Return what is in the cache under the name of a wheel or toolchain, and is none."""
    found = [
        str(path)
        for path in cache.glob("wheels/*/*.whl")
        if hashlib.sha256(path.read_bytes()).hexdigest() != path.parent.name
    ]
    return found + [
        str(folder)
        for folder in cache.glob("toolchains/*")
        if not (folder / "installed.json").is_file()
    ]


FAULTS = {
    "corrupted": ("NPU028", 1),
    "truncated": ("NPU028", 1),
    "swapped": ("NPU028", 1),
    "404": ("NPU026", 3),
    "500": ("NPU027", 3),
    "hanging": ("NPU027", 3),
    "slow": (None, 0),
}
"""What a fault of the index ends in: its code and the command's exit code."""


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_an_index_has_its_name_and_leaves_the_cache_right(
    fault: str, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "Patience", lambda: PATIENCE)
    assert here("lock").exit_code == 0
    assert here("clean", "--toolchains").exit_code == 0
    code, exit_code = FAULTS[fault]
    index.fault = fault
    result = here("fetch")
    assert result.exit_code == exit_code, result.output
    assert code is None or f"[{code}]" in result.output
    if code == "NPU027":
        assert re.search(
            r"^mlir-aie 1\.4\.2: .+; again in 0 s, attempt 3 of 3$", result.stderr, re.M
        )
    cache = tmp_path / "cache"
    assert wrong_files(cache) == []
    assert len(list(cache.glob("toolchains/*"))) == (1 if code is None else 0)
    index.fault = None
    assert "installed and tested" in here("fetch").output
    assert wrong_files(cache) == []
    assert {path.name for path in cache.glob("wheels/*/*")} == {NAMES["3.11"], NAMES["any"]}


def test_a_variant_is_refused_until_the_one_command_pins_it(index: Index) -> None:
    early = here("fetch", "--python", "3.13")
    assert (early.exit_code, "[NPU024]" in early.output) == (3, True)
    assert "pin it with: npulab lock" in early.output
    pinned = here("lock")
    digest = hashlib.sha256((index.folder / NAMES["3.13"]).read_bytes()).hexdigest()
    assert f'+sha256 = "{digest}"' in pinned.output
    assert "installed and tested" in here("fetch", "--python", "3.13").output


def test_a_build_takes_the_variant_that_is_asked_for(index: Index) -> None:
    assert here("lock").exit_code == 0
    digests = {
        python: hashlib.sha256((index.folder / NAMES[python]).read_bytes()).hexdigest()
        for python in MLIR
    }
    for python, digest in digests.items():
        assert "installed and tested" in here("fetch", "--python", python).output
        arguments = ("build", KERNEL, "--target", "aie2", "--python", python, "--json")
        (unit,) = json.loads(here(*arguments).stdout)["units"]
        manifest = json.loads((Path(unit["folder"]) / "manifest.json").read_text())
        assert manifest["tools"]["mlir-aie"].endswith(f"sha256:{digest}")

    lock = Path(os.environ["NPULAB_PINS"])
    lock.write_text(lock.read_text().replace(digests["3.11"], lockfile.UNPINNED))
    assert here("build", KERNEL, "--target", "aie2", "--python", "3.13").exit_code == 0
    refused = here("build", KERNEL, "--target", "aie2", "--python", "3.11")
    assert (refused.exit_code, "[NPU024]" in refused.output) == (3, True)
    assert "--python or NPULAB_PYTHON 3.13" in " ".join(refused.output.split())


def test_the_committed_lock_has_no_hash_for_3_13_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until somebody with a network has run `npulab lock`: then this test goes."""
    monkeypatch.delenv("NPULAB_PINS", raising=False)
    for arguments in (("fetch",), ("build", KERNEL, "--target", "aie2")):
        monkeypatch.setenv("NPULAB_PYTHON", "3.13")
        result = here(*arguments)
        assert (result.exit_code, "[NPU024]" in result.output) == (3, True)
        assert "npulab lock" in result.output


def test_what_changed_upstream_is_told_in_80_columns(index: Index) -> None:
    assert here("lock").exit_code == 0
    same = here("lock", "--check")
    assert (same.exit_code, same.stdout.count("current")) == (0, 3)
    changed = index.folder / NAMES["3.11"]
    changed.write_bytes(changed.read_bytes() + b"more")
    digest = hashlib.sha256(changed.read_bytes()).hexdigest()
    result = here("lock", "--check")
    assert (result.exit_code, "[NPU049]" in result.stderr) == (1, True)
    assert f"upstream's file has sha256 {digest} now" in " ".join(result.stdout.split())
    assert max(map(len, result.stdout.splitlines())) <= 80
    document = json.loads(here("lock", "--check", "--json").stdout)
    assert [one["state"] for one in document] == ["changed", "current", "current"]


def set_traps(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make an environment of a user in which every tool that it reaches breaks.

    The lab itself is started in it too, so that what Python reads at its start spares it.
    """
    tools, python = folder / "bin", folder / "python"
    tools.mkdir(parents=True)
    for name in ("aiecc", "aiecc.py", "clang++", "llvm-nm", "ld.lld", "xclbinutil", "python3"):
        (tools / name).write_text("#!/bin/sh\necho trapped >&2; exit 9\n")
        (tools / name).chmod(0o755)
    (python / "aie").mkdir(parents=True)
    (python / "aie" / "__init__.py").write_text("raise ImportError('trapped')\n")
    (python / "sitecustomize.py").write_text(
        "import os, sys, typing\n"
        "if hasattr(typing, '_ClassVar'): del typing._ClassVar\n"
        "if 'npulab' not in sys.orig_argv: os._exit(9)\n"
    )
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(python))
    monkeypatch.setenv("PEANO_INSTALL_DIR", str(folder / "no peano"))
    monkeypatch.setenv("MLIR_AIE_INSTALL_DIR", str(folder / "no mlir-aie"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234567890")
    assert subprocess.run([sys.executable, "-c", ""], check=False).returncode == 9
    assert subprocess.run(["aiecc"], check=False, capture_output=True).returncode == 9


@pytest.mark.slow
def test_from_nothing_to_all_kernels_twice_offline_and_through_every_fault(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start_over(name: str) -> Path:
        monkeypatch.setenv("NPULAB_CACHE", str(tmp_path / name / "cache"))
        monkeypatch.setenv("NPULAB_BUILD", str(tmp_path / name / "build"))
        return tmp_path / name / "cache"

    start_over("first")
    assert "[NPU024]" in here("fetch").output
    assert here("lock").output.count('+sha256 = "') == 3
    assert here("lock", "--check").exit_code == 0
    assert "installed and tested" in npulab("fetch")
    first = build()
    variants = sum(len(registry.find(name)) for name in registry.names())
    assert sum(name.endswith("/design.xclbin") for name in first) == variants
    assert sum(name.endswith("/insts.bin") for name in first) == variants
    npulab("fetch", "--mirror", str(tmp_path / "mirror"))

    start_over("second, with traps")
    with pytest.MonkeyPatch.context() as trapped:
        set_traps(tmp_path / "traps", trapped)
        assert "installed and tested" in npulab("fetch")
        assert build() == first

    for fault, (code, exit_code) in FAULTS.items():
        cache = start_over(f"fault {fault}")
        with pytest.MonkeyPatch.context() as impatient:
            impatient.setattr(shelf, "Patience", lambda: PATIENCE)
            index.fault = fault
            result = here("fetch")
        assert (result.exit_code, code is None or code in result.output) == (exit_code, True)
        assert wrong_files(cache) == []
        index.fault = None
        npulab("fetch")
        built = build(KERNEL)
        assert built == {name: first[name] for name in built}
        assert wrong_files(cache) == []

    index.fault = "404"
    start_over("third, offline")
    assert "[NPU029]" in here("fetch", "--offline").output
    monkeypatch.setenv("NPULAB_MIRROR", str(tmp_path / "mirror"))
    assert "installed and tested" in npulab("fetch", "--offline")
    assert build() == first
