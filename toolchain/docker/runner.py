"""Runs the build's steps in a container; see `toolchain.work.runner` for what a Runner owes."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from errors import CheckFailed, LabError, MissingEnvironment
from toolchain.docker.container import Container, Lost, Silent, Spec, sweep
from toolchain.docker.engine import Engine, connect, went_away
from toolchain.docker.repeat import shell_line
from toolchain.stopped import Stopped
from toolchain.storage import disk
from toolchain.work.runner import Completed, Tool


class DockerRunner:
    """Runs commands in one container, which starts with the first of them.

    A build that finds everything in the cache therefore needs no engine. Use it as a context
    manager, so that the container goes when the work is done.

    Attributes:
        name: ``docker``.
        tools: What the image brings along, by Python package.
        python: The Python variant of the image.
    """

    name = "docker"

    def __init__(
        self, spec: Spec, tools: Mapping[str, Tool] | None = None, python: str | None = None
    ) -> None:
        """Take note of what to start.

        Args:
            spec: The container. Its folders need not exist yet.
            tools: See the attribute.
            python: See the attribute.
        """
        self.python = python
        self.tools: Mapping[str, Tool] = tools or {}
        self._spec = spec
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._container: Container | None = None
        self._stopped = False

    def __enter__(self) -> DockerRunner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout: float,
        log: Path,
    ) -> Completed:
        """See :meth:`toolchain.work.runner.Runner.run`; `log` is below a folder it may write to.

        Raises:
            CheckFailed: The command went over the container's limits and was stopped.
        """
        with disk.writing(cwd):
            log.write_bytes(b"")
        container = self._running()
        try:
            answer = container.run(command, cwd=cwd, env=env, timeout=timeout, log=log)
        except Lost as lost:
            if self._stopped:
                raise Stopped from lost
            raise self._lost(container) from lost
        except Silent as silent:
            raise self._hangs(container) from silent
        if "error" in answer:
            raise _does_not_start(command[0], answer["error"])
        self._refuse_excess(command[0], answer)
        return Completed(
            exit_code=answer["exit"],
            timed_out=answer["stopped"] == "time",
            repeat=shell_line(command, cwd, env, container),
        )

    def stop(self) -> None:
        """See :meth:`toolchain.work.runner.Runner.stop`."""
        self._stopped = True
        self.close()

    def close(self) -> None:
        """Remove the container; the next command would start another."""
        with self._lock:
            container, self._container = self._container, None
            engine, self._engine = self._engine, None
        if container is not None:
            container.close()
        if engine is not None:
            engine.close()

    def _running(self) -> Container:
        with self._lock:
            if self._stopped:
                raise Stopped
            if self._container is None:
                self._engine = self._engine or connect()
                sweep(self._engine)
                self._container = Container(self._engine, _existing(self._spec))
            return self._container

    def _lost(self, container: Container) -> LabError:
        """Return why a container ended that nobody asked to; the next command gets another."""
        with self._lock:
            engine = self._engine
            self._drop(container)
            gone = engine is not None and not engine.answers()
            if gone:
                self._engine = None  # whoever comes next looks for one anew
        container.close()
        if engine is not None and gone:
            engine.close()
            return went_away(f"nothing answers a ping at {engine.address}")
        return MissingEnvironment(
            "the container ended while a command ran in it: somebody kills it, or the engine stops",
            cure="see that the engine runs, then repeat the command: what was finished is kept",
            code="NPU088",
        )

    def _hangs(self, container: Container) -> LabError:
        """End a container that says nothing any more, and return the failure."""
        with self._lock:
            self._drop(container)
        container.close()
        return MissingEnvironment(
            "the container no longer answers: somebody paused it, or the machine hangs",
            cure="see that nobody pauses it, then repeat the command: what was finished is kept",
            code="NPU088",
        )

    def _drop(self, container: Container) -> None:
        """Give the next command another container."""
        if self._container is container:
            self._container = None

    def _refuse_excess(self, program: str, answer: dict[str, Any]) -> None:
        limits = self._spec.limits
        if answer["stopped"] == "memory":
            raise CheckFailed(
                f"{Path(program).name} was ended at the container's memory limit, "
                f"{limits.memory / 2**20:,.0f} MiB",
                cure="use fewer jobs (-j), or raise NPULAB_MEMORY",
                code="NPU089",
            )
        if answer["stopped"] == "processes":
            raise CheckFailed(
                f"{Path(program).name} was ended at the limit of {limits.processes:,} processes",
                cure="a tool that forks without end is broken: look at what it was given",
                code="NPU090",
            )


def _existing(spec: Spec) -> Spec:
    for folder in spec.writes:
        with disk.writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
    return replace(spec, reads=tuple(path for path in spec.reads if path.exists()))


def _does_not_start(program: str, why: str) -> MissingEnvironment:
    return MissingEnvironment(
        f"cannot start {program} in the container: {why}",
        cure="build the image again: npulab images --rebuild",
        code="NPU016",
    )
