"""A real container engine, and images that are made once for all tests of a run.

Images are kept in the lab's cache by content, so that only the first run of a machine
bootstraps them. A mirror that has moved on is told, and does not keep the rest from being
tested: the run then uses a lock of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from errors import CheckFailed, MissingEnvironment
from tests.docker.waiting import wait_until
from toolchain.docker import engine, images, recipes
from toolchain.docker.container import LABEL, Limits, Spec
from toolchain.docker.engine import Engine
from toolchain.docker.image import Image
from toolchain.docker.recipes import Recipe
from toolchain.docker.runner import DockerRunner
from toolchain.storage.store import Store

CHECKOUT = Path(__file__).parents[2]
MakeRunner = Callable[..., DockerRunner]
BuiltImages = Callable[[str], Image]


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    try:
        found = engine.connect()
    except MissingEnvironment as error:
        pytest.skip(error.message)
    yield found
    found.close()


@pytest.fixture(scope="session")
def store() -> Store:
    return Store()


@pytest.fixture(scope="session")
def own_recipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recipe]:
    """Return the lab's recipes with locks that a test may rewrite.

    They are in a clone, so that the images, which the user's cache keeps, name the commit that
    the user's own would.
    """
    checkout = tmp_path_factory.mktemp("checkout")
    clone = ["clone", "--quiet", "--shared", "--no-checkout", str(CHECKOUT), str(checkout)]
    subprocess.run(["git", *clone], check=False)
    subprocess.run(["git", "reset", "--quiet"], cwd=checkout, check=False)
    for part in ("containers", "requirements"):
        shutil.copytree(CHECKOUT / part, checkout / part)
    return recipes.load(checkout)


@pytest.fixture(scope="session")
def built(docker: Engine, store: Store, own_recipes: dict[str, Recipe]) -> BuiltImages:
    """Return a function that gives an image, made and loaded."""
    done: dict[str, Image] = {}

    def get(name: str) -> Image:
        if name not in done:
            done[name] = _make(own_recipes[name], store)
            images.load(done[name], docker, own_recipes[name].epoch, lambda *_: None)
        return done[name]

    return get


def _make(recipe: Recipe, store: Store) -> Image:
    try:
        return images.make(recipe, store, report=lambda *_: None)
    except CheckFailed as error:
        if error.code != "NPU096":
            raise
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn(str(error), stacklevel=1)
        return images.make(recipe, store, accept=True, report=lambda *_: None)


@pytest.fixture
def toolchain_image(built: BuiltImages) -> Image:
    return built("toolchain-py3.11")


@pytest.fixture
def make_runner(toolchain_image: Image, tmp_path: Path) -> Iterator[MakeRunner]:
    """Return a function that makes runners on ``tmp_path/out``; they are closed at the end."""
    made: list[DockerRunner] = []
    (tmp_path / "out").mkdir()

    def make(
        image: str = toolchain_image.tag,
        reads: tuple[Path, ...] = (),
        limits: Limits | None = None,
    ) -> DockerRunner:
        spec = Spec(image=image, reads=reads, writes=(tmp_path / "out",), limits=limits or Limits())
        made.append(DockerRunner(spec, toolchain_image.tools))
        return made[-1]

    yield make
    for runner in made:
        runner.close()


def _of_another_lab(lease: str) -> bool:
    """Whether a container belongs to a process that lives and that no test started."""
    try:
        process = int(Path(lease).read_text())
        while process > 1:
            if process == os.getpid():
                return False
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            process = int(fields[1])
    except (OSError, ValueError):
        return False
    return True


def _left(docker: Engine) -> list[str]:
    """Return the lab's containers that are not of another lab at work."""
    found = docker.client.api.containers(all=True, filters={"label": LABEL})
    return [one["Id"] for one in found if not _of_another_lab(one["Labels"][LABEL])]


@pytest.fixture(autouse=True)
def nothing_left(docker: Engine) -> Iterator[None]:
    """Check that a test leaves no container and no volume behind."""
    volumes = {volume.name for volume in docker.client.volumes.list()}
    yield
    # What another lab's killed process has left is nobody's until it has removed itself.
    wait_until(lambda: not _left(docker), tell=lambda: _left(docker))
    assert {volume.name for volume in docker.client.volumes.list()} <= volumes
