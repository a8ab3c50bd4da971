"""The step before any tool runs: what the design takes of the array, and its contract."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from errors import LabError
from toolchain import packages
from toolchain.static import contract
from toolchain.storage import digest, disk
from toolchain.unit import Unit
from toolchain.work.steps import FunctionStep

if TYPE_CHECKING:
    from simulator import Resources

DESIGN = "design.mlir"
RESOURCES = "resources.json"

VERSION = 1
"""Raise it when this module or `toolchain.static.contract` comes to another judgement."""


def step(unit: Unit, folder: Path) -> FunctionStep:
    """Return the step that must succeed before any tool sees the design.

    It parses the design, lowers it, holds it against the limits of every tile and against
    the unit's contract, and gives the design and its resources as files.

    Args:
        unit: What is built.
        folder: Where the unit's files go; a design that fails is kept there for reading.
    """
    return FunctionStep(
        unit=unit.title,
        name="check design",
        pin=_pin(),
        function=lambda work: _check(unit, folder, work),
        arguments={
            "source": _source(unit),
            "objects": sorted(source.name for source in unit.objects),
            "args": None if unit.args is None else [str(arg) for arg in unit.args],
            "functions": sorted(function.symbol for function in unit.functions),
        },
        texts={DESIGN: unit.design},
        outputs=(DESIGN, RESOURCES),
    )


def _check(unit: Unit, folder: Path, work: Path) -> None:
    from simulator import check

    try:
        resources: Resources = check(unit.design, _source(unit), complete=unit.args is not None)
        contract.check(unit, resources)
    except LabError as error:
        raise _located(error, unit, folder) from error
    content = msgspec.json.format(msgspec.json.encode(resources), indent=2)
    (work / RESOURCES).write_bytes(content + b"\n")


def _located(error: LabError, unit: Unit, folder: Path) -> LabError:
    """Return the error with the unit in front, and a place where its lines can be read."""
    if unit.source is None:
        path = folder / DESIGN
        disk.replace_file(path, unit.design.encode())
    else:
        path = unit.source
    return type(error)(
        f"{unit.title}: {error.message}",
        cure=error.cure,
        code=error.code,
        details=(*error.details, f"design: {path}"),
    )


def _source(unit: Unit) -> str:
    """Return how messages name the design: without folders, since outputs hold the name."""
    return unit.source.name if unit.source else DESIGN


@functools.cache
def _pin() -> str:
    """Return the hash of all that decides the checks' outcome: the simulator and its parser."""
    folder = packages.folder("simulator")
    sources = {str(path.relative_to(folder)): digest.of_file(path) for path in folder.rglob("*.py")}
    xdsl = sorted(path.name for path in packages.folder("xdsl").parent.glob("xdsl-*.dist-info"))
    parts: Any = [VERSION, sources, xdsl]
    return f"simulator {digest.of_json(parts)}"
