"""Images: made in layers that are kept, handed to the engine, and known without it.

Below ``$NPULAB_CACHE``: ``layers/<hash of what decides it>/`` has a layer with the list of
its packages, ``images/<name>.json`` what the image was made of. A new Python package makes a
new second layer and leaves the base alone; a build that needs nothing done reads the record
and asks no engine.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from toolchain.docker import debian, registry, revision, sbom, wheels
from toolchain.docker.debian import Package
from toolchain.docker.engine import Engine, talking
from toolchain.docker.image import LAB, Image, Layer, known, record
from toolchain.docker.layers import archive, configuration, measure, pack
from toolchain.docker.recipes import Recipe
from toolchain.git import UNKNOWN
from toolchain.storage import digest, disk, records
from toolchain.storage.store import Store

if TYPE_CHECKING:
    from docker.models.images import Image as EngineImage

NAME_LABEL = "npulab.image"
REVISION_LABEL = "org.opencontainers.image.revision"
REPOSITORY = "npulab"


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """A kept layer: its tar, what is in it, and the compiler if it has one."""

    layer: Layer
    packages: list[tuple[str, str, str]]
    compiler: str | None = None


Report = Callable[[str, float], None]
"""Told of each part that had to be made, and the seconds that it took."""


def make(
    recipe: Recipe,
    store: Store,
    *,
    accept: bool = False,
    rebuild: bool = False,
    report: Report,
    engine: Engine | None = None,
) -> Image:
    """Make the layers of an image that are not kept, and record it.

    Args:
        recipe: What to make.
        store: The cache.
        accept: Lock what the mirror gives instead of refusing what differs from the lock.
        rebuild: Make every layer anew, kept or not.
        report: Told of the parts that were made.
        engine: Pulls the base of a recipe that has it from a registry.

    Raises:
        LabError: A part failed, or the mirror drifted.
    """
    contents = [
        (not (accept or rebuild) and _kept(store, _base_key(recipe)))
        or _base(recipe, store, accept, report, engine)
    ]
    contents.append((not rebuild and _kept(store, _lab_key(recipe))) or _lab(recipe, store, report))
    packages = [package for one in contents for package in one.packages]
    labels = {
        NAME_LABEL: recipe.name,
        "npulab.lock": digest.of_file(recipe.lock) or "",
        REVISION_LABEL: _revision(recipe, store),
        "org.opencontainers.image.title": f"Phoenix kernel lab: {recipe.name}",
    }
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    env |= {"PYTHONPATH": str(LAB), "PYTHONDONTWRITEBYTECODE": "1"}
    layers = [one.layer for one in contents]
    config = _configuration(layers, labels, env, recipe.epoch)
    identity = hashlib.sha256(config).hexdigest()
    image = Image(
        name=recipe.name,
        key=recipe.key,
        tag=f"{REPOSITORY}/{recipe.name}:{identity[:12]}",
        id=f"sha256:{identity}",
        size=sum(layer.size for layer in layers),
        packages=packages,
        layers=layers,
        labels=labels,
        env=env,
        compiler=next((one.compiler for one in contents if one.compiler), None),
    )
    disk.replace_file(record(recipe, store), msgspec.json.encode(image))
    return image


def load(image: Image, engine: Engine, epoch: int, report: Report) -> None:
    """Hand an image to the engine, unless it has it.

    Raises:
        MissingEnvironment: The engine refused, or has no space left.
    """
    from docker.errors import ImageLoadError, ImageNotFound

    config = _configuration(image.layers, image.labels, image.env, epoch)
    with talking():
        try:
            engine.client.images.get(image.tag)
        except ImageNotFound:
            start = time.perf_counter()
            stream = archive(config, image.layers, image.tag)
            events = [*engine.client.api.load_image(stream)]
            if problems := [event["error"] for event in events if "error" in event]:
                raise ImageLoadError(problems[0]) from None
            report(f"{image.name}: load into the engine", time.perf_counter() - start)


def give_tag(image: Image, engine: Engine, tag: str) -> None:
    """Let the engine know an image by another tag too, for people and their tools.

    Raises:
        MissingEnvironment: It refused: no such image, or no such tag can be.
    """
    with talking():
        engine.client.images.get(image.tag).tag(f"{REPOSITORY}/{image.name}", tag)


def lacks_revision(image: Image, recipe: Recipe) -> bool:
    """Whether an image does not say which commit it is of, and git now knows."""
    if image.labels.get(REVISION_LABEL) != UNKNOWN:
        return False
    return revision.of(recipe) != UNKNOWN


def describe(image: Image, recipe: Recipe, folder: Path) -> None:
    """Write the list of packages and the bill of materials of an image into `folder`."""
    packages = [Package(*fields) for fields in image.packages]
    bill = sbom.document(image.name, image.id, recipe.suite, packages, recipe.epoch)
    disk.replace_file(folder / "sbom.cdx.json", bill.encode() + b"\n")
    lines = "\n".join(str(package) for package in packages)
    disk.replace_file(folder / "packages.txt", lines.encode() + b"\n")


def recorded(recipe: Recipe, store: Store) -> Image | None:
    """Return the image that was made last under a recipe's name, of this recipe or another."""
    return records.decode(disk.read_if_there(record(recipe, store)), Image)


def retire(old: Image, new: Image, engine: Engine) -> bool:
    """Remove an image whose place another took, and return whether it went.

    It stays where a container uses it, and under the tags that people gave it.

    Raises:
        MissingEnvironment: The engine went away, or refused for another reason.
    """
    from docker.errors import ImageNotFound

    if old.tag == new.tag:
        return False
    with talking(), suppress(ImageNotFound):
        if engine.client.images.get(old.tag).labels.get(NAME_LABEL) == old.name:
            return _untag(engine, old.tag)
    return False


