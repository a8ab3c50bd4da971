"""An engine that is stopped, full, or holds the wrong image: each failure has its name.

Engines of these tests are their own, with their own socket and disk, so that nobody else's
containers are touched. Only root can start one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from docker.errors import APIError

from errors import MissingEnvironment
from kernels import registry
from tests.docker.waiting import wait_until
from toolchain import packages
from toolchain.build import BuildResult, build
from toolchain.docker import engine, images
from toolchain.docker.container import Spec, check_image
from toolchain.docker.engine import Engine
from toolchain.docker.image import Image, Layer
from toolchain.docker.layers import archive, configuration, measure, pack
from toolchain.docker.runner import DockerRunner
from toolchain.storage.store import Store
from toolchain.unit import Unit
from toolchain.work.progress import Progress, Quiet
from toolchain.work.steps import CommandStep, Step

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(os.getuid() != 0, reason="only root starts an engine of its own"),
]
EPOCH = 1767225600


class OwnEngine:
    """A dockerd whose disk is a small tmpfs."""

    process: subprocess.Popen[bytes] | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.disk = folder / "disk"
        self.disk.mkdir()
        self.address = f"unix://{folder}/docker.sock"

    def mount(self, megabytes: int) -> None:
        options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "lab", str(self.disk)]
        subprocess.run(["mount", *options], check=True)

    def start(self) -> None:
        folder = self.folder
        command = [
            # Without a network of its own it would take the bridge of the machine's engine.
            *(
                "unshare",
                "--net",
                "dockerd",
                "-H",
                self.address,
                "--data-root",
                str(self.disk / "data"),
            ),
            *("--exec-root", str(folder / "run"), "--pidfile", str(folder / "pid")),
            *("--bridge=none", "--iptables=false", "--ip6tables=false"),
        ]
        with (folder / "log").open("ab") as log:
            process = self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(
            self._answers,
            lambda: process.poll() is not None,
            lambda: (folder / "log").read_text()[-2000:],
        )

    def _answers(self) -> bool:
        command = ["docker", "-H", self.address, "version"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def stop(self) -> None:
        assert self.process
        self.process.terminate()
        self.process.wait(60)

    def kill(self) -> None:
        """End the engine and its containerd as a crash does: the containers themselves go on."""
        assert self.process
        # unshare(1) becomes dockerd, so that this is the engine itself.
        self.process.kill()
        self.process.wait(60)
        record = self.folder / "run" / "containerd" / "containerd.pid"
        with suppress(ProcessLookupError):
            os.kill(int(record.read_text()), signal.SIGKILL)
        # Where nobody reaps the dead, the next engine would take it for running.
        record.unlink()

    def remove(self) -> None:
        """End it, whatever state it is in, and all that it has started, mounted and written."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(60)
        wait_until(lambda: not self._end_processes(), tell=self._processes)
        for place in reversed(self._mounts()):
            subprocess.run(["umount", "--lazy", place], check=True)
        shutil.rmtree(self.folder)

    def _end_processes(self) -> list[int]:
        """Kill what has its folder in its command, such as the helpers of its containers."""
        found = self._processes()
        for process in found:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if self.process:
            self.process.poll()
        return found

    def _processes(self) -> list[int]:
        mark, found = f"{self.folder}/".encode(), []
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if mark in command.read_bytes():
                    found.append(int(command.parent.name))
        return found

    def _mounts(self) -> list[str]:
        places = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        return [place for place in places if place.startswith(f"{self.folder}/")]


@pytest.fixture
def own_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnEngine]:
    # Sockets have short paths only.
    own = OwnEngine(Path(tempfile.mkdtemp(prefix="npulab-test-", dir="/run")))
    try:
        own.mount(megabytes=1600)
        own.start()
        monkeypatch.setenv("DOCKER_HOST", own.address)
        yield own
    finally:
        own.remove()


def tiny_image(folder: Path, architecture: str) -> tuple[bytes, Layer, str]:
    (folder / "content").mkdir(parents=True)
    (folder / "content" / "file").write_text(architecture)
    pack(folder / "content", "opt", folder / "layer.tar", EPOCH)
    layer = measure(folder / "layer.tar", "test")
    config = configuration(
        [layer], architecture=architecture, epoch=EPOCH, labels={}, env={}, user="lab"
    )
    return config, layer, f"npulab/tiny-{architecture}:1"


def test_an_image_of_another_architecture_is_named(docker: Engine, tmp_path: Path) -> None:
    foreign = "arm64" if docker.architecture == "amd64" else "amd64"
    config, layer, tag = tiny_image(tmp_path, foreign)
    docker.client.images.load(archive(config, [layer], tag))
    try:
        found = docker.client.images.get(tag)
        assert found.id == f"sha256:{hashlib.sha256(config).hexdigest()}"
        with pytest.raises(MissingEnvironment, match=f"is for {foreign}, and the engine") as caught:
            check_image(docker, tag)
        assert caught.value.code == "NPU087"
    finally:
        docker.client.images.remove(tag)


