"""The docker runner with a real engine: what a step may do in its container, and what not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from errors import CheckFailed, MissingEnvironment
from runtime.health import examine
from toolchain.docker.container import LABEL, Limits, sweep
from toolchain.docker.engine import Engine
from toolchain.docker.image import Image
from toolchain.docker.runner import DockerRunner
from toolchain.stopped import Stopped
from toolchain.work.runner import Completed

pytestmark = pytest.mark.docker
MakeRunner = Callable[..., DockerRunner]


def shell(
    runner: DockerRunner, out: Path, script: str, timeout: float = 30, **env: str
) -> Completed:
    command = ["/bin/sh", "-c", script]
    return runner.run(command, cwd=out, env=env, timeout=timeout, log=out / "log")


def wait_until(condition: Callable[[], Any]) -> None:
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("waited 20 s in vain")


def lab_containers(docker: Engine) -> list[str]:
    found = docker.client.api.containers(all=True, filters={"label": LABEL})
    return [container["Id"] for container in found]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_it_runs_in_the_folder_and_keeps_both_streams_in_order(
    make_runner: MakeRunner, out: Path
) -> None:
    completed = shell(make_runner(), out, "pwd; echo warned >&2; echo done; env; exit 3", KEPT="1")
    assert completed.exit_code == 3
    assert not completed.timed_out
    said = (out / "log").read_text().splitlines()
    assert said[:3] == [str(out), "warned", "done"]
    assert {line for line in said[3:] if not line.startswith("PWD=")} == {"KEPT=1"}


def test_output_can_be_read_while_it_comes(make_runner: MakeRunner, out: Path) -> None:
    runner = make_runner()
    script = "echo first; while [ ! -e go ]; do sleep 0.05; done"
    thread = threading.Thread(target=shell, args=(runner, out, script))
    thread.start()
    wait_until(lambda: (out / "log").exists() and (out / "log").read_text() == "first\n")
    (out / "go").touch()
    thread.join(20)
    assert not thread.is_alive()


def test_one_container_serves_all_commands_at_once(
    make_runner: MakeRunner, out: Path, docker: Engine
) -> None:
    runner = make_runner()
    for name in ("a", "b"):
        (out / name).mkdir()
    meet = "touch ../{0}.here; while [ ! -e ../{1}.here ]; do sleep 0.02; done"
    threads = [
        threading.Thread(target=shell, args=(runner, out / a, meet.format(a, b)))
        for a, b in (("a", "b"), ("b", "a"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert len(lab_containers(docker)) == 1


def test_a_signal_is_a_negative_exit_code(make_runner: MakeRunner, out: Path) -> None:
    assert shell(make_runner(), out, "kill -SEGV $$").exit_code == -11


def test_a_program_that_does_not_start_is_named(make_runner: MakeRunner, out: Path) -> None:
    with pytest.raises(MissingEnvironment, match="cannot start /no/tool") as caught:
        make_runner().run(["/no/tool"], cwd=out, env={}, timeout=5, log=out / "log")
    assert caught.value.code == "NPU016"


def test_the_container_is_closed_in_on_every_side(
    make_runner: MakeRunner, out: Path, tmp_path: Path
) -> None:
    source = tmp_path / "kernel.cc"
    source.write_text("int x;")
    runner = make_runner(reads=(source,))
    refusals = {
        "root": "touch /file",
        "home": "touch /opt/lab/file",
        "source": f"echo y > {source}",
        "beside the output": f"touch {tmp_path}/file && ls {tmp_path}",
        "device": "mknod /tmp/null c 1 3",
        "owner": "touch own && chown 12345 own",
        "execute scratch": "cp /bin/true /tmp/true && /tmp/true",
    }
    for what, script in refusals.items():
        outside = set(tmp_path.rglob("*"))
        completed = shell(runner, out, script)
        if what == "beside the output":
            assert set(tmp_path.rglob("*")) == outside
        else:
            assert completed.exit_code != 0, what
    assert source.read_text() == "int x;"
    shell(runner, out, "cat /proc/self/status; ls /sys/class/net; echo scratch >/tmp/file")
    said = (out / "log").read_text().splitlines()
    assert said[-1] == "lo"
    fields = dict(line.split(":\t", 1) for line in said if ":\t" in line)
    assert fields["NoNewPrivs"] == "1"
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(fields[kind], 16) == 0


def test_no_connection_leaves_it(make_runner: MakeRunner, out: Path) -> None:
    connect = "import socket; socket.create_connection(('192.0.2.1', 80), 2)"
    completed = make_runner().run(
        ["/usr/bin/python3", "-c", connect], cwd=out, env={}, timeout=20, log=out / "log"
    )
    assert completed.exit_code == 1
    assert "Network is unreachable" in (out / "log").read_text()


def test_what_comes_out_belongs_to_the_user(make_runner: MakeRunner, out: Path) -> None:
    shell(make_runner(), out, "echo made >file")
    status = (out / "file").stat()
    assert (status.st_uid, status.st_gid) == (os.getuid(), os.getgid())


def test_a_command_over_its_time_ends_with_all_it_started(
    make_runner: MakeRunner, out: Path
) -> None:
    runner = make_runner()
    completed = shell(runner, out, "sleep 61 & wait", timeout=0.3)
    assert completed.timed_out
    assert shell(runner, out, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").exit_code == 0
    assert "sleep 61" not in (out / "log").read_text()


def test_a_command_that_allocates_past_the_limit_is_stopped_and_named(
    make_runner: MakeRunner, out: Path
) -> None:
    runner = make_runner(limits=Limits(memory=64 << 20))
    eat = ["/usr/bin/python3", "-c", "b = bytearray(200 << 20); print(len(b))"]
    with pytest.raises(CheckFailed, match=r"python3 .* memory limit, 64 MiB") as caught:
        runner.run(eat, cwd=out, env={}, timeout=30, log=out / "log")
    assert caught.value.code == "NPU089"
    assert shell(runner, out, "true").exit_code == 0


def test_a_command_that_forks_without_end_is_stopped_and_named(
    make_runner: MakeRunner, out: Path
) -> None:
    runner = make_runner(limits=Limits(processes=50))
    with pytest.raises(CheckFailed, match="sh was ended at the limit of 50 processes") as caught:
        shell(runner, out, "bomb() { sleep 60 & bomb; }; bomb", timeout=60)
    assert caught.value.code == "NPU090"
    assert shell(runner, out, "true").exit_code == 0


def test_stop_ends_what_runs_and_refuses_what_comes(
    make_runner: MakeRunner, out: Path, docker: Engine
) -> None:
    runner = make_runner()
    ended: list[type[BaseException]] = []

    def sleep() -> None:
        try:
            shell(runner, out, "touch started; sleep 60")
        except Stopped as error:
            ended.append(type(error))

    thread = threading.Thread(target=sleep)
    thread.start()
    wait_until((out / "started").exists)
    runner.stop()
    thread.join(20)
    assert ended == [Stopped]
    assert lab_containers(docker) == []
    with pytest.raises(Stopped):
        shell(runner, out, "true")


def test_a_killed_container_is_named_and_the_next_command_gets_another(
    make_runner: MakeRunner, out: Path, docker: Engine
) -> None:
    runner = make_runner()
    told: list[MissingEnvironment] = []

    def sleep() -> None:
        try:
            shell(runner, out, "touch started; sleep 60")
        except MissingEnvironment as error:
            told.append(error)

    thread = threading.Thread(target=sleep)
    thread.start()
    wait_until((out / "started").exists)
    docker.client.api.kill(lab_containers(docker)[0])
    thread.join(20)
    assert [error.code for error in told] == ["NPU088"]
    assert shell(runner, out, "true").exit_code == 0


def test_a_missing_image_is_named(make_runner: MakeRunner, out: Path) -> None:
    with pytest.raises(MissingEnvironment, match="has no image npulab/none:1") as caught:
        shell(make_runner("npulab/none:1"), out, "true")
    assert caught.value.code == "NPU085"


CHILD = """
import sys
from pathlib import Path
from toolchain.docker.container import Spec
from toolchain.docker.runner import DockerRunner
out = Path(sys.argv[2])
runner = DockerRunner(Spec(image=sys.argv[1], writes=(out,)))
script = "touch started; sleep 600"
runner.run(["/bin/sh", "-c", script], cwd=out, env={}, timeout=600, log=out / "log")
"""


def test_a_killed_lab_leaves_no_container(
    toolchain_image: Image, out: Path, docker: Engine
) -> None:
    out.mkdir()
    child = subprocess.Popen([sys.executable, "-c", CHILD, toolchain_image.tag, str(out)])
    wait_until((out / "started").exists)
    assert len(lab_containers(docker)) == 1
    assert sweep(docker) == []  # it is at work: not abandoned
    child.send_signal(signal.SIGKILL)
    child.wait()
    wait_until(lambda: not lab_containers(docker))


def test_what_a_crash_left_is_found_by_its_label(
    toolchain_image: Image, docker: Engine, tmp_path: Path
) -> None:
    left = docker.client.containers.create(
        toolchain_image.tag,
        ["/bin/sleep", "600"],
        labels={LABEL: str(tmp_path / "gone")},
        network_mode="none",
    )
    left.start()
    signs = {sign.name: sign for sign in examine(lambda: 1, node=None)}
    assert not signs["containers"].ok
    assert left.id[:12] in signs["containers"].found
    assert sweep(docker) == [left.id]
