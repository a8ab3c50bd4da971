"""The local runner with real processes."""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
import time
from pathlib import Path

import pytest

from errors import MissingEnvironment
from toolchain.stopped import Stopped
from toolchain.work.runner import Completed, LocalRunner


def run(tmp_path: Path, *command: str, timeout: float = 30, **env: str) -> Completed:
    return LocalRunner().run(command, cwd=tmp_path, env=env, timeout=timeout, log=tmp_path / "log")


def shell(tmp_path: Path, script: str, timeout: float = 30, **env: str) -> Completed:
    return run(tmp_path, "/bin/sh", "-c", script, timeout=timeout, **env)


def test_it_runs_in_the_folder_and_keeps_both_streams_in_order(tmp_path: Path) -> None:
    completed = shell(tmp_path, "pwd; echo warned >&2; echo done; exit 3")
    assert completed.exit_code == 3
    assert not completed.timed_out
    assert (tmp_path / "log").read_text() == f"{tmp_path}\nwarned\ndone\n"


def test_nothing_of_the_users_environment_leaks_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CPATH", "CXXFLAGS", "PYTHONPATH", "LD_PRELOAD_X", "PEANO_INSTALL_DIR"):
        monkeypatch.setenv(name, "/trap")
    run(tmp_path, "/usr/bin/env", KEPT="1")
    assert (tmp_path / "log").read_text() == "KEPT=1\n"


def test_it_has_no_terminal_to_wait_for(tmp_path: Path) -> None:
    assert shell(tmp_path, "cat; [ ! -t 0 ]").exit_code == 0


def test_the_repeat_line_does_the_same_again(tmp_path: Path) -> None:
    completed = run(tmp_path, "/bin/sh", "-c", 'echo "$A b" >out', A="it's")
    first = (tmp_path / "out").read_bytes()
    (tmp_path / "out").unlink()
    assert shlex.split(completed.repeat)[:2] == ["env", "-i"]
    subprocess.run(completed.repeat, shell=True, check=True, cwd=tmp_path)
    assert (tmp_path / "out").read_bytes() == first == b"it's b\n"


def alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


def wait_until(condition: object) -> None:
    for _ in range(2000):
        if condition():  # type: ignore[operator]
            return
        time.sleep(0.01)
    pytest.fail("waited 20 s in vain")


def test_a_command_over_its_time_ends_with_all_it_started(tmp_path: Path) -> None:
    completed = shell(tmp_path, "sleep 60 & echo $! >pid; wait", timeout=0.3)
    assert completed.timed_out
    child = int((tmp_path / "pid").read_text())
    wait_until(lambda: not alive(child))


def test_stop_ends_what_runs_and_refuses_what_comes(tmp_path: Path) -> None:
    runner = LocalRunner()
    ended: list[type[BaseException]] = []

    def sleep() -> None:
        command = ["/bin/sh", "-c", "sleep 60 & echo $! >pid; wait"]
        try:
            runner.run(command, cwd=tmp_path, env={}, timeout=60, log=tmp_path / "log")
        except Stopped as error:
            ended.append(type(error))

    thread = threading.Thread(target=sleep)
    thread.start()
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    runner.stop()
    thread.join(20)
    assert ended == [Stopped]
    child = int((tmp_path / "pid").read_text())
    wait_until(lambda: not alive(child))
    with pytest.raises(Stopped):
        runner.run(["/bin/true"], cwd=tmp_path, env={}, timeout=1, log=tmp_path / "log")


@pytest.mark.parametrize("kind", ["missing", "not executable", "wrong format"])
def test_a_program_that_does_not_start_is_named(tmp_path: Path, kind: str) -> None:
    program = tmp_path / "tool"
    if kind != "missing":
        program.write_bytes(b"\x7fELF not really")
        program.chmod(0o755 if kind == "wrong format" else 0o644)
    with pytest.raises(MissingEnvironment, match=f"cannot start {program}") as caught:
        run(tmp_path, str(program))
    assert caught.value.code == "NPU016"


def test_a_signal_is_a_negative_exit_code(tmp_path: Path) -> None:
    assert shell(tmp_path, "kill -SEGV $$").exit_code == -11


def test_no_descriptor_leaks_into_a_command(tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        shell(tmp_path, "ls /proc/self/fd | wc -l")
    assert int((tmp_path / "log").read_text()) <= 4
