"""Where a command runs: a Runner, of which the local one stands here.

A Runner starts one command in one folder and waits for it. The paths in a command are those
of this machine: a Runner that isolates its commands mounts the folders that they read under
the same paths, read-only, and the folder that they run in as the only one to write to.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from errors import MissingEnvironment
from toolchain.stopped import Stopped
from toolchain.storage import disk

if TYPE_CHECKING:
    import subprocess


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A command that ended.

    Attributes:
        exit_code: As the command gave it; negative for the signal that ended it.
        timed_out: The runner ended it because its time was over.
        repeat: A shell line that runs it again, in any folder.
    """

    exit_code: int
    timed_out: bool
    repeat: str


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A tool where the runner's commands find it.

    Attributes:
        folder: Its folder, as a command names it.
        pin: Its name, version and hash.
    """

    folder: Path
    pin: str


class Runner(Protocol):
    """Runs commands, several at a time, each in a folder of its own.

    Attributes:
        tools: The tools that it brings along, by Python package. Others are this machine's.
        python: The Python variant whose toolchain it uses; None for the one of this process.
    """

    name: str
    tools: Mapping[str, Tool]
    python: str | None

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout: float,
        log: Path,
    ) -> Completed:
        """Run `command` and wait for its end.

        Args:
            command: Program by absolute path, and its arguments.
            cwd: Folder that it runs in; the only one that it may write to.
            env: Its whole environment: nothing of the caller's leaks in.
            timeout: Seconds until it is ended by force, with all that it started.
            log: File that takes what it prints, both streams in order.

        Raises:
            Stopped: :meth:`stop` ended it.
            MissingEnvironment: The program does not start, or the disk takes no log.
        """

    def stop(self) -> None:
        """End every running command, and refuse new ones, because the user wants to leave."""


class LocalRunner:
    """Runs commands as processes of this machine, each in a process group of its own."""

    name = "local"
    tools: Mapping[str, Tool] = MappingProxyType({})

    def __init__(self, python: str | None = None) -> None:
        """Take note of the variant; see :class:`Runner`."""
        self.python = python
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout: float,
        log: Path,
    ) -> Completed:
        """See :meth:`Runner.run`."""
        import subprocess

        with disk.writing(cwd):
            stream = log.open("wb")
        with stream:
            process = self._start(command, cwd, env, stream.fileno())
        timed_out = False
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            timed_out = True
            _kill_group(process)
            process.wait()
        except BaseException:
            _kill_group(process)
            process.wait()
            raise
        finally:
            with self._lock:
                self._running.discard(process)
        if self._stopped:
            raise Stopped
        return Completed(
            exit_code=process.returncode, timed_out=timed_out, repeat=shell_line(command, env)
        )

    def _start(
        self, command: Sequence[str], cwd: Path, env: Mapping[str, str], output: int
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._stopped:
                raise Stopped
            import subprocess

            try:
                process = subprocess.Popen(
                    command,
                    cwd=cwd,
                    env=dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise MissingEnvironment(
                    f"cannot start {command[0]}: {error.strerror}",
                    cure="install the lab's requirements again",
                    code="NPU016",
                ) from error
            self._running.add(process)
            return process

    def stop(self) -> None:
        """See :meth:`Runner.stop`."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                _kill_group(process)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started, unless it ended on its own."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def shell_line(command: Sequence[str], env: Mapping[str, str]) -> str:
    """Return a shell line that runs `command` with `env` and nothing else in its environment."""
    import shlex

    settings = [f"{name}={value}" for name, value in sorted(env.items())]
    return shlex.join(["env", "-i", *settings, *command])