def test_an_image_that_is_none_of_the_labs_is_named(docker: Engine, tmp_path: Path) -> None:
    config, layer, tag = tiny_image(tmp_path, docker.architecture)
    docker.client.images.load(archive(config, [layer], tag))
    try:
        out = tmp_path / "out"
        with DockerRunner(Spec(image=tag, writes=(out,))) as runner:
            out.mkdir()
            with pytest.raises(MissingEnvironment) as caught:
                runner.run(["/bin/true"], cwd=out, env={}, timeout=5, log=out / "log")
        assert caught.value.code in ("NPU084", "NPU086")
    finally:
        docker.client.images.remove(tag)


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("unix:///nowhere/docker.sock", "no container engine answers"),
        ("tcp://192.0.2.1:2375", "not on this machine"),
        ("/var/run/docker.sock", "a path without unix:// before it"),
    ],
)
def test_no_engine_is_named(monkeypatch: pytest.MonkeyPatch, host: str, message: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(MissingEnvironment, match=message) as caught:
        engine.connect()
    assert caught.value.code == "NPU080"


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("error setting rlimit type 8: operation not permitted: unknown", "NPU480"),
        ("crun: setrlimit `RLIMIT_MEMLOCK`: Operation not permitted: OCI permission", "NPU480"),
        ("crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission", "NPU084"),
        ("error setting rlimit type 7: operation not permitted: unknown", "NPU084"),
    ],
)
def test_only_the_limit_on_locked_memory_is_called_so(told: str, code: str) -> None:
    assert engine.explain(APIError(told, explanation=told)).code == code


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_an_engine_that_ends_in_the_middle_is_named_and_recovered_from(
    end: str,
    own_engine: OwnEngine,
    toolchain_image: Image,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    own = engine.connect()
    images.load(toolchain_image, own, EPOCH, lambda *_: None)
    own.close()
    told: list[MissingEnvironment] = []
    spec = Spec(image=toolchain_image.tag, writes=(out,))

    def step(runner: DockerRunner, script: str) -> None:
        command = ["/bin/sh", "-c", script]
        try:
            runner.run(command, cwd=out, env={}, timeout=60, log=out / "log")
        except MissingEnvironment as error:
            told.append(error)

    with DockerRunner(spec) as runner:
        thread = threading.Thread(target=step, args=(runner, "touch started; sleep 60"))
        thread.start()
        wait_until((out / "started").exists, lambda: not thread.is_alive(), lambda: told)
        getattr(own_engine, end)()
        thread.join(60)
        assert not thread.is_alive()
    assert len(told) == 1
    # Stopped, it ends its containers first, and answers meanwhile.
    assert told[0].code in (("NPU082", "NPU088") if end == "stop" else ("NPU082",))
    told.clear()
    own_engine.start()
    with DockerRunner(spec) as runner:
        step(runner, "touch again")
        again = engine.connect()
        # An engine that starts again removes the old container itself, and lists it meanwhile.
        wait_until(lambda: len(again.client.api.containers(all=True)) == 1)
    assert told == []
    assert (out / "again").stat().st_uid == os.getuid()
    wait_until(lambda: again.client.api.containers(all=True) == [])
    assert again.client.volumes.list() == []
    again.close()


class StopAfterACommand(Quiet):
    """Stops an engine as soon as it has run a command to its end; the next ones run by then."""

    def __init__(self, engine: OwnEngine) -> None:
        self.engine = engine
        self.stopped = False

    def finished(self, step: Step, seconds: float, *, cached: bool) -> None:  # noqa: ARG002
        if isinstance(step, CommandStep) and not self.stopped:
            self.stopped = True
            self.engine.stop()


def test_a_build_whose_engine_stops_goes_on_from_there(
    own_engine: OwnEngine, toolchain_image: Image, tmp_path: Path
) -> None:
    own = engine.connect()
    images.load(toolchain_image, own, EPOCH, lambda *_: None)
    own.close()
    units = [Unit.from_kernel(kernel) for kernel in registry.find("gelu_int8")]
    store = Store(tmp_path / "cache")
    reads = (packages.folder("kernels"), packages.folder("simulator") / "include")
    spec = Spec(image=toolchain_image.tag, reads=reads, writes=(store.root / "work",))
    stopping = StopAfterACommand(own_engine)

    def build_all(progress: Progress) -> list[BuildResult]:
        with DockerRunner(spec, toolchain_image.tools) as runner:
            root = tmp_path / "build"
            return build(units, root=root, store=store, runner=runner, jobs=2, progress=progress)

    with pytest.raises(MissingEnvironment) as caught:
        build_all(stopping)
    assert stopping.stopped
    assert caught.value.code in ("NPU080", "NPU082", "NPU088")
    kept = {path: path.stat().st_mtime_ns for path in (store.root / "steps").glob("*/*")}
    assert kept
    own_engine.start()
    again = build_all(Quiet())
    assert [error for result in again for error in result.errors] == []
    assert any(result.ran for result in again)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert {path.stat().st_uid for path in tmp_path.rglob("*")} == {os.getuid()}
    own = engine.connect()
    assert own.client.api.containers(all=True) == []
    assert own.client.volumes.list() == []
    own.close()


def test_a_full_disk_of_the_engine_is_named_and_recovered_from(
    own_engine: OwnEngine, toolchain_image: Image
) -> None:
    own = engine.connect()
    ballast = own_engine.disk / "ballast"
    ballast.write_bytes(bytes(1300 << 20))
    with pytest.raises(MissingEnvironment, match="no disk space left") as caught:
        images.load(toolchain_image, own, EPOCH, lambda *_: None)
    assert caught.value.code == "NPU083"
    assert own.client.images.list() == []
    assert own.client.api.containers(all=True) == []
    assert own.client.volumes.list() == []
    ballast.unlink()
    images.load(toolchain_image, own, EPOCH, lambda *_: None)
    assert [image.id for image in own.client.images.list()] == [toolchain_image.id]
    own.close()
