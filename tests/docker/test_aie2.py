"""Target aie2 inside containers: FAKE wheels, self-tested and run where the lab runs them."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from toolchain import packages
from toolchain.aie2 import environment
from toolchain.docker import image, recipes
from toolchain.docker.container import Spec
from toolchain.docker.image import LAB, Image
from toolchain.docker.recipes import Recipe
from toolchain.docker.runner import DockerRunner
from toolchain.storage.store import Store

pytestmark = pytest.mark.docker
CHECKOUT = packages.folder("toolchain").parent
VARIANTS = ("3.11", "3.13")
KERNELS = ("gelu_int8/512", "passthrough/1024")


@pytest.fixture(scope="module")
def fake() -> ModuleType:
    """What tests/aie2 makes its FAKE wheels with."""
    path = CHECKOUT / "tests" / "aie2" / "conftest.py"
    found = importlib.util.spec_from_file_location("fake_aie2", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Lab:
    """A cache with the images and an installed FAKE toolchain, for another process."""

    folder: Path
    env: dict[str, str]

    def npulab(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "npulab", *arguments]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


def in_containers(fake: ModuleType, tools: Path) -> None:
    """Let the FAKE tools run with an image's Python; they use the lab's readers of artifacts."""
    for name in ("errors", "toolchain", "simulator"):
        ignored = shutil.ignore_patterns("__pycache__", "include")
        shutil.copytree(CHECKOUT / name, tools / "lab" / name, ignore=ignored)
    settings = f"PYTHONPATH={LAB}:{tools / 'lab'} PYTHONDONTWRITEBYTECODE=1"
    first = f"#!/usr/bin/env -S {settings} /usr/bin/python3\n"
    fake.program = lambda name: first.encode() + (fake.FAKE / name).read_bytes()


@pytest.fixture
def lab(
    fake: ModuleType,
    built: Callable[[str], Image],
    own_recipes: dict[str, Recipe],
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Lab:
    """Install FAKE wheels in a cache, tested inside the container that will use them."""
    names = [recipes.toolchain(python) for python in VARIANTS]
    images = [built(name) for name in names]
    for name in names:
        if own_recipes[name].lock.read_bytes() != recipes.load()[name].lock.read_bytes():
            pytest.skip("the mirror has moved on from the locks: npulab images --accept")
    tools, cache, index = tmp_path / "xrt", tmp_path / "cache", tmp_path / "index"
    in_containers(fake, tools)
    packer = tools / "xclbinutil"
    packer.write_bytes(fake.program("xclbinutil.py"))
    packer.chmod(0o755)
    shutil.copyfile(fake.FIXTURES / "small.xclbin", tools / "small.xclbin")
    for name in names:
        record = image.record(recipes.find(name), store)
        (cache / "images").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(record, cache / "images" / record.name)
    index.mkdir()
    wheels = fake.Wheels(index, "http://127.0.0.1:1")
    settings = {
        "NPULAB_CACHE": str(cache),
        "NPULAB_BUILD": str(tmp_path / "build"),
        "NPULAB_PINS": str(wheels.lock_file),
        "NPULAB_XCLBINUTIL": str(packer),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CXX", raising=False)
    spec = Spec(image=images[0].tag, reads=(tools,), writes=(cache / "work",))
    with DockerRunner(spec, images[0].tools, "3.11") as runner:
        environment.install(Store(cache), runner, "3.11", wheels.files)
    return Lab(tmp_path, {**os.environ, **settings})


def test_xclbins_and_instructions_are_the_same_in_both_variants(lab: Lab) -> None:
    told = lab.npulab("repro", *KERNELS, "--target", "aie2")
    assert [line.split(":")[0] for line in told.splitlines()] == [
        "py3.11, container 1 = py3.11, container 2",
        "py3.11, container 1 = py3.13, container 1",
        "py3.11, container 1 = py3.13, container 2",
    ]
    assert len({line.split(": ")[1] for line in told.splitlines()}) == 1


@pytest.mark.parametrize("python", VARIANTS)
def test_a_build_in_the_container_gives_what_an_npu_runs(lab: Lab, python: str) -> None:
    where = ("--runner", "docker", "--python", python)
    told = json.loads(lab.npulab("build", KERNELS[0], "--target", "aie2", *where, "--json"))
    (unit,) = told["units"]
    made = {path.name: path for path in Path(unit["folder"]).iterdir()}
    assert {"design.xclbin", "insts.bin", "core_0_2.elf", "kernel.o"} <= made.keys()
    assert made["design.xclbin"].stat().st_uid == os.getuid()
    manifest = json.loads(made["manifest.json"].read_text())
    assert f"/{lab.folder.name}" not in json.dumps(manifest["steps"])
