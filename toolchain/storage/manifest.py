"""The manifest: what a build is made of and what it holds, beside its files.

It names no path of this machine and no time of day, so that the same sources built with the
same tools give the same manifest, save for the seconds that each step took when it ran.
"""

from __future__ import annotations

from typing import Any

import msgspec

from toolchain.storage import records
from toolchain.storage.store import Blob

SCHEMA = 1
NAME = "manifest.json"


class StepRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One step.

    Attributes:
        name: What it does.
        command: Program and arguments with stand-ins for folders; None for a step that the
            lab does itself.
        inputs: Hash of every source and header that it read, by path with stand-ins.
        seconds: Time that it took when its outputs were first built.
    """

    name: str
    command: list[str] | None
    inputs: dict[str, str]
    seconds: float


class ArgRecord(msgspec.Struct, frozen=True):
    """An argument of the contract: see `kernels.contract.Arg`."""

    name: str
    role: str
    shape: tuple[int, ...]
    dtype: str


class FunctionRecord(msgspec.Struct, frozen=True):
    """An entry point of the contract: see `kernels.contract.Function`."""

    symbol: str
    cycles: int
    basis: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a build is.

    Attributes:
        unit: The kernel's or design's name.
        label: The variant.
        target: What it was built for.
        tools: Name, version and hash of each tool.
        steps: Every step, in order.
        outputs: Hash and size of every file of the build, this one apart.
        libraries: The file that holds the code of each object of the design.
        functions: The contract's entry points; empty without a contract.
        args: The contract's arguments; None without a contract.
        resources: What the design takes of each tile, as the static checks counted it.
    """

    schema: int = SCHEMA
    unit: str
    label: str
    target: str
    tools: dict[str, str]
    steps: list[StepRecord]
    outputs: dict[str, Blob]
    libraries: dict[str, str]
    functions: list[FunctionRecord]
    args: list[ArgRecord] | None
    resources: Any


def encode(manifest: Manifest) -> bytes:
    """Return the manifest as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode(content: bytes) -> Manifest | None:
    """Return the manifest of :func:`encode`, None if `content` is none of this schema."""
    manifest = records.decode(content, Manifest)
    return manifest if manifest is not None and manifest.schema == SCHEMA else None
