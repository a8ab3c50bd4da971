"""The development container and the README's one line, run as their readers run them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toolchain import packages
from toolchain.docker import images, recipes
from toolchain.docker.engine import Engine
from toolchain.docker.image import Image
from toolchain.docker.recipes import Recipe

pytestmark = pytest.mark.docker
CHECKOUT = packages.folder("toolchain").parent
KNOWN = {"name", "image", "initializeCommand", "containerEnv", "runArgs", "remoteUser"}
"""The properties that are used, as https://containers.dev/implementors/json_reference has them."""


@pytest.fixture
def tagged(built: Callable[[str], Image], docker: Engine) -> str:
    """The image under the tag that people use."""
    made = built("toolchain-py3.13")
    images.give_tag(made, docker, "dev")
    return f"npulab/{made.name}:dev"


def run(*arguments: str) -> str:
    done = subprocess.run(
        ["docker", "run", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The lab's sources as git has them, at the state of this checkout, for their owner only."""
    listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(["git", *listed], cwd=CHECKOUT, capture_output=True, check=True)
    made = tmp_path / "clone"
    for name in filter(None, done.stdout.decode().split("\0")):
        if (CHECKOUT / name).is_file():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, made / name)
    made.chmod(0o700)
    return made


def read_settings() -> dict[str, Any]:
    text = (CHECKOUT / ".devcontainer" / "devcontainer.json").read_text()
    settings: dict[str, Any] = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    return settings


def test_the_first_start_makes_the_image_in_a_fresh_clone(
    built: Callable[[str], Image],
    own_recipes: dict[str, Recipe],
    docker: Engine,
    clone: Path,
    tmp_path: Path,
) -> None:
    if shutil.which("nox") is None:
        pytest.skip("no nox on the path")
    name = "toolchain-py3.13"
    made = built(name)
    if own_recipes[name].lock.read_bytes() != recipes.load()[name].lock.read_bytes():
        pytest.skip("the mirror has moved on from the locks: npulab images --accept")
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    subprocess.run(
        ["/bin/sh", "-c", read_settings()["initializeCommand"]],
        cwd=clone,
        env=env | {"NPULAB_BUILD": str(tmp_path / "build")},
        check=True,
    )
    assert docker.client.images.get(read_settings()["image"]).id == made.id


def test_the_development_container_checks_a_kernel(tagged: str) -> None:
    settings = read_settings()
    assert settings.keys() == KNOWN
    assert settings["image"] == tagged
    workspace = "/workspaces/lab"
    env = {
        name: value.replace("${containerWorkspaceFolder}", workspace)
        for name, value in settings["containerEnv"].items()
    }
    assert "$" not in "".join(env.values())
    said = run(
        *("--rm", "--network=none", *settings["runArgs"], "--user", settings["remoteUser"]),
        *(f"--env={name}={value}" for name, value in env.items()),
        *("--env=NPULAB_BUILD=/tmp/build", f"--volume={CHECKOUT}:{workspace}:ro"),
        *("--workdir", workspace, tagged, "python3", "-m", "npulab", "test", "passthrough/1024"),
    )
    assert "all agree with their golden models" in said


def test_the_one_line_without_nox_runs(tagged: str, clone: Path) -> None:
    text = (CHECKOUT / "containers" / "README.md").read_text()
    (line,) = re.findall(r"^\$ (docker run .*)$", text, re.MULTILINE)
    assert tagged in shlex.split(line)
    command = ["/bin/sh", "-c", f"{line} passthrough/1024"]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "all agree with their golden models" in done.stdout


def test_a_python_without_the_labs_packages_is_told_in_one_line(clone: Path) -> None:
    """As Debian's python3 in a fresh clone: -S leaves out what is installed."""
    command = [sys.executable, "-S", "-m", "npulab", "images"]
    env = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("error: this Python has no package click")
    assert "nox" in done.stderr
    assert "Traceback" not in done.stderr
