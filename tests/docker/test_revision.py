"""The commit that an image names: the last one that changed its recipe, or that none is known."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from toolchain.docker import image, images, recipes, revision
from toolchain.docker.image import Image, Layer
from toolchain.docker.images import Contents
from toolchain.git import UNKNOWN
from toolchain.storage.store import Store

pytestmark = pytest.mark.docker


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=lab", "-c", "user.email=lab@localhost", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path, name: str, text: str) -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    git(folder, "add", name)
    git(folder, "commit", "--quiet", "--message", f"Change {name}")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A repository with what decides an image."""
    made = tmp_path / "sources"
    made.mkdir()
    git(made, "init", "--quiet")
    for name in ("README.md", "requirements/lab.txt", "containers/images.toml"):
        commit(made, name, "first")
    return made


def of(checkout: Path) -> str:
    lock, requirements = "containers/xrt.packages", (checkout / "requirements" / "lab.txt",)
    recipe = dataclasses.replace(
        recipes.find("xrt"), lock=checkout / lock, requirements=requirements
    )
    return revision.of(recipe)


def test_the_last_commit_that_changed_the_recipe_is_named_and_no_other(sources: Path) -> None:
    last = commit(sources, "containers/xrt.packages", "libc6 1 amd64")
    assert of(sources) == last
    commit(sources, "containers/README.md", "about it")
    commit(sources, "containers/toolchain-py3.13.packages", "another image's")
    assert of(sources) == last
    changed = commit(sources, "requirements/lab.txt", "second")
    assert of(sources) == changed


def test_a_recipe_that_is_not_committed_is_of_no_commit(sources: Path) -> None:
    (sources / "containers" / "xrt.packages").write_text("libc6 1 amd64")
    assert of(sources) == UNKNOWN
    last = commit(sources, "containers/xrt.packages", "libc6 1 amd64")
    (sources / "requirements" / "lab.txt").write_text("second")
    assert of(sources) == UNKNOWN
    git(sources, "checkout", "--quiet", ".")
    assert of(sources) == last


def test_a_shallow_clone_names_no_commit_that_it_has_not(sources: Path, tmp_path: Path) -> None:
    last = commit(sources, "containers/xrt.packages", "libc6 1 amd64")
    commit(sources, "README.md", "second")
    for depth, told in ((1, UNKNOWN), (2, UNKNOWN), (3, last)):
        made = tmp_path / f"depth{depth}"
        git(tmp_path, "clone", "--quiet", f"--depth={depth}", sources.as_uri(), str(made))
        assert of(made) == told


def test_sources_without_git_name_none(sources: Path, tmp_path: Path) -> None:
    bare = tmp_path / "copy"
    for name in ("containers/images.toml", "requirements/lab.txt"):
        (bare / name).parent.mkdir(parents=True)
        (bare / name).write_text((sources / name).read_text())
    assert of(bare) == UNKNOWN


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Image]:
    """Return a function that makes an image of the same layers while git names a commit."""
    layer = Layer(path="layer.tar", sha256="0" * 64, size=1, created_by="test")
    kept = Contents(layer=layer, packages=[])
    monkeypatch.setattr(images, "_kept", lambda *_: kept)
    store, recipe = Store(tmp_path / "cache"), recipes.find("xrt")

    def made(told: str) -> Image:
        monkeypatch.setattr(revision, "of", lambda _: told)
        return images.make(recipe, store, report=lambda *_: None)

    return made


def test_an_image_keeps_its_commit_where_git_does_not_know_it(make: Callable[[str], Image]) -> None:
    first = make(UNKNOWN)
    assert first.labels[images.REVISION_LABEL] == UNKNOWN
    named = make("a" * 40)
    assert named.labels[images.REVISION_LABEL] == "a" * 40
    assert make(UNKNOWN) == named


def test_an_image_without_its_commit_is_made_again_once_git_knows_it(
    make: Callable[[str], Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, store = recipes.find("xrt"), Store(tmp_path / "cache")
    made = make(UNKNOWN)
    assert image.known(recipe, store) == made
    assert not images.lacks_revision(made, recipe)
    monkeypatch.setattr(revision, "of", lambda _: "a" * 40)
    assert images.lacks_revision(made, recipe)
    assert not images.lacks_revision(make("b" * 40), recipe)
