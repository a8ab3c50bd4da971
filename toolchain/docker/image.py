"""An image that was made: what a build must know of it, without an engine.

`images` makes them; a build that has nothing to do reads this record and no more.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from errors import MissingEnvironment
from toolchain.docker.recipes import Recipe
from toolchain.storage import disk, records
from toolchain.storage.store import Store
from toolchain.work.runner import Tool

LAB = Path("/opt/lab")
"""Where the Python packages of a toolchain image are."""


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """A layer: a tar of files.

    Attributes:
        path: The tar.
        sha256: Of the tar, in hex.
        size: Of the tar, bytes.
        created_by: What made it, for `docker history`.
    """

    path: str
    sha256: str
    size: int
    created_by: str


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image that was made.

    Attributes:
        name: The recipe's.
        key: Hash of all that decided it; another means that it is to be made again.
        tag: What the engine calls it.
        id: Hash of its configuration: the same content has the same id.
        size: Bytes of its layers.
        packages: Name, version and architecture of all that is in it.
        layers: Its layers, the base first.
        labels: What it says of itself.
        env: What a command in it finds in its environment.
        compiler: Version and hash of its zig; None where it has none.
    """

    name: str
    key: str
    tag: str
    id: str
    size: int
    packages: list[tuple[str, str, str]]
    layers: list[Layer]
    labels: dict[str, str]
    env: dict[str, str]
    compiler: str | None

    @property
    def tools(self) -> dict[str, Tool]:
        """The tools that it brings along, by Python package."""
        if self.compiler is None:
            return {}
        return {"ziglang": Tool(folder=LAB / "ziglang", pin=self.compiler)}


def known(recipe: Recipe, store: Store) -> Image | None:
    """Return the image of a recipe if it was made and nothing has changed since."""
    image = records.decode(disk.read_if_there(record(recipe, store)), Image)
    return image if image is not None and image.key == recipe.key else None


def current(recipe: Recipe, store: Store) -> Image | None:
    """Return the image of a recipe as :func:`known` does, from whichever base it was made."""
    found = known(recipe, store)
    return found or (known(recipe.from_registry, store) if recipe.image else None)


def require(recipe: Recipe, store: Store) -> Image:
    """Return the image of a recipe.

    Raises:
        MissingEnvironment: It was not made, or the recipe has changed since.
    """
    image = current(recipe, store)
    if image is None:
        raise MissingEnvironment(
            f"image {recipe.name} is not built, or its recipe has changed",
            cure=f"build it: npulab images {recipe.name}",
            code="NPU085",
        )
    return image


def record(recipe: Recipe, store: Store) -> Path:
    """Return the file that keeps what a recipe's image was made of."""
    return store.root / "images" / f"{recipe.name}.json"
