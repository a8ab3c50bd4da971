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
@click.option("--remove", is_flag=True, help="Remove these images, or all, with their layers.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(
    ctx: click.Context,
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
    by digest; Python packages come by hash. What is current is left alone; an image
    that is made anew takes the place of the one before, unless a container uses it.
    A list of every package and a bill of materials (CycloneDX) go to
    build/images/NAME. If the mirror has other packages than the lock, nothing is
    made and the difference is shown.
    """
    from npulab.console import print_json, stderr
    from toolchain.docker import engine, images, recipes
    from toolchain.storage.store import Store

    store = Store()
    chosen = [recipes.find(name) for name in names] or list(recipes.load().values())
    if base == "registry" and not remove:
        _refuse_bootstrapped([one for one in chosen if one.name in names], ctx)
    found = engine.connect()
    try:
        if remove:
            _tell_removed(*images.remove(found, names), images.forget(store, names), as_json)
            return
        parts: dict[str, float] = {}

        def report(what: str, seconds: float) -> None:
            parts[what] = round(seconds, 2)
            stderr().print(f"{what}  {seconds:.1f} s", soft_wrap=True)

        start = time.perf_counter()
        made = []
        work = _Work(store=store, engine=found, accept=accept, rebuild=rebuild, report=report)
        for one in chosen:
            before = images.recorded(one, store)
            recipe, current = work.make(one, base)
            images.load(current, found, recipe.epoch, report)
            if tag:
                images.give_tag(current, found, tag)
            if before and images.retire(before, current, found):
                stderr().print(f"{one.name}: removed {before.tag}", soft_wrap=True)
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

        if base == "registry" and recipe.image is None:
            stderr().print(f"{recipe.name}: bootstrapped, for no registry has its base")
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
        if current and not images.lacks_revision(current, recipe):
            return current
        return images.make(
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
    from npulab.console import Column, Rows, print_wrapped, stdout
    from toolchain.build import default_root

    console = stdout()
    width = max(len(image.tag) for _, image in made)
    rows = Rows(
        console,
        Column("image", width),
        Column("size", 9, "right"),
        Column("packages", 8, "right"),
    )
    rows.header()
    for _, image in made:
        rows.row(image.tag, figures.size(image.size), str(len(image.packages)))
    count, lists = figures.number(len(made), "image"), short(default_root() / "images")
    print_wrapped(console, f"{count} current, lists in {lists}  ({figures.seconds(seconds)})")


def _refuse_bootstrapped(chosen: list[Recipe], ctx: click.Context) -> None:
    """Raise if an image is asked for from a registry whose base none has."""
    if alone := [one.name for one in chosen if one.image is None]:
        raise click.UsageError(
            f"no registry has the base of {', '.join(alone)}, which is bootstrapped: "
            "leave out --base registry",
            ctx,
        )


def _tell_removed(removed: list[str], kept: list[str], freed: int, as_json: bool) -> None:
    from npulab import figures
    from npulab.console import print_json, stdout

    if as_json:
        print_json({"removed": removed, "kept": kept, "bytes": freed})
        return
    for tag in removed:
        stdout().print(f"removed {tag}", soft_wrap=True)
    for tag in kept:
        stdout().print(f"kept {tag}: a container uses it", soft_wrap=True)
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
