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
    ),
)
@click.option("--outputs", is_flag=True, help="Only the build folders, not the cache.")
@click.option("--cache", is_flag=True, help="Only the cache, which all checkouts share.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
def command(outputs: bool, cache: bool, dry_run: bool) -> None:
    """Remove build folders and empty the cache.

    Touches only what the lab wrote: other files in those places stay. The next
    build makes it anew.
    """
    from toolchain.build import TARGETS, default_root
    from toolchain.store import Store

    if outputs or not cache:
        folders = list(_builds(default_root(), TARGETS))
        _tell("build folder", len(folders), _size(folders), default_root(), dry_run=dry_run)
        if not dry_run:
            _remove(folders, default_root())
    if cache or not outputs:
        store = Store()
        parts = [store.root / part for part in ("blobs", "steps", "tools")]
        files = sum(1 for part in parts for path in part.rglob("*") if path.is_file())
        _tell("cached file", files, _size(parts), store.root, dry_run=dry_run)
        if not dry_run:
            store.clean()


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
    return sum(
        path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file()
    )
