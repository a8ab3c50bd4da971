"""``npulab repro``: every kernel built twice from nothing, compared hash by hash."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from npulab.helping import ExampleCommand
from npulab.running import PYTHONS, Where, choose_runner
from npulab.selection import Selector, select

if TYPE_CHECKING:
    from kernels.contract import Kernel
    from toolchain.artifact import Build
    from toolchain.docker.repro import Comparison
    from toolchain.unit import Unit


@click.command(
    "repro",
    cls=ExampleCommand,
    examples=(
        "npulab repro",
        "npulab repro gelu_int8 --runner local",
        "npulab repro --target aie2",
    ),
)
@click.argument("kernels", nargs=-1, type=Selector())
@click.option("--target", type=click.Choice(("host", "aie2")), default="host", show_default=True)
@click.option(
    "--runner",
    type=click.Choice(("docker", "local")),
    default="docker",
    show_default=True,
    help="docker: two fresh containers of each Python variant. local: twice on this machine.",
)
@click.option("-j", "--jobs", type=click.IntRange(1), help="Steps at a time.  [default: all cores]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    kernels: tuple[list[Kernel], ...], target: str, runner: str, jobs: int | None, as_json: bool
) -> None:
    """Build kernels again and again, and compare.

    Each build starts with an empty cache. Exits 1 if a file differs, and says
    what in it does, in the terms of its format.
    """
    from npulab import figures
    from npulab.console import print_json, stdout
    from toolchain.docker.repro import compare, refuse_differences
    from toolchain.unit import Unit

    units = [Unit.from_kernel(kernel) for kernel in select(kernels)]
    places = [
        (f"py{python}, container {run}", choose_runner("docker", python))
        for python in PYTHONS
        for run in (1, 2)
    ]
    if runner == "local":
        places = [(f"run {run}", choose_runner("local")) for run in (1, 2)]
    with tempfile.TemporaryDirectory(prefix="npulab-repro-") as folder:
        first, *others = [
            (name, _build(units, target, where, jobs, Path(folder) / name.replace(" ", "-")))
            for name, where in places
        ]
        compared = {
            name: [compare(*pair) for pair in zip(first[1], builds, strict=True)]
            for name, builds in others
        }
    if as_json:
        print_json({"target": target, **_document(first[0], compared)})
    for name, comparisons in compared.items():
        refuse_differences(comparisons, f"{first[0]} and {name}")
        if not as_json:
            same = sum(one.same for one in comparisons)
            stdout().print(f"{first[0]} = {name}: {figures.number(same, 'file')} the same")


def _document(first: str, compared: dict[str, list[Comparison]]) -> dict[str, Any]:
    return {
        "first": first,
        "units": len(next(iter(compared.values()))),
        "others": {
            name: {
                "same": sum(one.same for one in comparisons),
                "different": {
                    f"{one.title}/{file}": list(changes)
                    for one in comparisons
                    for file, changes in one.different.items()
                },
            }
            for name, comparisons in compared.items()
        },
    }


def _build(
    units: Sequence[Unit], target: str, where: Where, jobs: int | None, folder: Path
) -> list[Build]:
    from npulab.building import built
    from npulab.progress import BuildProgress
    from toolchain.build import build
    from toolchain.storage.store import Store

    store = Store(folder / "cache")
    if target == "aie2":
        # What is installed is pinned: it is used again, and nothing that was built is.
        store.root.mkdir(parents=True)
        (store.root / "toolchains").symlink_to(Store().root / "toolchains")
    with where.runner(units, store) as runner, BuildProgress() as progress:
        results = build(
            units,
            target=target,
            jobs=jobs,
            progress=progress,
            root=folder / "build",
            store=store,
            runner=runner,
        )
    return [built(result) for result in results]
