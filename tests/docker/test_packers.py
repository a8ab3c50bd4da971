"""The vendor's packers of the XRT image: what they write is read back, and as it was committed."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from kernels import registry
from toolchain import packages
from toolchain.aie2 import environment, reproducible
from toolchain.artifacts import xclbin
from toolchain.artifacts.binary import UNNAMED
from toolchain.artifacts.diff import diff_files
from toolchain.artifacts.inspect import inspect_file
from toolchain.build import build
from toolchain.docker.container import Spec
from toolchain.docker.image import Image
from toolchain.docker.runner import DockerRunner
from toolchain.storage.store import Store
from toolchain.unit import Unit
from toolchain.work.runner import LocalRunner

pytestmark = pytest.mark.docker
TESTS = packages.folder("toolchain").parent / "tests"
FIXTURES = TESTS / "artifacts" / "fixtures"
BINARIES = sorted(path.parent.name for path in TESTS.glob("binaries/*/core.s"))


class ImageTools:
    """The tools of an image, in a folder: what tests/artifacts/rebuild.py calls `Tools`."""

    def __init__(self, runner: DockerRunner, folder: Path) -> None:
        self._runner = runner
        self._folder = folder

    def run(self, *command: str) -> str:
        log = self._folder / "log"
        done = self._runner.run(
            ["/usr/bin/env", *command],
            cwd=self._folder,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            timeout=60,
            log=log,
        )
        assert done.exit_code == 0, log.read_text()
        return log.read_text()

    def write(self, name: str, content: bytes | str | dict[str, object]) -> None:
        text = json.dumps(content) if isinstance(content, dict) else content
        data = text.encode() if isinstance(text, str) else text
        (self._folder / name).write_bytes(data)

    def read(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.mkdir()
    return made


@pytest.fixture
def runner(built: Callable[[str], Image], folder: Path) -> Iterator[DockerRunner]:
    with DockerRunner(Spec(image=built("xrt").tag, writes=(folder,))) as made:
        yield made


@pytest.fixture
def tools(runner: DockerRunner, folder: Path) -> ImageTools:
    return ImageTools(runner, folder)


@pytest.fixture(scope="module")
def scripts() -> Iterator[dict[str, ModuleType]]:
    """The scripts that write the committed files; they import each other by bare names."""
    path, names = [*sys.path], ("sample", "rebuild", "design", "fixtures", "build")
    kept = {name: sys.modules.pop(name, None) for name in names}
    sys.path[:0] = [str(TESTS / "binaries"), str(TESTS / "artifacts")]
    found = {name: importlib.import_module(name) for name in names}
    yield found
    sys.path[:] = path
    for name, module in kept.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


def check_named_to_the_last_byte(path: Path) -> None:
    """Check that the report of a file names each of its bytes once, none as unknown."""
    report, data = inspect_file(path), path.read_bytes()
    assert report.problems == ()
    assert UNNAMED not in {span.name for span in report.spans}
    assert b"".join(data[span.offset : span.end] for span in report.spans) == data
    assert sum(span.size for span in report.spans) == len(data)


def test_bootgen_packs_the_committed_pdis(
    tools: ImageTools, scripts: dict[str, ModuleType], folder: Path
) -> None:
    rebuild, sample = scripts["rebuild"], scripts["sample"]
    for name, data in (sample.files() | {"loader.elf": rebuild.loader()}).items():
        tools.write(name, data)
    for name, bif in (("small", rebuild.BIF), ("boot", rebuild.BOOT_BIF)):
        tools.write(f"{name}.bif", bif)
        tools.run("bootgen", "-arch", "versal", "-image", f"{name}.bif", "-o", f"{name}.pdi", "-w")
        assert tools.read(f"{name}.pdi") == (FIXTURES / f"{name}.pdi").read_bytes()
        check_named_to_the_last_byte(folder / f"{name}.pdi")


@pytest.mark.parametrize("name", BINARIES)
def test_a_design_is_packed_and_read_back(
    name: str, tools: ImageTools, scripts: dict[str, ModuleType], folder: Path
) -> None:
    build = scripts["build"]
    (design,) = (one for one in scripts["fixtures"].DESIGNS if one.name == name)
    packed = build.pack(tools, design, build.cores(design))
    committed = TESTS / "binaries" / name / "design.xclbin"
    assert packed != committed.read_bytes()  # its time and its uuid
    normal = reproducible.normalise(packed)
    assert normal == reproducible.normalise(committed.read_bytes())
    (folder / "normal.xclbin").write_bytes(normal)
    check_named_to_the_last_byte(folder / "design.xclbin")
    check_named_to_the_last_byte(folder / "normal.xclbin")
    assert list(diff_files(committed, folder / "normal.xclbin").changes) == []
    build.check_instructions(tools, (committed.with_name("insts.bin")).read_bytes())


def test_what_the_lab_makes_reproducible_pyxrt_still_reads(tools: ImageTools) -> None:
    for name in ("small", "two"):
        packed = reproducible.normalise((FIXTURES / f"{name}.xclbin").read_bytes())
        tools.write(f"{name}.xclbin", packed)
        script = (
            f"import pyxrt; x = pyxrt.xclbin('{name}.xclbin'); k = x.get_kernels()[0]; "
            "print(k.get_name(), k.get_num_args(), x.get_uuid().to_string())"
        )
        kernel, arguments, uuid = tools.run("python3", "-c", script).split()
        assert kernel.startswith("MLIR_AIE")
        assert int(arguments) == {"small": 5, "two": 8}[name]
        assert uuid.replace("-", "") != "0" * 32


SHIM = """#!/bin/sh
exec docker run --rm --network none -u "$(id -u):$(id -g)" \\
  -v '{folder}:{folder}' -w "$PWD" {image} /usr/bin/{tool} "$@"
