"""What the images hold: `containers/images.toml` and the locks, checked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from errors import MissingEnvironment, UsageError, nearest
from toolchain import packages
from toolchain.pins import lockfile
from toolchain.storage import digest

VERSION = 1
"""Raise it when this code makes other bytes of the same recipe."""


class _Debian(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    exclude: tuple[str, ...]
    keep: tuple[str, ...]


class _Contents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    packages: tuple[str, ...]
    requirements: tuple[str, ...]
    without: tuple[str, ...]


class _Python(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    leave_out: tuple[str, ...]


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: int
    epoch: int
    debian: _Debian
    toolchain: _Contents
    xrt: _Contents
    python: _Python


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one image is made.

    Attributes:
        name: ``toolchain-py3.11``, ``toolchain-py3.13`` or ``xrt``.
        python: The version of the suite's own Python.
        suite: The Debian suite.
        packages: Debian packages asked for; others come with them.
        exclude: Paths of Debian packages left out.
        keep: Paths below those that stay.
        lock: File that lists every Debian package with its version.
        requirements: Hash-pinned Python packages of the second layer, in files.
        without: Those of them that are not installed.
        leave_out: Paths of the second layer left out.
        epoch: Time of every file, seconds since 1970.
        versions: How the version of some packages must begin, as the pins have it.
        image: The base in a registry, by digest; None where it is only ever bootstrapped.
        registry: Whether the base comes from there, and is not bootstrapped.
    """

    name: str
    python: str
    suite: str
    packages: tuple[str, ...]
    exclude: tuple[str, ...]
    keep: tuple[str, ...]
    lock: Path
    requirements: tuple[Path, ...]
    without: tuple[str, ...]
    leave_out: tuple[str, ...]
    epoch: int
    versions: Mapping[str, str]
    image: str | None = None
    registry: bool = False

    @property
    def from_registry(self) -> Recipe:
        """The same image on the base that a registry has; its packages have their own lock."""
        lock = self.lock.with_name(f"{self.name}.registry.packages")
        return replace(self, registry=True, lock=lock)

    @property
    def base_key(self) -> str:
        """Hash of all that decides the base layer, the lock apart."""
        image = [self.image] if self.registry else []
        return digest.of_json(
            [VERSION, self.suite, self.packages, self.exclude, self.keep, self.epoch, *image]
        )

    @property
    def key(self) -> str:
        """Hash of all that decides the image."""
        return digest.of_json([self.name, self.base_key, digest.of_file(self.lock), self.lab_key])

    @property
    def lab_key(self) -> str:
        """Hash of all that decides the layer of Python packages."""
        requirements = [digest.of_file(path) for path in self.requirements]
        settings = [self.python, self.without, self.leave_out, self.epoch]
        return digest.of_json([VERSION, requirements, *settings])


def load(checkout: Path | None = None) -> dict[str, Recipe]:
    """Return the recipes by name.

    Args:
        checkout: Where the lab's sources are; this one's own unless given.

    Raises:
        MissingEnvironment: The lab was installed without them.
        UsageError: The file says what no recipe says.
    """
    checkout = checkout or packages.folder("toolchain").parent
    folder = checkout / "containers"
    try:
        text = (folder / "images.toml").read_text(encoding="utf-8")
    except OSError as error:
        raise MissingEnvironment(
            f"there are no image recipes in {folder}",
            cure="use a clone of the lab, not an installed wheel; or use --runner local",
            code="NPU091",
        ) from error
    try:
        document = msgspec.convert(tomllib.loads(text), _Document)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageError(
            f"{folder / 'images.toml'} is no list of recipes: {error}",
            cure="mend it, or take it back from version control",
            code="NPU092",
        ) from error
    return {recipe.name: recipe for recipe in _recipes(document, checkout)}


def find(name: str) -> Recipe:
    """Return one recipe.

    Raises:
        UsageError: There is none of that name.
    """
    recipes = load()
    if name not in recipes:
        raise UsageError(
            f"there is no image {name!r}{nearest(name, list(recipes))}",
            cure=f"use one of: {', '.join(recipes)}",
            code="NPU093",
        )
    return recipes[name]


def toolchain(python: str) -> str:
    """Return the name of the toolchain image for a Python variant."""
    return f"toolchain-py{python}"


def _recipes(document: _Document, checkout: Path) -> list[Recipe]:
    lock = lockfile.load()

    def recipe(
        name: str,
        contents: _Contents,
        suite: str,
        python: str,
        versions: Mapping[str, str],
        image: str | None = None,
    ) -> Recipe:
        return Recipe(
            name=name,
            python=python,
            suite=suite,
            packages=tuple(sorted((*contents.packages, *versions))),
            exclude=document.debian.exclude,
            keep=document.debian.keep,
            lock=checkout / "containers" / f"{name}.packages",
            requirements=tuple(checkout / name for name in contents.requirements),
            without=contents.without,
            leave_out=document.python.leave_out,
            epoch=document.epoch,
            versions={"python3": python, **versions},
            image=image,
        )

    variants = [
        recipe(toolchain(base.python), document.toolchain, base.suite, base.python, {}, base.image)
        for base in lock.bases
    ]
    pinned = dict.fromkeys(lock.xrt.packages, lock.xrt.version)
    return [*variants, recipe("xrt", document.xrt, lock.xrt.suite, lock.xrt.python, pinned)]
