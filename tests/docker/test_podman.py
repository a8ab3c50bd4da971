"""podman through the docker SDK: a service of its own, with its own socket and storage."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker.types import Ulimit

from errors import CheckFailed
from kernels import registry
from tests.docker.waiting import wait_until
from toolchain import packages
from toolchain.build import build
from toolchain.docker import engine, images
from toolchain.docker.container import Limits, Spec
from toolchain.docker.image import Image
from toolchain.docker.runner import DockerRunner
from toolchain.storage.store import Store
from toolchain.unit import Unit
from toolchain.work.runner import LocalRunner

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(os.getuid() != 0, reason="only root starts an engine of its own"),
    pytest.mark.skipif(shutil.which("podman") is None, reason="no podman on this machine"),
]
EPOCH = 1767225600
# Storage that needs no overlay, groups that need no systemd.
CONFIGURATION = """
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a podman service of its own."""
    # Sockets have short paths only.
    folder = Path(tempfile.mkdtemp(prefix="npulab-podman-", dir="/run"))
    root = tmp_path_factory.mktemp("podman")
    (folder / "containers.conf").write_text(CONFIGURATION)
    address = f"unix://{folder}/podman.sock"
    places = ["--root", str(root), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]
    with (folder / "log").open("wb") as log:
        service = subprocess.Popen(
            ["podman", *places, "system", "service", "--time", "0", address],
            env={**os.environ, "CONTAINERS_CONF": str(folder / "containers.conf")},
            cwd=folder,  # where conmon leaves a file when it sees memory run out
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(
            lambda: engine._refusal(address) is None,
            lambda: service.poll() is not None,
            (folder / "log").read_text,
        )
        yield address
    finally:
        service.terminate()
        service.wait(60)
        shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def loaded(
    podman: str, built: Callable[[str], Image], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Image]:
    """The toolchain image in podman, which is the engine that is found; it is left empty."""
    image = built("toolchain-py3.11")
    monkeypatch.setenv("DOCKER_HOST", podman)
    found = engine.connect()
    images.load(image, found, EPOCH, lambda *_: None)
    assert found.client.images.get(image.tag).id == image.id
    yield image
    assert found.client.api.containers(all=True) == []
    assert found.client.volumes.list() == []
    found.close()


def spec(image: Image, *writes: Path, limits: Limits | None = None) -> Spec:
    """Return a container that asks for less than podman would, which raises limits to its own."""
    return Spec(
        image=image.tag,
        reads=(packages.folder("kernels"), packages.folder("simulator") / "include"),
        writes=writes,
        limits=limits or Limits(),
        extra={"ulimits": [Ulimit(name=n, soft=4096, hard=4096) for n in ("nofile", "nproc")]},
    )


def test_a_build_in_podman_is_the_build_outside(loaded: Image, tmp_path: Path) -> None:
    units = [Unit.from_kernel(kernel) for kernel in registry.find("passthrough/1024")]
    store = Store(tmp_path / "cache")
    with DockerRunner(spec(loaded, store.root / "work"), loaded.tools) as runner:
        inside = build(units, root=tmp_path / "in", store=store, runner=runner)
    outside = build(
        units, root=tmp_path / "out", store=Store(tmp_path / "other"), runner=LocalRunner()
    )
    assert [error for result in (*inside, *outside) for error in result.errors] == []
    assert all(result.ran for result in inside)
    for one, other in zip(inside, outside, strict=True):
        assert one.build
        assert other.build
        assert one.build.manifest.outputs == other.build.manifest.outputs
    assert {path.stat().st_uid for path in tmp_path.rglob("*")} == {os.getuid()}


def test_the_container_is_closed_in_there_too(loaded: Image, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    refused = {
        "root": "touch /file",
        "device": "mknod /tmp/null c 1 3",
        "owner": "touch own && chown 12345 own",
        "capabilities": "grep -q 'CapEff:.*[1-9a-f]' /proc/self/status",
        "privileges": "grep -q 'NoNewPrivs:.*0' /proc/self/status",
        "network": "/usr/bin/python3 -c 'import socket as s;"
        's.create_connection(("192.0.2.1", 80), 2)\'',
    }
    with DockerRunner(spec(loaded, out)) as runner:
        for name, script in refused.items():
            command = ["/bin/sh", "-c", script]
            env = {"PATH": "/usr/bin:/bin"}
            ended = runner.run(command, cwd=out, env=env, timeout=30, log=out / "log")
            assert ended.exit_code != 0, name


def test_a_command_past_the_memory_limit_is_stopped_and_named(
    loaded: Image, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    eat = ["/usr/bin/python3", "-c", "b = bytearray(200 << 20); print(len(b))"]
    with (
        DockerRunner(spec(loaded, out, limits=Limits(memory=64 << 20))) as runner,
        pytest.raises(CheckFailed) as caught,
    ):
        runner.run(eat, cwd=out, env={}, timeout=30, log=out / "log")
    assert caught.value.code == "NPU089"
