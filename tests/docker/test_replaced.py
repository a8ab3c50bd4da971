"""Images that another took the place of, and their removal by name, under names of the test's."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from npulab.cli import cli
from tests.cli.test_tables import lines_within
from toolchain.docker import images, recipes
from toolchain.docker.engine import Engine
from toolchain.docker.image import Image
from toolchain.docker.layers import measure, pack
from toolchain.docker.recipes import Recipe
from toolchain.storage import disk
from toolchain.storage.store import Store

pytestmark = pytest.mark.docker
NAMES = (f"test-{os.getpid()}-one", f"test-{os.getpid()}-two")
Make = Callable[[str, str], Image]


@pytest.fixture
def cache(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


@pytest.fixture
def make(docker: Engine, cache: Store, tmp_path: Path) -> Iterator[Make]:
    """Return a function that makes an image of one file, records and loads it."""

    def small(name: str, text: str) -> Image:
        content, tar = (
            tmp_path / name / text,
            cache.root / "layers" / f"{name}-{text}" / "layer.tar",
        )
        content.mkdir(parents=True)
        tar.parent.mkdir(parents=True)
        (content / "file").write_text(text)
        pack(content, "opt", tar, 0)
        layer, labels = measure(tar, "test"), {images.NAME_LABEL: name}
        identity = hashlib.sha256(images._configuration([layer], labels, {}, 0)).hexdigest()
        image = Image(
            name=name,
            key=text,
            tag=f"npulab/{name}:{identity[:12]}",
            id=f"sha256:{identity}",
            size=layer.size,
            packages=[],
            layers=[layer],
            labels=labels,
            env={},
            compiler=None,
        )
        disk.replace_file(cache.root / "images" / f"{name}.json", msgspec.json.encode(image))
        images.load(image, docker, 0, lambda *_: None)
        return image

    yield small
    for tag in (tag for name in NAMES for tag in tags(docker, name)):
        docker.client.images.remove(tag)


def tags(docker: Engine, name: str) -> set[str]:
    found = docker.client.images.list(filters={"label": f"{images.NAME_LABEL}={name}"})
    return {tag for image in found for tag in image.tags}


def test_only_the_images_of_a_name_are_removed_the_older_too(docker: Engine, make: Make) -> None:
    first, second, other = make(NAMES[0], "a"), make(NAMES[0], "b"), make(NAMES[1], "a")
    images.give_tag(second, docker, "dev")
    gone = sorted([first.tag, second.tag, f"npulab/{NAMES[0]}:dev"])
    assert images.remove(docker, [NAMES[0]]) == (gone, [])
    assert tags(docker, NAMES[0]) == set()
    assert tags(docker, NAMES[1]) == {other.tag}


def test_what_others_made_of_an_image_stays(docker: Engine, make: Make) -> None:
    image = make(NAMES[0], "a")
    container = docker.client.containers.create(image.tag, ["/none"])
    try:
        container.commit("someones", NAMES[0])
    finally:
        container.remove()
    assert images.remove(docker, [NAMES[0]]) == ([image.tag], [])
    assert tags(docker, NAMES[0]) == {f"someones:{NAMES[0]}"}


def test_layers_that_another_image_has_stay(cache: Store, make: Make) -> None:
    old, new, other = make(NAMES[0], "a"), make(NAMES[0], "b"), make(NAMES[1], "a")
    assert images.forget(cache, [NAMES[0]]) > old.size + new.size
    assert [path.name for path in (cache.root / "layers").iterdir()] == [f"{NAMES[1]}-a"]
    assert [path.stem for path in (cache.root / "images").iterdir()] == [NAMES[1]]
    assert images.forget(cache) > other.size
    assert list(cache.root.glob("*/*")) == []


def test_an_image_is_retired_once_no_container_uses_it(docker: Engine, make: Make) -> None:
    old, new = make(NAMES[0], "a"), make(NAMES[0], "b")
    assert not images.retire(new, new, docker)
    container = docker.client.containers.create(old.tag, ["/none"])
    try:
        assert not images.retire(old, new, docker)
        assert images.remove(docker, [NAMES[0]]) == ([new.tag], [old.tag])
        assert tags(docker, NAMES[0]) == {old.tag}
    finally:
        container.remove()
    assert images.retire(old, new, docker)
    assert not images.retire(old, new, docker)  # it is gone
    assert tags(docker, NAMES[0]) == set()


def test_an_image_that_only_has_the_tag_is_left_alone(docker: Engine, make: Make) -> None:
    mine, new = make(NAMES[0], "a"), make(NAMES[0], "b")
    pretended = msgspec.structs.replace(mine, name=NAMES[1])
    assert not images.retire(pretended, new, docker)
    assert tags(docker, NAMES[0]) == {mine.tag, new.tag}


@pytest.fixture
def npulab(
    make: Make, cache: Store, own_recipes: dict[str, Recipe], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Return a function that runs `npulab images` where the two names are the lab's only ones."""
    base = own_recipes["xrt"]
    ours = {name: dataclasses.replace(base, name=name) for name in NAMES}
    texts = iter("abcdef")
    monkeypatch.setattr(recipes, "load", lambda *_: ours)
    monkeypatch.setattr(images, "make", lambda recipe, *_, **__: make(recipe.name, next(texts)))
    env = {"NPULAB_CACHE": str(cache.root), "NPULAB_BUILD": str(cache.root.parent / "build")}
    env |= {"COLUMNS": "80"}

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(cli, ["images", *arguments], prog_name="npulab", env=env)
        assert result.exit_code in (0, 2), result.output
        return result

    return run