def remove(engine: Engine, names: Collection[str] = ()) -> tuple[list[str], list[str]]:
    """Remove the lab's images from the engine.

    What others made of them has their labels, but not the lab's tags: it stays.

    Args:
        engine: Has them.
        names: Those of the images, older ones of these names included; all unless given.

    Returns:
        The tags that went, and those that stay: of images that a container uses.
    """
    tags: dict[bool, list[str]] = {True: [], False: []}
    with talking():
        found: list[EngineImage] = engine.client.images.list(filters={"label": NAME_LABEL})
        for image in found:
            name = image.labels[NAME_LABEL]
            for tag in image.tags:
                if _is_tag_of(name, tag) and (not names or name in names):
                    tags[_untag(engine, tag)].append(tag)
    return sorted(tags[True]), sorted(tags[False])


def forget(store: Store, names: Collection[str] = ()) -> int:
    """Remove the records of images and the kept layers that no other image has.

    Args:
        store: The cache.
        names: Those of the images; all unless given.

    Returns:
        The bytes that are free now.
    """
    freed, shared = 0, set()
    for path in (store.root / "images").glob("*.json"):
        image = records.decode(disk.read_if_there(path), Image)
        if names and path.stem not in names:
            shared |= {Path(layer.path).parent.name for layer in image.layers} if image else set()
            continue
        freed += path.stat().st_size
        path.unlink(missing_ok=True)
    for folder in (store.root / "layers").glob("*"):
        if folder.name not in shared:
            freed += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            shutil.rmtree(folder, ignore_errors=True)
    return freed


def _configuration(
    layers: list[Layer], labels: dict[str, str], env: dict[str, str], epoch: int
) -> bytes:
    return configuration(
        layers, architecture="amd64", epoch=epoch, labels=labels, env=env, user="lab"
    )


def _base_key(recipe: Recipe) -> str:
    return digest.of_json([recipe.base_key, debian.locked(recipe)])


def _base(
    recipe: Recipe, store: Store, accept: bool, report: Report, engine: Engine | None
) -> Contents:
    """Bootstrap or pull the base layer, and hold what came against the lock."""
    with store.work() as work:
        start = time.perf_counter()
        tar = work / "layer.tar"
        if recipe.registry and engine is not None:
            registry.base(recipe, engine, tar)
            did, made_by = "pull", str(recipe.image)
        else:
            debian.bootstrap(recipe, tar)
            did, made_by = "bootstrap", f"mmdebstrap {recipe.suite}"
        report(f"{recipe.name}: {did} Debian {recipe.suite}", time.perf_counter() - start)
        found = debian.installed(tar)
        debian.refuse_other_versions(recipe, found)
        if accept:
            debian.write_lock(recipe, found)
        debian.refuse_drift(recipe, found)
        return _keep(store, _base_key(recipe), tar, made_by, found)


def _lab_key(recipe: Recipe) -> str:
    return digest.of_json([recipe.lab_key, str(LAB)])


def _lab(recipe: Recipe, store: Store, report: Report) -> Contents:
    """Unpack the layer of the lab's Python packages."""
    with store.work() as work:
        start = time.perf_counter()
        folder, tar = work / "lab", work / "layer.tar"
        wheels.unpack(recipe, folder)
        pack(folder, str(LAB).lstrip("/"), tar, recipe.epoch)
        report(f"{recipe.name}: unpack Python packages", time.perf_counter() - start)
        found = wheels.installed(folder)
        versions = [one.version for one in found if one.name == "ziglang"]
        zig = digest.of_file(folder / "ziglang" / "zig")
        compiler = f"zig {versions[0]} sha256:{zig}" if versions else None
        made_by = f"pip install {' '.join(path.name for path in recipe.requirements)}"
        return _keep(store, _lab_key(recipe), tar, made_by, found, compiler)


def _kept(store: Store, key: str) -> Contents | None:
    folder = store.root / "layers" / key
    contents = records.decode(disk.read_if_there(folder / "contents.json"), Contents)
    there = contents is not None and Path(contents.layer.path).is_file()
    return contents if there else None


def _keep(
    store: Store,
    key: str,
    tar: Path,
    created_by: str,
    packages: list[Package],
    compiler: str | None = None,
) -> Contents:
    folder = store.root / "layers" / key
    with disk.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        kept = tar.replace(folder / "layer.tar")
    contents = Contents(
        layer=measure(kept, created_by),
        packages=[(one.name, one.version, one.architecture) for one in packages],
        compiler=compiler,
    )
    disk.replace_file(folder / "contents.json", msgspec.json.encode(contents))
    return contents


def _untag(engine: Engine, tag: str) -> bool:
    """Remove a tag, and the image with its last; whether the engine did, and no container uses it.

    Raises:
        ImageNotFound: There is no such tag.
        APIError: The engine refused for another reason.
    """
    from docker.errors import APIError

    try:
        engine.client.images.remove(tag)
    except APIError as error:
        if error.status_code != HTTPStatus.CONFLICT:
            raise
        return False
    return True


def _is_tag_of(name: str, tag: str) -> bool:
    """Whether a tag is of the lab's image `name`; podman puts a host before it."""
    return f"/{tag}".rpartition(":")[0].endswith(f"/{REPOSITORY}/{name}")


def _revision(recipe: Recipe, store: Store) -> str:
    """Return the revision to label an image with: what git says now, or said of the same recipe."""
    told = revision.of(recipe)
    if told == UNKNOWN and (made := known(recipe, store)):
        return made.labels.get(REVISION_LABEL, UNKNOWN)
    return told
