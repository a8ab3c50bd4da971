"""The development container and the README's one line, run as their readers run them."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from toolchain import packages
from toolchain.docker import images
from toolchain.docker.engine import Engine
from toolchain.docker.image import Image

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


def test_the_development_container_checks_a_kernel(tagged: str) -> None:
    text = (CHECKOUT / ".devcontainer" / "devcontainer.json").read_text()
    settings = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    assert settings.keys() == KNOWN
    assert settings["image"] == tagged
    name, _, tag = tagged.removeprefix("npulab/").partition(":")
    assert settings["initializeCommand"] == f"python3 -m npulab images {name} --tag {tag}"
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


def test_the_one_line_without_nox_runs(tagged: str) -> None:
    text = (CHECKOUT / "containers" / "README.md").read_text()
    (line,) = re.findall(r"^\$ docker run (.*)$", text, re.MULTILINE)
    words = shlex.split(line.replace('"$PWD', f'"{Path(CHECKOUT)}'))
    assert tagged in words
    assert "all agree with their golden models" in run(*words, "passthrough/1024")
