"""The docker runner with a real engine: what a step may do in its container, and what not."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker.errors import APIError

from errors import CheckFailed, MissingEnvironment
from runtime import health
from runtime.health import examine
from tests.docker.waiting import wait_until
from toolchain.docker import container, repeat
from toolchain.docker.container import LABEL, Limits, Spec, abandoned, options, remove, sweep
from toolchain.docker.device import Node, device_options
from toolchain.docker.engine import Engine, explain
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


def identity(runner: DockerRunner) -> str:
    """Return the id of the container that a runner has."""
    assert runner._container
    return runner._container.id


def is_there(docker: Engine, wanted: str) -> bool:
    return wanted in [one["Id"] for one in docker.client.api.containers(all=True)]


def leased(docker: Engine, process: int) -> list[str]:
    """Return the containers of a process; those of other labs on this engine are not ours."""
    found = docker.client.api.containers(all=True, filters={"label": LABEL})
    return [one["Id"] for one in found if _holder(Path(one["Labels"][LABEL])) == str(process)]


def _holder(lease: Path) -> str:
    try:
        return lease.read_text()
    except OSError:
        return ""


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
    thread.join(60)
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
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert leased(docker, os.getpid()) == [identity(runner)]


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
    wait_until((out / "started").exists, lambda: not thread.is_alive())
    ours = identity(runner)
    assert is_there(docker, ours)
    runner.stop()
    thread.join(60)
    assert ended == [Stopped]
    assert not is_there(docker, ours)
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
    wait_until((out / "started").exists, lambda: not thread.is_alive())
    docker.client.api.kill(identity(runner))
    thread.join(60)
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
print(runner._running().id, flush=True)
script = "touch started; sleep 600"
runner.run(["/bin/sh", "-c", script], cwd=out, env={}, timeout=600, log=out / "log")
"""


