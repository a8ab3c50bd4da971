"""Kernels built by the docker runner: the same bytes as outside, in both variants."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from errors import MissingEnvironment
from kernels import registry
from npulab.running import choose_runner
from npulab.target import choose
from toolchain import packages
from toolchain.build import BuildResult, build
from toolchain.docker.container import Spec
from toolchain.docker.image import LAB, Image
from toolchain.docker.runner import DockerRunner
from toolchain.storage.store import Store
from toolchain.unit import Unit
from toolchain.work.runner import LocalRunner, Runner

pytestmark = pytest.mark.docker
VARIANTS = ("3.11", "3.13")
CHECKOUT = packages.folder("toolchain").parent
KERNELS = ("gelu_int8/512", "passthrough/1024")


@pytest.fixture(autouse=True)
def no_own_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)


def spec(image: Image, store: Store) -> Spec:
    reads = (packages.folder("kernels"), packages.folder("simulator") / "include")
    return Spec(image=image.tag, reads=reads, writes=(store.root / "work",))


def build_with(runner: Runner, folder: Path, store: Store) -> list[BuildResult]:
    units = [Unit.from_kernel(kernel) for name in KERNELS for kernel in registry.find(name)]
    results = build(units, root=folder / "build", store=store, runner=runner)
    assert [error for result in results for error in result.errors] == []
    return results


def hashes(results: list[BuildResult]) -> list[dict[str, str]]:
    assert all(result.build for result in results)
    outputs = [result.build.manifest.outputs for result in results if result.build]
    return [{name: blob.sha256 for name, blob in one.items()} for one in outputs]


@pytest.mark.parametrize("python", VARIANTS)
def test_a_build_in_the_container_is_the_build_outside(
    built: Callable[[str], Image], tmp_path: Path, python: str
) -> None:
    image = built(f"toolchain-py{python}")
    store = Store(tmp_path / "cache")
    with DockerRunner(spec(image, store), image.tools) as runner:
        inside = build_with(runner, tmp_path, store)
        assert all(result.ran for result in inside)
        again = build_with(runner, tmp_path, store)
        assert not any(result.ran or result.written for result in again)
    outside = build_with(LocalRunner(), tmp_path / "local", Store(tmp_path / "other"))
    assert hashes(inside) == hashes(outside)
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in tmp_path.rglob("*")}
    assert owners == {(os.getuid(), os.getgid())}


@pytest.fixture
def callers(tmp_path: Path) -> Iterator[Callable[[], int]]:
    """Return a function that counts who has called at the engine's address, where nobody is."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listening, pytest.MonkeyPatch.context() as patch:
        listening.bind(str(path))
        listening.listen()
        listening.setblocking(False)
        patch.setenv("DOCKER_HOST", f"unix://{path}")

        def count() -> int:
            calls = 0
            with suppress(BlockingIOError):
                while True:
                    listening.accept()[0].close()
                    calls += 1
            return calls

        yield count


def test_choosing_for_a_build_asks_the_engine_once_at_most(
    callers: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CXX", "NPULAB_RUNNER", "NPULAB_PYTHON"):
        monkeypatch.delenv(name, raising=False)
    choose("auto")
    assert callers() == 0
    with suppress(MissingEnvironment):  # whether the image is there is another matter
        choose_runner("docker", "3.11")
    assert callers() == 0
    choose_runner("auto", "3.11")
    assert callers() == 1


def test_a_build_with_nothing_to_do_needs_no_engine(
    built: Callable[[str], Image],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    image, store = built("toolchain-py3.11"), Store(tmp_path / "cache")
    with DockerRunner(spec(image, store), image.tools) as runner:
        build_with(runner, tmp_path, store)
    calls = request.getfixturevalue("callers")
    with DockerRunner(spec(image, store), image.tools) as runner:
        again = build_with(runner, tmp_path, store)
    assert not any(result.ran or result.written for result in again)
    assert calls() == 0


def test_two_builds_at_once_share_a_cache(built: Callable[[str], Image], tmp_path: Path) -> None:
    image, store = built("toolchain-py3.11"), Store(tmp_path / "cache")
    done: list[list[BuildResult]] = []

    def one(name: str) -> None:
        with DockerRunner(spec(image, store), image.tools) as runner:
            done.append(build_with(runner, tmp_path / name, store))

    threads = [threading.Thread(target=one, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(done) == 2
    assert hashes(done[0]) == hashes(done[1])


def verdicts(document: str) -> list[object]:
    """Return all that a demo says of its results, times apart."""
    variants = json.loads(document)["variants"]
    for variant in variants:
        for case in variant["cases"]:
            del case["seconds"]
    return list(variants)


@pytest.mark.parametrize("python", VARIANTS)
def test_kernels_are_built_and_simulated_inside_as_outside(
    built: Callable[[str], Image], tmp_path: Path, python: str
) -> None:
    image = built(f"toolchain-py{python}")
    out = tmp_path / "out"
    out.mkdir()
    packages_ = ("errors", "kernels", "toolchain", "runtime", "simulator", "npulab")
    inside = Spec(
        image=image.tag,
        reads=tuple(CHECKOUT / name for name in packages_),
        writes=(out,),
    )
    arguments = ["-m", "npulab", "demo", *KERNELS, "--json"]
    env = {"NPULAB_CACHE": f"{out}/cache", "NPULAB_BUILD": f"{out}/build", "LC_ALL": "C.UTF-8"}
    env |= {"NPULAB_RUNNER": "local"}
    with DockerRunner(inside) as runner:
        script = f'"$@" >{out}/demo.json'
        command = ["/bin/sh", "-c", script, "sh", "/usr/bin/python3", *arguments]
        within = {**env, "PYTHONPATH": f"{LAB}:{CHECKOUT}", "PYTHONDONTWRITEBYTECODE": "1"}
        completed = runner.run(command, cwd=out, env=within, timeout=300, log=out / "log")
        assert completed.exit_code == 0, (out / "log").read_text()
    here = {**os.environ, **env, "NPULAB_CACHE": f"{tmp_path}/c", "NPULAB_BUILD": f"{tmp_path}/b"}
    outside = subprocess.run(
        [sys.executable, *arguments], env=here, capture_output=True, text=True, check=True
    )
    assert verdicts((out / "demo.json").read_text()) == verdicts(outside.stdout)
