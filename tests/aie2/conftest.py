"""FAKE wheels of mlir-aie and llvm-aie, a local index that serves them, and an environment."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import stat
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
import tomlkit

from toolchain.aie2 import environment
from toolchain.aie2.environment import Environment
from toolchain.pins import lockfile
from toolchain.pins.lockfile import Wheel
from toolchain.storage.store import Store
from toolchain.work.runner import LocalRunner

HERE = Path(__file__).parent
FAKE = HERE / "fake"
FIXTURES = HERE.parent / "artifacts" / "fixtures"

MLIR_AIE = "mlir_aie-1.4.2-py3-none-any.whl"
LLVM_AIE = "llvm_aie-21.0.0-py3-none-any.whl"

Contents = dict[str, bytes]


def program(name: str) -> bytes:
    """Return a FAKE tool as a program of this Python."""
    return f"#!{sys.executable}\n".encode() + (FAKE / name).read_bytes()


def support() -> Contents:
    """Return what the FAKE tools share."""
    files = {name: (FAKE / name).read_bytes() for name in ("objects.py", "options.json")}
    files["insts.bin"] = (FIXTURES / "insts_0_1.bin").read_bytes()
    files |= {f"packing/{name}": content for name, content in packing().items()}
    return {f"fake_support/{name}": content for name, content in files.items()}


@cache
def packing() -> Contents:
    """Return what bootgen and xclbinutil are given, as for the committed xclbins."""
    kept = sys.modules.get("sample")
    sample = sys.modules["sample"] = _load(FIXTURES.parent / "sample.py")
    vendor = _load(FIXTURES.parent / "rebuild.py")  # which imports the sample by its bare name
    del sys.modules["sample"]
    if kept is not None:
        sys.modules["sample"] = kept
    entry = {
        "uuid": "UUID",
        "file_name": "main.pdi",
        "cdo_groups": [vendor.group("DPU", "PRIMARY", 1, ["0x901"], ["0xC1"])],
    }
    texts = {
        "memories.json": vendor.memories(),
        "kernels.json": vendor.kernels(5),
        "partition.json": vendor.partition(entry, width=4, starts=[0]),
    }
    configuration = {name: data for name, data in sample.files().items() if "insts" not in name}
    return {
        **configuration,
        **{name: json.dumps(content).encode() for name, content in texts.items()},
        "main.bif": vendor.BIF.encode(),
        "main.pdi": (FIXTURES / "small.pdi").read_bytes(),
    }


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"packing_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return module


def mlir_aie() -> Contents:
    return {
        "mlir_aie/bin/aiecc": program("aiecc.py"),
        "mlir_aie/include/aie_api/aie.hpp": b"// FAKE aie_api\n",
        **support(),
    }


def llvm_aie() -> Contents:
    return {
        "llvm-aie/bin/clang++": program("clang.py"),
        "llvm-aie/bin/llvm-nm": program("nm.py"),
    }


def write_wheel(path: Path, contents: Contents) -> str:
    """Write a wheel, the same bytes each time, and return its sha256."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(contents.items()):
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            mode = 0o755 if "/bin/" in name else 0o644
            info.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(info, content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Wheels:
    """A folder of FAKE wheels, and the lock that pins them."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self.folder = folder
        self.base_url = base_url
        self.contents = {MLIR_AIE: mlir_aie(), LLVM_AIE: llvm_aie()}
        self.write()

    def write(self) -> None:
        """Write the wheels anew; `pins` are those of what was written last."""
        self.pins = tuple(
            Wheel(
                name=name.split("-")[0].replace("_", "-"),
                version=name.split("-")[1],
                python="any",
                tag="v0",
                url=f"{self.base_url}/{name}",
                sha256=write_wheel(self.folder / name, contents),
                commit="FAKE",
                size=(self.folder / name).stat().st_size,
            )
            for name, contents in self.contents.items()
        )
        self.lock_file.write_text(self.lock_text())

    @property
    def lock_file(self) -> Path:
        """A lock file that pins the wheels."""
        return self.folder.parent / "pins.toml"

    def lock_text(self) -> str:
        document = tomlkit.parse(lockfile.PATH.read_text())
        document["wheel"] = [
            {name: value for name, value in msgspec.to_builtins(pin).items() if value is not None}
            for pin in self.pins
        ]
        return tomlkit.dumps(document)

    @property
    def files(self) -> dict[Wheel, Path]:
        return {wheel: self.folder / wheel.file_name for wheel in self.pins}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wheels]:
    """A local index that serves FAKE wheels, and a lock file that pins them, in use."""
    folder = tmp_path / "index"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made = Wheels(folder, f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("NPULAB_PINS", str(made.lock_file))
    monkeypatch.setenv("NPULAB_PYTHON", "3.11")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("NPULAB_CONFIG", raising=False)
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def packer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The FAKE xclbinutil, set as the user would set a real one."""
    folder = tmp_path / "xrt"
    folder.mkdir()
    path = folder / "xclbinutil"
    path.write_bytes(program("xclbinutil.py"))
    path.chmod(0o755)
    (folder / "small.xclbin").write_bytes((FIXTURES / "small.xclbin").read_bytes())
    monkeypatch.setenv("NPULAB_XCLBINUTIL", str(path))
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


Install = Callable[[], Environment]


@pytest.fixture
def install(wheels: Wheels, store: Store) -> Install:
    """Return a function that installs the FAKE wheels as they stand."""
    return lambda: environment.install(store, LocalRunner(), "3.11", wheels.files)
