"""The NPU passed through: a stand-in node, the real XRT image, the real limits."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from errors import MissingEnvironment, UsageError
from toolchain.artifacts import cdo
from toolchain.artifacts.cdo import Cdo
from toolchain.artifacts.inspect import inspect_file
from toolchain.docker.container import Container, Spec
from toolchain.docker.device import Node, device_options, node_of, npu_nodes
from toolchain.docker.engine import Engine
from toolchain.docker.image import Image
from toolchain.docker.runner import DockerRunner

pytestmark = pytest.mark.docker

GROUP = 4242
needs_mknod = pytest.mark.skipif(os.getuid() != 0, reason="only root makes device nodes")


@pytest.fixture
def xrt(built: Callable[[str], Image]) -> Image:
    return built("xrt")


def stand_in(folder: Path) -> Node:
    """Make a character device with null's numbers that only its group may open."""
    folder.mkdir(parents=True)
    path = folder / "accel0"
    os.mknod(path, 0o020660, os.makedev(1, 3))
    os.chown(path, 0, GROUP)
    path.chmod(0o660)
    return node_of(path)[0]


def hard_memlock() -> int:
    return resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]


def accelerator(sysfs: Path, name: str, vendor: str, device: str) -> None:
    folder = sysfs / name / "device"
    folder.mkdir(parents=True)
    (folder / "vendor").write_text(f"{vendor}\n")
    (folder / "device").write_text(f"{device}\n")


@needs_mknod
def test_only_the_nodes_of_npus_are_found(tmp_path: Path) -> None:
    sysfs, devices = tmp_path / "sys", tmp_path / "dev"
    stand_in(devices)
    os.mknod(devices / "accel1", 0o020660, os.makedev(1, 3))
    (devices / "accel2").write_text("a file is no node")
    accelerator(sysfs, "accel0", "0x1022", "0x1502")
    accelerator(sysfs, "accel1", "0x8086", "0x7d1d")
    accelerator(sysfs, "accel2", "0x1022", "0x1502")
    accelerator(sysfs, "accel3", "0x1022", "0x1502")
    assert npu_nodes(sysfs, devices) == [Node(devices / "accel0", GROUP)]


def test_without_a_node_it_is_one_clear_line_and_exit_code_3(tmp_path: Path) -> None:
    with pytest.raises(MissingEnvironment, match="no NPU on this machine") as caught:
        device_options(npu_nodes(tmp_path, tmp_path))
    assert (caught.value.code, caught.value.exit_code) == ("NPU481", 3)


def test_unlimited_locked_memory_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NPULAB_MEMLOCK", raising=False)
    options = device_options([Node(Path("/dev/null"), 7)])
    assert options["ulimits"][0] == {"Name": "memlock", "Soft": -1, "Hard": -1}
    assert options["group_add"] == ["7"]
    monkeypatch.setenv("NPULAB_MEMLOCK", "much")
    with pytest.raises(UsageError, match="'much'"):
        device_options([Node(Path("/dev/null"), 7)])


PROBE = """
import json, os, resource, socket, sys
found = {"groups": os.getgroups(), "memlock": resource.getrlimit(resource.RLIMIT_MEMLOCK)}
node = sys.argv[1]
found["opened"] = os.open(node, os.O_RDWR) > 0
found["nodes"] = sorted(os.listdir(os.path.dirname(node)))
try:
    os.mknod("/tmp/other", 0o020666, os.makedev(1, 3)); found["mknod"] = "made"
except OSError as error:
    found["mknod"] = error.strerror
try:
    socket.create_connection(("192.0.2.1", 80), 2); found["network"] = "connected"
except OSError as error:
    found["network"] = error.strerror
try:
    open(sys.argv[2], "w"); found["artifact"] = "written"
except OSError as error:
    found["artifact"] = error.strerror
import pyxrt
try:
    pyxrt.device(0); found["device"] = "there"
except RuntimeError as error:
    found["device"] = str(error)
print(json.dumps(found))
"""


