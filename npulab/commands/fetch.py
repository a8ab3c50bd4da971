"""``npulab fetch``: the pinned AIE2 toolchain, verified, installed and tested."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from npulab.helping import ExampleCommand
from npulab.running import python_option

if TYPE_CHECKING:
    from toolchain.pins.lockfile import Wheel


@click.command(
    "fetch",
    cls=ExampleCommand,
    examples=(
        "npulab fetch",
        "npulab fetch --mirror /srv/npulab-wheels",
        "NPULAB_MIRROR=/srv/npulab-wheels npulab fetch --offline",
    ),
)
@python_option
@click.option(
    "--mirror",
    type=click.Path(path_type=Path, file_okay=False),
    help="Copy the wheels into this folder, for machines without a network; install nothing.",
)
@click.option("--offline", is_flag=True, help="Take wheels from the cache and the mirror only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(python: str | None, mirror: Path | None, offline: bool, as_json: bool) -> None:
    """Install the pinned mlir-aie and Peano for target aie2.

    Every wheel is verified by its sha256 before it is unpacked; a broken download
    goes on where it broke. Right after the install the toolchain is tested.
    """
    from npulab import figures
    from npulab.console import print_json, stdout
    from npulab.fetching import FetchProgress
    from toolchain.aie2 import environment
    from toolchain.fetch import mirror as mirrors
    from toolchain.fetch.shelf import Shelf
    from toolchain.pins import lockfile
    from toolchain.storage.store import Store
    from toolchain.work.runner import LocalRunner

    store = Store()
    variant = python or lockfile.own_variant()
    wheels = lockfile.load().variant(variant)
    shelf = Shelf(store, mirror_folder=mirrors.chosen(), offline=offline)
    with FetchProgress() as progress:
        files = shelf.fetch(wheels, progress)
    console = stdout()
    if mirror is not None:
        new = [path.name for path in mirrors.fill(mirror, files)]
        if as_json:
            print_json({"mirror": str(mirror), "wheels": _wheels(wheels), "new": new})
            return
        there = figures.number(len(files), "wheel")
        console.print(f"{there} in {mirror}, {len(new)} new", soft_wrap=True)
        return
    made = environment.install(store, LocalRunner(variant), variant, files)
    if as_json:
        document = {"folder": str(made.folder), "wheels": _wheels(wheels)}
        print_json({**document, "versions": made.record.versions})
        return
    for tool, version in made.record.versions.items():
        console.print(f"{tool:<12}{version}", soft_wrap=True)
    console.print(f"installed and tested: {made.folder}", soft_wrap=True)


def _wheels(wheels: Sequence[Wheel]) -> list[dict[str, Any]]:
    return [
        {"name": wheel.name, "version": wheel.version, "sha256": wheel.sha256} for wheel in wheels
    ]
