"""The command line as other processes use it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from npulab.cli import cli

Npulab = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment that all runs share: 80 columns, a cache that is not the user's."""
    shared = tmp_path_factory.mktemp("lab")
    return {
        "COLUMNS": "80",
        "NPULAB_CACHE": str(shared / "cache"),
        "NPULAB_BUILD": str(shared / "build"),
    }


@pytest.fixture(scope="session")
def npulab(places: dict[str, str]) -> Npulab:
    """Return a function that runs npulab in this process, as if in one of its own.

    Its keyword arguments join the environment; `cwd` is the folder that it runs in.
    """

    def run(
        *arguments: str, cwd: str | os.PathLike[str] = ".", **env: str
    ) -> subprocess.CompletedProcess[str]:
        with contextlib.chdir(cwd):
            result = CliRunner().invoke(cli, arguments, prog_name="npulab", env=places | env)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return subprocess.CompletedProcess(
            arguments, result.exit_code, result.stdout, result.stderr
        )

    return run


@pytest.fixture(scope="session")
def npulab_process(places: dict[str, str]) -> Npulab:
    """Return a function that runs npulab in a process of its own, without a terminal."""

    def run(
        *arguments: str, cwd: str | os.PathLike[str] | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "npulab", *arguments],
            capture_output=True,
            text=True,
            env={**os.environ} | places | env,
            cwd=cwd,
            timeout=120,
            check=False,
        )

    return run


PACKAGES = ("errors", "kernels", "npulab", "runtime", "simulator", "toolchain")


@dataclass(frozen=True)
class Checkout:
    """A copy of the lab that a test may change.

    Attributes:
        root: Its folder.
        npulab: Runs its command line in it.
    """

    root: Path
    npulab: Npulab


@pytest.fixture
def checkout(npulab_process: Npulab, tmp_path: Path) -> Checkout:
    """Copy the lab, with the smallest kernel only."""
    lab = Path(__file__).parents[2]
    root = tmp_path / "checkout"
    for package in PACKAGES:
        shutil.copytree(lab / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(lab / "pyproject.toml", root)
    for source in (root / "kernels").glob("*/kernel.cc"):
        if source.parent.name != "passthrough":
            shutil.rmtree(source.parent)
    env = {"PYTHONPATH": str(root), "NPULAB_BUILD": str(root / "build")}
    return Checkout(root, partial(npulab_process, cwd=root, **env))
