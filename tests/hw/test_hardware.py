"""Where jobs of the NPU run, and what becomes of their arguments."""

from __future__ import annotations

import importlib.util
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from errors import CheckFailed
from npulab import hardware
from npulab.hardware import JOBS, Job, in_container, run_in_container
from runtime.lock import QUEUE, device_lock
from toolchain.docker import device, engine
from toolchain.docker.device import Node


def job(*arguments: str, name: str = "tests") -> Job:
    return Job(what=JOBS[name], arguments=arguments)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A machine with an NPU and an engine and without pyxrt, each to be changed."""
    has = SimpleNamespace(pyxrt=False, nodes=[Node(Path("/dev/accel/accel0"), 44)], engine=True)
    find_spec = importlib.util.find_spec

    def spec_of(name: str, *more: Any) -> Any:
        return has.pyxrt if name == "pyxrt" else find_spec(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", spec_of)
    monkeypatch.setattr(device, "npu_nodes", lambda: has.nodes)
    find = engine.find
    monkeypatch.setattr(engine, "find", lambda: "unix:///engine" if has.engine else find())
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    return has


@pytest.mark.usefixtures("machine")
def test_an_npu_and_an_engine_without_pyxrt_make_a_container() -> None:
    assert in_container(job(), "auto")
    assert in_container(job("--strict", name="bench"), "auto")


@pytest.mark.parametrize(
    "lack", [{"pyxrt": True}, {"nodes": []}, {"engine": False}], ids=lambda lack: next(iter(lack))
)
def test_anything_else_is_run_here(machine: SimpleNamespace, lack: dict[str, Any]) -> None:
    vars(machine).update(lack)
    assert not in_container(job(), "auto")


@pytest.mark.usefixtures("machine")
def test_other_devices_and_looking_back_need_no_container() -> None:
    for device_ in ("sim", "fake"):
        assert not in_container(job("--device", device_), "auto")
        assert not in_container(job(f"--device={device_}"), "auto")
    assert not in_container(job("--history", name="bench"), "docker")


def test_what_was_asked_for_is_done(machine: SimpleNamespace) -> None:
    assert not in_container(job(), "local")
    machine.nodes = []
    assert in_container(job("--device", "sim"), "docker")


def test_a_container_too_waits_for_the_npu_no_longer_than_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(QUEUE, str(tmp_path))
    monkeypatch.setattr(hardware, "_build", lambda *_: None)
    nodes = [Node(Path("/dev/accel/accel0"), 44)]
    image: Any = None  # no container is made before the turn
    with device_lock("a soak test"), pytest.raises(CheckFailed) as caught:
        run_in_container(job(name="canary"), image, nodes, [], BytesIO(), wait=0.2)
    assert caught.value.code == "NPU443"
    assert "held by a soak test" in capfd.readouterr().err


def test_the_device_is_the_last_one_named() -> None:
    assert job().device == "xrt"
    assert job("--device", "fake", "-k", "x", "--device=sim").device == "sim"
    assert (job().target, job("--device=sim").target) == ("aie2", "host")


def test_files_are_written_inside_and_brought_out(tmp_path: Path) -> None:
    store, junit = tmp_path / "timings.jsonl", tmp_path / "new" / "bench.xml"
    store.write_text("before\n")
    (tmp_path / "inside").mkdir()
    asked = job("gelu_int8", "--store", str(store), f"--junit={junit}", name="bench")
    place = hardware._Place(asked, tmp_path / "inside")
    assert place.arguments == (
        *("gelu_int8", "--store=store-timings.jsonl", "--junit=junit-bench.xml"),
    )
    (tmp_path / "inside" / "store-timings.jsonl").write_text("after\n")
    (tmp_path / "inside" / "junit-bench.xml").write_text("<xml/>")
    place.deliver()
    assert store.read_text() == "before\nafter\n"
    assert junit.read_text() == "<xml/>"


def test_records_go_to_the_usual_place_unless_named(tmp_path: Path) -> None:
    place = hardware._Place(job(name="bench"), tmp_path)
    assert place.arguments == ("--store=store-timings.jsonl",)
    assert [to for _, to, _ in place.files] == [Path("build/bench/timings.jsonl")]
