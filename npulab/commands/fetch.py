"""``npulab fetch``: the pinned AIE2 toolchain, verified, installed and tested."""

from __future__ import annotations

from pathlib import Path

import click

from npulab.helping import ExampleCommand


@click.command(
    "fetch",
    cls=ExampleCommand,
    examples=(
        "npulab fetch",
        "npulab fetch --mirror /srv/npulab-wheels",
        "NPULAB_MIRROR=/srv/npulab-wheels npulab fetch --offline",
    ),
)
@click.option("--python", help="Variant of the toolchain.  [default: that of this Python]")
@click.option(
    "--mirror",
    type=click.Path(path_type=Path, file_okay=False),
    help="Copy the wheels into this folder, for machines without a network; install nothing.",
)
@click.option("--offline", is_flag=True, help="Take wheels from the cache and $NPULAB_MIRROR only.")
def command(python: str | None, mirror: Path | None, offline: bool) -> None:
    """Install the pinned mlir-aie and Peano for target aie2.

    Every wheel is verified by its sha256 before it is unpacked; a broken download
    goes on where it broke. Right after the install the toolchain is tested.
    """
    from npulab.console import stdout
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
        copied = mirrors.fill(mirror, files)
        console.print(f"{len(copied)} of {len(files)} wheels copied to {mirror}", soft_wrap=True)
        return
    made = environment.install(store, LocalRunner(), variant, files)
    for tool, version in made.record.versions.items():
        console.print(f"{tool:<12}{version}", soft_wrap=True)
    console.print(f"installed and tested: {made.folder}", soft_wrap=True)
