"""Builds every folder of kernels in a process of its own, for the tests that hurt it.

usage: driver.py SOURCES BUILD CACHE
"""

from __future__ import annotations

import sys
from pathlib import Path

from errors import LabError
from toolchain.build import build
from toolchain.storage.store import Store
from toolchain.unit import ObjectSource, Unit


def units(sources: Path) -> list[Unit]:
    """Return one unit per folder of `sources`, all with the design beside them."""
    design = (sources / "design.mlir").read_text()
    return [
        Unit(
            name=kernel.parent.name,
            label="1",
            design=design,
            objects=(ObjectSource(name="kernel.o", source=kernel, defines={"SHIFT": 0}),),
        )
        for kernel in sorted(sources.glob("*/kernel.cc"))
    ]


def main() -> int:
    sources, root, cache = map(Path, sys.argv[1:])
    try:
        results = build(units(sources), root=root, store=Store(cache), jobs=2)
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    for error in (error for result in results for error in result.errors):
        sys.stderr.write(f"{error}\n")
    sys.stdout.write(f"ran {sum(result.ran for result in results)}\n")
    return 0 if all(result.build for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
