"""``npulab images``: the pinned images, made and handed to the container engine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from errors import MissingEnvironment
from npulab.helping import ExampleCommand

if TYPE_CHECKING:
    from toolchain.docker.engine import Engine
    from toolchain.docker.image import Image
    from toolchain.docker.images import Report
    from toolchain.docker.recipes import Recipe
    from toolchain.storage.store import Store


@click.command(
    "images",
    cls=ExampleCommand,
    examples=(
        "npulab images",
        "npulab images xrt --accept",
        "npulab images toolchain-py3.13 --base registry",
    ),
)
@click.argument("names", nargs=-1)
@click.option("--accept", is_flag=True, help="Lock the packages that the Debian mirror has now.")
@click.option(
    "--base",
    type=click.Choice(("auto", "bootstrap", "registry")),
    default="auto",
    show_default=True,
    help="registry: pull the pinned digest. bootstrap: from a Debian mirror, with no registry. "
    "auto: registry where its packages are locked and it answers.",
)
@click.option("--rebuild", is_flag=True, help="Make every layer anew, kept or not.")
@click.option("--tag", help="Give each image this tag too, such as dev.")
@click.option("--remove", is_flag=True, help="Remove the lab's images and layers instead.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    names: tuple[str, ...],
    accept: bool,
    base: str,
    rebuild: bool,
    tag: str | None,
    remove: bool,
    as_json: bool,
) -> None:
    """Make the images of the toolchain and of XRT.

    Bases are bootstrapped from the Debian mirror that this machine uses, or pulled
    by digest; Python packages come by hash. What is current is left alone.
    A list of every package and a bill of materials (CycloneDX) go to
    build/images/NAME. If the mirror has other packages than the lock, nothing is
    made and the difference is shown.
    """
    from npulab.console import print_json, stderr
    from toolchain.docker import engine, images, recipes
    from toolchain.storage.store import Store

    store = Store()
    chosen = [recipes.find(name) for name in names] or list(recipes.load().values())
    found = engine.connect()
    try:
        if remove:
            _remove(images.remove_all(found), images.forget(store))
            return
        parts: dict[str, float] = {}

        def report(what: str, seconds: float) -> None:
            parts[what] = round(seconds, 2)
            stderr().print(f"{what}  {seconds:.1f} s", soft_wrap=True)

        start = time.perf_counter()
        made = []
        work = _Work(store=store, engine=found, accept=accept, rebuild=rebuild, report=report)
        for one in chosen:
            recipe, current = work.make(one, base)
            images.load(current, found, recipe.epoch, report)
            if tag:
                images.give_tag(current, found, tag)
            images.describe(current, recipe, _folder(recipe))
            made.append((recipe, current))
    finally:
        found.close()
    if as_json:
        print_json({"images": [_document(*one) for one in made], "seconds": parts})
    else:
        _print(made, time.perf_counter() - start)


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What making any of the images needs."""

    store: Store
    engine: Engine
    accept: bool
    rebuild: bool
    report: Report

    def make(self, recipe: Recipe, base: str) -> tuple[Recipe, Image]:
        """Make an image on the base that was asked for, and return it with its recipe."""
        from npulab.console import stderr
        from toolchain.docker import registry

        if base == "bootstrap" or recipe.image is None:
            return recipe, self._on(recipe)
        if base == "registry":
            return recipe.from_registry, self._on(recipe.from_registry)
        if not recipe.from_registry.lock.is_file():
            return recipe, self._on(recipe)
        try:
            return recipe.from_registry, self._on(recipe.from_registry)
        except MissingEnvironment as error:
            if error.code != registry.UNREACHABLE:
                raise
            stderr().print(f"{recipe.name}: bootstrapped, for {error.message}", soft_wrap=True)
            return recipe, self._on(recipe)

    def _on(self, recipe: Recipe) -> Image:
        from toolchain.docker import image, images

        current = None if self.accept or self.rebuild else image.known(recipe, self.store)
        return current or images.make(
            recipe,
            self.store,
            accept=self.accept,
            rebuild=self.rebuild,
            report=self.report,
            engine=self.engine,
        )


def _folder(recipe: Recipe) -> Path:
    from toolchain.build import default_root

    return default_root() / "images" / recipe.name


def _print(made: list[tuple[Recipe, Image]], seconds: float) -> None:
    from npulab import figures
    from npulab.commands.build import short
    from npulab.console import Column, Rows, stdout

    console = stdout()
    width = max(len(image.tag) for _, image in made)
    rows = Rows(
        console,
        Column("image", width),
        Column("size", 9, "right"),
        Column("packages", 8, "right"),
        Column("lists in", 20),
    )
    rows.header()
    for recipe, image in made:
        size, count = figures.size(image.size), str(len(image.packages))
        rows.row(image.tag, size, count, str(short(_folder(recipe))))
    console.print(f"{figures.number(len(made), 'image')} current  ({figures.seconds(seconds)})")


def _remove(tags: list[str], freed: int) -> None:
    from npulab import figures
    from npulab.console import stdout

    for tag in tags:
        stdout().print(f"removed {tag}")
    stdout().print(f"removed layers, {figures.size(freed)}")


def _document(recipe: Recipe, image: Image) -> dict[str, Any]:
    return {
        "name": image.name,
        "tag": image.tag,
        "id": image.id,
        "bytes": image.size,
        "packages": len(image.packages),
        "labels": image.labels,
        "folder": str(_folder(recipe)),
    }
