"""Jobs of the NPU in the real XRT image: pyxrt and the lab on its Python, and nothing more."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from kernels import registry
from npulab import hardware
from npulab.canary import run_canary
from npulab.hardware import JOBS, Job
from runtime.health import examine
from tests.docker.test_device import GROUP, hard_memlock, needs_mknod, stand_in
from toolchain.docker import device, image
from toolchain.docker.container import Container, Spec
from toolchain.docker.device import Node
from toolchain.docker.engine import Engine
from toolchain.docker.image import Image
from toolchain.storage.store import Store

pytestmark = pytest.mark.docker
CHECKOUT = Path(__file__).parents[2]
KERNEL = "passthrough/1024"


@pytest.fixture
def xrt(built: Callable[[str], Image]) -> Image:
    return built("xrt")


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NPULAB_BUILD", str(tmp_path / "build"))
    monkeypatch.setenv("NPULAB_QUEUE", str(tmp_path / "queue"))
    monkeypatch.setenv("NPULAB_MEMLOCK", str(hard_memlock()))
    monkeypatch.setenv("NPULAB_RUNNER", "local")


def run(image: Image, name: str, *arguments: str, nodes: tuple[Node, ...] = ()) -> tuple[int, str]:
    """Run a job in the image, and return its exit code and what it printed."""
    out = BytesIO()
    job = Job(what=JOBS[name], arguments=arguments)
    code = hardware.run_in_container(job, image, nodes, registry.find("passthrough"), out)
    return code, out.getvalue().decode()


@needs_mknod
@pytest.mark.parametrize("name", list(JOBS))
def test_pyxrt_says_that_no_device_answers_and_the_job_ends_with_3(
    xrt: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The node is there, real pyxrt imports and enumerates, and a stand-in is no NPU."""
    writes: list[Path] = []
    spec = hardware._spec
    monkeypatch.setattr(hardware, "_spec", lambda *given: writes.append(given[-1]) or spec(*given))
    code, said = run(xrt, name, nodes=(stand_in(tmp_path / "accel"),))
    assert code == 3, said
    assert "XRT finds no NPU on this machine" in said
    assert "NPU410" in said
    # A job that is killed leaves its folder where the next build sweeps.
    (folder,) = writes
    assert folder.is_relative_to(Store().root / "work")
    assert not folder.parent.exists()


def test_the_kernels_tests_pass_on_the_images_python(
    xrt: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of the lab's code that tests on the NPU need works there, on builds that came in."""
    monkeypatch.chdir(tmp_path)
    code, said = run(xrt, "tests", "--device=sim", "-k", KERNEL, "--junit-xml", "hwtests.xml")
    assert code == 0, said
    checked = re.search(r"simulator: (\d+) of \d+ kernel variants, (\d+) cases", said)
    assert checked, said
    assert int(checked[1]) >= 1
    assert int(checked[2]) >= 10
    assert 'errors="0"' in (tmp_path / "hwtests.xml").read_text()
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in tmp_path.rglob("*")}
    assert owners == {(os.getuid(), os.getgid())}


def test_a_hosts_canary_runs_in_the_image(xrt: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a host whose own Python has no pyxrt: the image is found, and its answer taken."""
    monkeypatch.setattr(hardware, "in_container", lambda *_: True)
    monkeypatch.setattr(image, "require", lambda *_: xrt)
    assert run_canary("sim") > 1000


def test_what_xrt_prints_before_is_not_the_canarys(monkeypatch: pytest.MonkeyPatch) -> None:
    def warned(*given: object, **_: object) -> int:
        out = given[-1]
        assert isinstance(out, BytesIO)
        out.write(b"[XRT] WARNING: something of no account\n4096\n")
        return 0

    monkeypatch.setattr(hardware, "in_container", lambda *_: True)
    monkeypatch.setattr(hardware, "run_in_container", warned)
    monkeypatch.setattr(image, "require", lambda *_: None)
    assert run_canary("sim") == 4096


@needs_mknod
def test_a_canary_that_sees_no_npu_says_so(
    xrt: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = stand_in(tmp_path / "accel")
    monkeypatch.setattr(hardware, "in_container", lambda *_: True)
    monkeypatch.setattr(image, "require", lambda *_: xrt)
    monkeypatch.setattr(device, "npu_nodes", lambda: [node])
    signs = {sign.name: sign for sign in examine(lambda: run_canary("xrt"), node=None)}
    assert not signs["canary"].ok
    assert "XRT finds no NPU" in signs["canary"].found


def test_times_are_taken_inside_and_recorded_outside(xrt: Image, tmp_path: Path) -> None:
    store = tmp_path / "timings.jsonl"
    arguments = (KERNEL, "--device", "sim", "--samples=20", "--seconds=1", f"--store={store}")
    for _ in range(2):
        code, said = run(xrt, "bench", *arguments)
        assert code == 0, said
    records = store.read_text().splitlines()
    assert len(records) == 2
    assert f'"image":"{xrt.tag}"' in records[0]
    assert '"host":"lab"' not in records[0]  # the container's name is not the machine's


@needs_mknod
def test_the_container_gets_the_node_and_nothing_more(
    xrt: Image, docker: Engine, tmp_path: Path
) -> None:
    node, out = stand_in(tmp_path / "accel"), tmp_path / "out"
    out.mkdir()
    (tmp_path / "build" / "aie2").mkdir(parents=True)
    spec = hardware._spec(Job(what=JOBS["tests"], arguments=()), xrt, [node], out)
    container = Container(docker, spec)
    try:
        told = docker.client.api.inspect_container(container.id)
    finally:
        container.close()
    host = told["HostConfig"]
    seen = {mount["Destination"]: mount["RW"] for mount in told["Mounts"]}
    sources = {str(CHECKOUT / name): False for name in hardware.SOURCES}
    assert seen == {**sources, str(tmp_path / "build" / "aie2"): False, str(out): True}
    devices = [(one["PathOnHost"], one["CgroupPermissions"]) for one in host["Devices"]]
    assert devices == [(str(node.path), "rw")]
    assert host["GroupAdd"] == [str(GROUP)]
    assert [(one["Name"], one["Hard"]) for one in host["Ulimits"]] == [("memlock", hard_memlock())]
    assert host["NetworkMode"] == "none"
    assert host["CapDrop"] == ["ALL"]
    assert host["ReadonlyRootfs"] is True
    assert host["Privileged"] is False


def test_a_machine_without_an_npu_is_told_in_one_line(xrt: Image) -> None:
    command = [sys.executable, "-m", "npulab", "hw", "--runner", "docker", "tests"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "NPU481" in done.stderr
    assert xrt.tag not in done.stdout


def test_a_container_at_work_is_no_sign_of_an_ill_host(xrt: Image, docker: Engine) -> None:
    """What a crash leaves is one: tests/docker/test_runner.py."""
    container = Container(docker, Spec(image=xrt.tag))
    try:
        signs = {sign.name: sign for sign in examine(lambda: 1, node=None)}
    finally:
        container.close()
    assert signs["containers"].ok, signs["containers"]