"""
"""The real tool of the image, as a program of this machine."""


def test_the_fake_aiecc_packs_with_the_real_tools(
    built: Callable[[str], Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAKE compilers, but the xclbin is of the vendor's bootgen and xclbinutil, twice the same."""
    fake = load(TESTS / "aie2" / "conftest.py")
    tools = tmp_path / "real"
    tools.mkdir()
    for tool in ("xclbinutil", "bootgen"):
        text = SHIM.format(folder=tmp_path, image=built("xrt").tag, tool=tool)
        (tools / tool).write_text(text)
        (tools / tool).chmod(0o755)
    (tmp_path / "index").mkdir()
    wheels = fake.Wheels(tmp_path / "index", "http://127.0.0.1:1")
    monkeypatch.setenv("NPULAB_PINS", str(wheels.lock_file))
    monkeypatch.setenv("NPULAB_PYTHON", "3.11")
    monkeypatch.setenv("NPULAB_XCLBINUTIL", str(tools / "xclbinutil"))
    units = [Unit.from_kernel(registry.find(name)[0]) for name in ("gelu_int8", "passthrough")]
    found = []
    for number in range(2):
        store = Store(tmp_path / f"cache{number}")
        environment.install(store, LocalRunner(), "3.11", wheels.files)
        results = build(units, target="aie2", root=tmp_path / f"build{number}", store=store)
        assert [error for result in results for error in result.errors] == []
        made = [result.build for result in results if result.build]
        found.append([one.manifest.outputs for one in made])
        for one in made:
            check_named_to_the_last_byte(one.folder / "design.xclbin")
            packed = xclbin.decode((one.folder / "design.xclbin").read_bytes())
            assert [kernel.name for kernel in packed.kernels] == ["MLIR_AIE"]
    assert found[0] == found[1]
    assert found[0][0]["design.xclbin"] != found[0][1]["design.xclbin"], "each design has its own"


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("fake_for_packers", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
