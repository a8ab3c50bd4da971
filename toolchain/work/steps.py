"""Steps: what a build does, one node of its graph each.

A step's key is the hash of all that decides its outputs: the content of its inputs, its
recipe (the command with stand-ins for folders, its environment) and its tool's pin. What is
found only on the way, the headers that a compiler opens, is recorded with the outputs and
checked when they are looked up again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from errors import CheckFailed, LabError
from toolchain.storage import disk
from toolchain.storage.places import WORK, Places
from toolchain.work import depfile
from toolchain.work.diagnose import Cause, Diagnosis, diagnose
from toolchain.work.runner import Completed, Runner

LOG_LINES = 30
"""Lines of a tool's output that an error shows; the log has them all."""


@dataclass(frozen=True)
class Output:
    """A file that a step gives."""

    step: Step
    name: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Step(ABC):
    """One node of the graph.

    Attributes:
        unit: Title of the unit that it belongs to.
        name: What it does, in two or three words.
        pin: Version and hash of the tool that does it.
        outputs: Names of the files that it writes in the folder it runs in.
        sources: Files of the user that it reads where they are.
        texts: Content that it finds under these names in the folder it runs in.
        needs: Outputs of other steps that it finds there.
        after: Steps that must succeed first, though they give it nothing.
        places: Stand-ins for folders.
        search: Folders that headers are looked for in, in order.
        alone: Whether only one step of this kind may run at a time.
    """

    alone: ClassVar[bool] = False

    unit: str
    name: str
    pin: str
    outputs: tuple[str, ...] = ()
    sources: tuple[Path, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, Output] = field(default_factory=dict)
    after: tuple[Step, ...] = ()
    places: Places = field(default_factory=lambda: Places({}))
    search: tuple[Path, ...] = ()

    @abstractmethod
    def recipe(self) -> Any:
        """Return what the step does as JSON, free of this machine's paths."""

    @abstractmethod
    def run(self, work: Path, runner: Runner) -> list[Path]:
        """Write the outputs into `work`.

        Returns:
            The files that it read besides its inputs.

        Raises:
            LabError: The step's answer is no, or it could not do its work.
        """

    @property
    def title(self) -> str:
        """The step's name with its unit's, for progress and messages."""
        return f"{self.unit}: {self.name}"

    def before(self) -> Iterator[Step]:
        """Yield the steps that must succeed first."""
        yield from (output.step for output in self.needs.values())
        yield from self.after


@dataclass(frozen=True, kw_only=True, eq=False)
class CommandStep(Step):
    """A step that runs a program.

    Attributes:
        command: Program by absolute path, and arguments; ``{work}`` in an argument stands for
            the folder that it runs in.
        env: The program's whole environment.
        timeout: Seconds.
        failure: What is wrong when it fails.
        causes: Gives the failures that its output tells, which say more than `failure`; asked
            for when it fails, so that a build without failures compiles no pattern.
        log: Output that takes what the program prints.
        kept_log: File that keeps the log of a failure.
        headers: Output that lists the files read, in make's format; it is not kept.
        pinned: Folders whose files the pin answers for.
        ready: Called before the program starts; it raises where that is not so any more.
    """

    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 600
    failure: Diagnosis
    causes: Callable[[], tuple[Cause, ...]] = tuple
    log: str
    kept_log: Path
    headers: str | None = None
    pinned: tuple[Path, ...] = ()
    ready: Callable[[], None] = lambda: None

    def recipe(self) -> Any:
        """Return the command and environment with stand-ins for folders."""
        return {"command": self.neutral_command(), "env": dict(self.env)}

    def neutral_command(self) -> list[str]:
        """Return the command with stand-ins for folders, and the program by its bare name."""
        program, *arguments = self.command
        return [Path(program).name, *(self.places.neutral(argument) for argument in arguments)]

    def run(self, work: Path, runner: Runner) -> list[Path]:
        """Run the program; see :meth:`Step.run`."""
        self.ready()
        log = work / self.log
        completed = runner.run(
            [argument.replace(WORK, str(work)) for argument in self.command],
            cwd=work,
            env=self.env,
            timeout=self.timeout,
            log=log,
        )
        if completed.exit_code or completed.timed_out:
            disk.refuse_full(work)
            raise self._failed(completed, log.read_text(encoding="utf-8", errors="replace"))
        return self._discovered(work)

    def _discovered(self, work: Path) -> list[Path]:
        if self.headers is None:
            return []
        listed = [work / path for path in depfile.parse((work / self.headers).read_text())]
        own = {*self.sources, *(work / name for name in self.needs)}
        return [
            path
            for path in listed
            if path not in own and not any(path.is_relative_to(folder) for folder in self.pinned)
        ]

    def _failed(self, completed: Completed, log: str) -> LabError:
        disk.replace_file(self.kept_log, log.encode())
        lines = log.rstrip().splitlines()
        if len(lines) > LOG_LINES:
            lines = [*lines[:LOG_LINES], f"... {len(lines) - LOG_LINES} more lines in the log"]
        if completed.timed_out:
            found = _too_long(self.command[0], self.timeout)
        else:
            found = diagnose(log, self.causes()) or self.failure
        return CheckFailed(
            f"{self.unit}: {found.message}",
            cure=found.cure,
            code=found.code,
            details=(*lines, f"repeat: {completed.repeat}", f"log: {self.kept_log}"),
        )


def _too_long(program: str, seconds: float) -> Diagnosis:
    return Diagnosis(
        message=f"{Path(program).name} was still running after {seconds:g} s and was stopped",
        cure="look at the log for what it did last; a busy machine needs fewer jobs (-j)",
        code="NPU017",
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class FunctionStep(Step):
    """A step that the lab does itself, in this process.

    One at a time: Python would not run two at once anyway, and xDSL's parser keeps state
    that all threads share.

    Attributes:
        function: Takes the folder to read from and write to.
        arguments: JSON that the function was bound to, for the key.
    """

    alone: ClassVar[bool] = True

    function: Callable[[Path], None]
    arguments: Any = None

    def recipe(self) -> Any:
        """Return the function's name and what it was bound to."""
        return {"function": self.name, "arguments": self.arguments}

    def run(self, work: Path, runner: Runner) -> list[Path]:  # noqa: ARG002
        """Call the function; see :meth:`Step.run`."""
        with disk.writing(work):
            self.function(work)
        return []
