"""``npulab clean``: give back the disk space of outputs and cache."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import click

from npulab.helping import ExampleCommand


@click.command(
    "clean",
    cls=ExampleCommand,
    examples=(
        "npulab clean --dry-run",
        "npulab clean --outputs",
        "npulab clean --toolchains",
    ),
)
@click.option("--outputs", is_flag=True, help="Only the build folders, not the cache.")
@click.option("--cache", is_flag=True, help="Only the cache, which all checkouts share.")
@click.option(
    "--toolchains",
    is_flag=True,
    help="Only what npulab fetch downloaded and installed: about 400 MB to fetch again.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
def command(outputs: bool, cache: bool, toolchains: bool, dry_run: bool) -> None:
    """Remove build folders and empty the cache.

    Touches only what the lab wrote: other files in those places stay. The next
    build makes it anew. What npulab fetch installed stays unless it is asked for,
    and so do images: see npulab images --remove.
    """
    from toolchain.build import TARGETS, default_root
    from toolchain.storage.store import Store

    every = not (outputs or cache or toolchains)
    if outputs or every:
        folders = list(_builds(default_root(), TARGETS))
        _tell("build folder", len(folders), _size(folders), default_root(), dry_run=dry_run)
        if not dry_run:
            _remove(folders, default_root())
    store = Store()
    if cache or every:
        parts = [store.root / part for part in ("blobs", "steps", "tools")]
        files = sum(1 for part in parts for path in part.rglob("*") if path.is_file())
        _tell("cached file", files, _size(parts), store.root, dry_run=dry_run)
        if not dry_run:
            store.clean()
    if toolchains:
        _toolchains(store.root, dry_run=dry_run)


def _toolchains(root: Path, *, dry_run: bool) -> None:
    """Remove fetched wheels, whole and begun, and the environments that were made of them."""
    from toolchain.aie2.environment import remove

    wheels = [path for path in (root / "wheels").glob("*/*") if path.is_file()]
    installed = [path for path in (root / "toolchains").glob("*") if path.is_dir()]
    for what, found in (("fetched file", wheels), ("installed toolchain", installed)):
        _tell(what, len(found), _size(found), root, dry_run=dry_run)
    if dry_run:
        return
    for folder in installed:
        remove(folder)
    for path in wheels:
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()


def _tell(what: str, count: int, size: int, where: Path, *, dry_run: bool) -> None:
    from npulab import figures
    from npulab.console import stdout

    would = "would remove" if dry_run else "removed"
    stdout().print(
        f"{would} {figures.number(count, what)}, {figures.size(size)}, in {where}", soft_wrap=True
    )


def _builds(root: Path, targets: Iterable[str]) -> Iterator[Path]:
    """Yield the folders of finished and failed builds: those that hold a build's files."""
    for target in targets:
        for folder in sorted((root / target).glob("*/*")):
            if any(folder.glob("design.mlir")) or any(folder.glob("*.log")):
                yield folder


def _remove(folders: Iterable[Path], root: Path) -> None:
    """Remove the folders, then those above them that are empty now."""
    for folder in folders:
        shutil.rmtree(folder)
        for parent in folder.parents:
            if parent == root.parent:
                break
            with suppress(OSError):
                parent.rmdir()


def _size(folders: Iterable[Path]) -> int:
    """Return the bytes of files, those in folders counted and links not followed."""
    return sum(
        path.lstat().st_size
        for place in folders
        for path in (place, *place.rglob("*"))
        if path.is_file() and not path.is_symlink()
    )