def test_an_image_made_anew_takes_the_place_of_the_one_before(
    docker: Engine, npulab: Callable[..., Result]
) -> None:
    npulab(NAMES[0], "--base", "bootstrap")
    (before,) = tags(docker, NAMES[0])
    done = npulab(NAMES[0], "--base", "bootstrap")  # its key is not the recipe's: made anew
    assert f"{NAMES[0]}: removed {before}\n" in done.stderr
    assert len(tags(docker, NAMES[0]) - {before}) == 1
    assert before not in tags(docker, NAMES[0])


def test_a_name_is_removed_alone_and_told_as_json(
    docker: Engine, npulab: Callable[..., Result]
) -> None:
    npulab()
    gone, kept = tags(docker, NAMES[0]), tags(docker, NAMES[1])
    document = json.loads(npulab(NAMES[0], "--remove", "--json").stdout)
    assert document["removed"] == sorted(gone)
    assert document["bytes"] > 0
    assert tags(docker, NAMES[0]) == set()
    assert tags(docker, NAMES[1]) == kept != set()
    assert f"removed {min(kept)}" in npulab(NAMES[1], "--remove").stdout


def test_what_no_registry_has_is_refused_by_name_and_noted_among_all(
    npulab: Callable[..., Result],
) -> None:
    done = npulab(NAMES[0], "--base", "registry")
    assert done.exit_code == 2
    assert f"no registry has the base of {NAMES[0]}" in done.stderr
    every = npulab("--base", "registry")
    assert every.exit_code == 0
    assert every.stderr.count("bootstrapped, for no registry has its base") == 2


def test_the_table_fits_80_columns(
    capsys: pytest.CaptureFixture[str], own_recipes: dict[str, Recipe], make: Make
) -> None:
    from npulab.commands import images as command

    image = make(NAMES[0], "a")
    made = [
        (recipe, msgspec.structs.replace(image, tag=f"npulab/{name}:{'0' * 12}", size=395_066_880))
        for name, recipe in own_recipes.items()
    ]
    command._print(made, 0.1)
    printed = capsys.readouterr().out
    lines_within(printed)
    assert all(image.tag in printed for _, image in made)
    assert "3 images current, lists in" in printed