@needs_mknod
def test_the_node_comes_with_its_group_and_limit_and_nothing_else(
    xrt: Image, docker: Engine, tmp_path: Path
) -> None:
    node = stand_in(tmp_path / "accel")
    out, artifact = tmp_path / "out", tmp_path / "design.xclbin"
    out.mkdir()
    artifact.write_bytes(b"xclbin2")
    memlock = hard_memlock()
    spec = Spec(
        image=xrt.tag,
        reads=(artifact,),
        writes=(out,),
        extra=device_options([node], memlock=memlock),
    )
    command = ["/usr/bin/python3", "-c", PROBE, "/dev/accel/accel0", str(artifact)]
    with DockerRunner(spec) as runner:
        log = out / "log"
        completed = runner.run(command, cwd=out, env={}, timeout=60, log=log)
        assert completed.exit_code == 0, log.read_text()
        assert runner._container
        asked = docker.client.api.inspect_container(runner._container.id)["HostConfig"]
    found = json.loads(log.read_text().splitlines()[-1])
    assert found["opened"] is True
    assert found["nodes"] == ["accel0"]
    assert GROUP in found["groups"]
    assert found["memlock"] == [memlock, memlock]
    assert found["mknod"] == "Operation not permitted"
    assert found["network"] == "Network is unreachable"
    assert found["artifact"] == "Read-only file system"
    assert "No such device" in found["device"]
    assert artifact.read_bytes() == b"xclbin2"
    assert asked["Privileged"] is False
    assert asked["CapAdd"] is None
    assert [one["PathOnHost"] for one in asked["Devices"]] == [str(node.path)]


@needs_mknod
def test_an_engine_that_cannot_raise_memlock_is_named(
    xrt: Image, docker: Engine, tmp_path: Path
) -> None:
    node = stand_in(tmp_path / "accel")
    spec = Spec(image=xrt.tag, extra=device_options([node], memlock=-1))
    if hard_memlock() == resource.RLIM_INFINITY or _may_raise_limits():
        Container(docker, spec).close()
        return
    with pytest.raises(MissingEnvironment, match="may not raise the limit") as caught:
        Container(docker, spec)
    assert caught.value.code == "NPU480"


def _may_raise_limits() -> bool:
    """Whether this process, and an engine beside it, has CAP_SYS_RESOURCE (bit 24)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    effective = next(line for line in lines if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> 24 & 1)


BIF = (
    "all:\n{\n\tid_code = 0x14ca8093\n\textended_id_code = 0x01\n\timage\n\t{\n"
    "\t\tname=aie_image, id=0x1c000000\n\t\t{ type=cdo file=a.bin }\n\t}\n}\n"
)


def test_the_packers_of_the_image_work(xrt: Image, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    store = cdo.Write(address=0x00232000, value=1, wide=True)
    (out / "a.bin").write_bytes(cdo.encode(Cdo(commands=(store,))))
    (out / "a.bif").write_text(BIF)
    memory = {"mem_topology": {"m_count": "0", "m_mem_data": []}}
    (out / "mem.json").write_text(json.dumps(memory))
    commands = {
        "bootgen": ["bootgen", "-arch", "versal", "-image", "a.bif", "-o", "a.pdi", "-w"],
        "xclbinutil": [
            *("xclbinutil", "--add-replace-section", "MEM_TOPOLOGY:JSON:mem.json"),
            *("--force", "--output", "a.xclbin"),
        ],
    }
    with DockerRunner(Spec(image=xrt.tag, writes=(out,))) as runner:
        for name, (program, *arguments) in commands.items():
            log = out / f"{name}.log"
            command = [f"/usr/bin/{program}", *arguments]
            env = {"PATH": "/usr/bin:/bin"}
            completed = runner.run(command, cwd=out, env=env, timeout=60, log=log)
            assert completed.exit_code == 0, log.read_text()
    pdi = inspect_file(out / "a.pdi")
    assert pdi.problems == ()
    assert (out / "a.xclbin").read_bytes()[:7] == b"xclbin2"
