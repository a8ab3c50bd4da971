"""Where a build's commands run: in a container of a pinned image, or on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from errors import LabError, UsageError

if TYPE_CHECKING:
    from toolchain.docker.container import Limits
    from toolchain.docker.image import Image
    from toolchain.storage.store import Store
    from toolchain.unit import Unit
    from toolchain.work.runner import Runner

RUNNERS = ("auto", "docker", "local")
PYTHONS = ("3.11", "3.13")

MEMORY = range(64, (1 << 30) + 1)
"""MiB that a container may be given: the lab's agent starts in the least, engines can count the
most in bytes."""

MOST_PROCESSES = 1 << 22
"""That Linux has on any machine (PID_MAX_LIMIT), and takes as a limit of a control group."""


@dataclass(frozen=True, kw_only=True)
class Where:
    """Where commands run, and in one line why there.

    Attributes:
        image: The image of their container; None for this machine.
        python: The Python variant of the toolchain; None for that of this process.
    """

    image: Image | None
    reason: str
    python: str | None = None

    @property
    def name(self) -> str:
        """One of `RUNNERS`, ``auto`` apart."""
        return "docker" if self.image else "local"

    @contextmanager
    def runner(self, units: Sequence[Unit], store: Store | None = None) -> Iterator[Runner]:
        """Yield a runner for a build, and end it with all that it started.

        Args:
            units: What is built: their sources are seen in the container.
            store: The cache; the user's unless given.
        """
        if self.image is None:
            from toolchain.work.runner import LocalRunner

            yield LocalRunner(self.python)
            return
        from toolchain.docker.container import Spec
        from toolchain.docker.runner import DockerRunner
        from toolchain.storage.store import Store

        work = (store or Store()).root / "work"
        spec = Spec(
            image=self.image.tag,
            reads=_reads(units),
            writes=(work,),
            limits=limits(),
        )
        with DockerRunner(spec, self.image.tools, self.python) as runner:
            yield runner


def runner_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options `--runner` and `--python`."""
    runner = click.option(
        "--runner",
        type=click.Choice(RUNNERS),
        default="auto",
        show_default=True,
        envvar="NPULAB_RUNNER",
        help="docker: in a container of a pinned image. local: on this machine. auto: docker "
        "where the image is built and an engine answers.",
    )
    return runner(python_option(command))


def python_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option `--python`."""
    option = click.option(
        "--python",
        type=click.Choice(PYTHONS),
        envvar="NPULAB_PYTHON",
        help="Variant of the toolchain and of its image, or set NPULAB_PYTHON.  "
        f"[default: this Python's, or {PYTHONS[0]}]",
    )
    return option(command)


def choose_runner(asked: str | None = None, python: str | None = None) -> Where:
    """Return where commands run.

    Args:
        asked: One of `RUNNERS`; ``$NPULAB_RUNNER`` or auto unless given.
        python: One of `PYTHONS`; ``$NPULAB_PYTHON`` or this Python's unless given.

    Raises:
        LabError: What was asked for is not there.
    """
    asked = asked or os.environ.get("NPULAB_RUNNER") or "auto"
    python = python or os.environ.get("NPULAB_PYTHON")
    if asked == "local":
        return Where(image=None, reason="asked for", python=python)
    own_compiler = os.environ.get("CXX", "").strip()
    if asked == "docker":
        if own_compiler:
            raise UsageError(
                f"CXX names a compiler of this machine, {own_compiler}, which no container has",
                cure="unset CXX, or use --runner local",
                code="NPU098",
            )
        return _in_image(python, "asked for")
    if own_compiler:
        return Where(image=None, reason="CXX names a compiler of this machine", python=python)
    return _best(python)


def limits() -> Limits:
    """Return the containers' limits: ``$NPULAB_MEMORY`` in MiB and ``$NPULAB_PROCESSES``.

    Raises:
        UsageError: NPU063, one of them is no number that a container can be given.
    """
    from toolchain.docker.container import HEADROOM, Limits

    usual = Limits()
    most = MOST_PROCESSES - HEADROOM
    return Limits(
        memory=_number("NPULAB_MEMORY", usual.memory >> 20, MEMORY, " (MiB)") << 20,
        processes=_number("NPULAB_PROCESSES", usual.processes, range(1, most + 1)),
    )


def _best(python: str | None) -> Where:
    from toolchain.docker import engine

    try:
        return _in_image(python, f"engine at {engine.find()}")
    except LabError as error:
        return Where(image=None, reason=error.message, python=python)


def _in_image(python: str | None, reason: str) -> Where:
    from toolchain.docker import image, recipes
    from toolchain.pins.lockfile import own_variant
    from toolchain.storage.store import Store

    variant = python or own_variant()
    found = image.require(recipes.find(recipes.toolchain(variant)), Store())
    return Where(image=found, reason=reason, python=variant)


def _reads(units: Sequence[Unit]) -> tuple[Path, ...]:
    """Return the folders that the steps read: the lab's sources, and those beside the units'."""
    from toolchain import packages
    from toolchain.aie2 import packer
    from toolchain.storage.store import Store

    lab = [packages.folder("kernels"), packages.folder("simulator") / "include"]
    lab.append((Store().root / "toolchains").resolve())
    if chosen := os.environ.get(packer.SETTING):
        lab.append(Path(chosen).expanduser().absolute().parent)
    beside = {source.source.parent for unit in units for source in unit.objects}
    others = sorted(one for one in beside if not any(one.is_relative_to(own) for own in lab))
    return (*lab, *others)


def _number(name: str, usual: int, allowed: range, unit: str = "") -> int:
    text = os.environ.get(name, str(usual))
    if not (text.isascii() and text.isdecimal() and int(text) in allowed):
        raise UsageError(
            f"{name} is {text!r}, and it is to be a whole number "
            f"from {allowed[0]} to {allowed[-1]}{unit}",
            cure=f"set it to one such as {usual}, or unset it",
            code="NPU063",
        )
    return int(text)