def test_a_killed_lab_leaves_no_container(
    toolchain_image: Image, out: Path, docker: Engine
) -> None:
    out.mkdir()
    command = [sys.executable, "-c", CHILD, toolchain_image.tag, str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            wait_until((out / "started").exists, lambda: child.poll() is not None)
            assert child.stdout
            its = child.stdout.readline().strip()
            assert leased(docker, child.pid) == [its]
            assert its not in sweep(docker)  # it is at work: not abandoned
            assert is_there(docker, its)
        finally:
            child.send_signal(signal.SIGKILL)
    wait_until(lambda: not is_there(docker, its))


@pytest.fixture
def own_label(monkeypatch: pytest.MonkeyPatch) -> str:
    """A label that no other lab on this engine sweeps by."""
    label = f"npulab-test-{os.getpid()}.lease"
    monkeypatch.setattr(container, "LABEL", label)
    return label


@pytest.fixture
def labelled(
    toolchain_image: Image, docker: Engine, own_label: str
) -> Iterator[Callable[[Path], str]]:
    """Return a function that starts a container whose label names a path, and gives its id."""
    made: list[str] = []

    def start(lease: Path) -> str:
        left = docker.client.containers.create(
            toolchain_image.tag,
            ["/bin/sleep", "600"],
            labels={own_label: str(lease)},
            network_mode="none",
        )
        made.append(str(left.id))
        left.start()
        return made[-1]

    yield start
    for one in made:
        remove(docker, one)


def test_what_a_crash_left_is_found_by_its_label(
    labelled: Callable[[Path], str], docker: Engine, tmp_path: Path
) -> None:
    (tmp_path / "leases").mkdir()
    left = labelled(tmp_path / "leases" / "gone")
    assert abandoned(docker) == [left]
    assert sweep(docker) == [left]
    assert not is_there(docker, left)


def test_what_a_killed_job_left_goes_and_is_no_sign_of_an_ill_host(
    labelled: Callable[[Path], str], docker: Engine, tmp_path: Path
) -> None:
    (tmp_path / "leases").mkdir()
    left = labelled(tmp_path / "leases" / "gone")
    signs = {sign.name: sign for sign in examine(lambda: 1, node=None)}
    assert signs["containers"].ok
    assert not is_there(docker, left)


def test_what_cannot_be_removed_is_a_sign_of_an_ill_host(
    labelled: Callable[[Path], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "leases").mkdir()
    left = labelled(tmp_path / "leases" / "gone")

    def refuse(*_: object) -> None:
        raise explain(APIError("tried to kill container, but did not receive an exit event"))

    monkeypatch.setattr(container, "remove", refuse)
    monkeypatch.setattr(health, "GOING_SECONDS", 0.5)
    signs = {sign.name: sign for sign in examine(lambda: 1, node=None)}
    assert not signs["containers"].ok
    assert f"cannot be removed: {left[:12]}" in signs["containers"].found


def test_a_label_makes_nobody_remove_what_it_names(
    labelled: Callable[[Path], str], docker: Engine, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("1")
    foreign = labelled(precious)
    assert abandoned(docker) == []
    assert sweep(docker) == []
    assert is_there(docker, foreign)
    assert precious.read_text() == "1"


def test_a_leftover_that_cannot_be_removed_stops_no_build(
    labelled: Callable[[Path], str],
    make_runner: MakeRunner,
    out: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "leases").mkdir()
    stuck = labelled(tmp_path / "leases" / "gone")

    def remove_others(engine: Engine, identity: str) -> None:
        if identity == stuck:
            raise explain(APIError("tried to kill container, but did not receive an exit event"))
        remove(engine, identity)

    monkeypatch.setattr(container, "remove", remove_others)
    runner = make_runner()
    assert shell(runner, out, "true").exit_code == 0
    runner.close()


def test_a_paused_container_is_named_and_the_next_command_gets_another(
    make_runner: MakeRunner, out: Path, docker: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = make_runner()
    shell(runner, out, "true")
    paused = identity(runner)
    docker.client.api.pause(paused)
    with monkeypatch.context() as patch:
        patch.setattr(container, "GRACE_SECONDS", 0.2)
        with pytest.raises(MissingEnvironment, match="no longer answers: somebody paused") as told:
            shell(runner, out, "true", timeout=0.2)
    assert told.value.code == "NPU088"
    assert not is_there(docker, paused)
    assert shell(runner, out, "true").exit_code == 0


def test_the_line_that_repeats_a_command_does_what_it_did(
    make_runner: MakeRunner, out: Path, tmp_path: Path
) -> None:
    source, missing, elsewhere = tmp_path / "a.txt", tmp_path / "no" / "folder", tmp_path / "again"
    source.write_text("source\n")
    work = out / "work" / "step"
    work.mkdir(parents=True)
    elsewhere.mkdir()
    script = (
        f"cat {source}; echo $KEPT; pwd; id -u; ls /sys/class/net; touch /file; "
        "grep -E '^(Cap|NoNewPrivs)' /proc/self/status; "
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max; "
        "echo made >$PWD/made"
    )
    runner = make_runner(reads=(source, missing))
    done = runner.run(
        ["/bin/sh", "-c", script], cwd=work, env={"KEPT": "1"}, timeout=30, log=out / "log"
    )
    shutil.rmtree(out / "work")
    line = ["/bin/sh", "-c", f"{done.repeat} 2>&1"]
    again = subprocess.run(line, cwd=elsewhere, capture_output=True, text=True, check=False)
    assert again.returncode == done.exit_code == 0, again.stdout
    assert sorted(again.stdout.splitlines()) == sorted((out / "log").read_text().splitlines())
    assert [path.name for path in elsewhere.iterdir()] == ["made"]
    assert (elsewhere / "made").stat().st_uid == os.getuid()
    assert not (out / "work").exists()
    assert not missing.parent.exists()


def test_every_option_of_a_container_is_a_flag_of_that_line(docker: Engine) -> None:
    extra = device_options([Node(Path("/dev/null"), 7)], memlock=1)
    given = options(Spec(image="none", extra=extra), docker)
    assert given.keys() - repeat.FLAGS.keys() == {"environment", "log_config"}
    taken = subprocess.run(["docker", "run", "--help"], capture_output=True, text=True, check=True)
    for flag in repeat.FLAGS.values():
        assert re.search(rf"--{flag}\b", taken.stdout), flag
