"""What changed between two artifacts, in the terms of the hardware: BDs, locks, routes,
instructions, kernels, symbols, instead of bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errors import UsageError
from toolchain.artifacts import writes
from toolchain.artifacts.cdo import NOP, Cdo, Command, Words
from toolchain.artifacts.changes import Change, compare_states, compare_values
from toolchain.artifacts.elf import Elf
from toolchain.artifacts.inspect import detect, inspect_bytes, read_bytes
from toolchain.artifacts.insts import Transaction
from toolchain.artifacts.pdi import Pdi
from toolchain.artifacts.programs import compare_elfs, compare_unloaded
from toolchain.artifacts.report import Content, date, plain
from toolchain.artifacts.sequences import compare_transactions
from toolchain.artifacts.state import State
from toolchain.artifacts.xclbin import Section, Xclbin


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The comparison of two artifacts.

    Attributes:
        changes: What the hardware or the runtime would do otherwise.
        identity: What tells builds apart and changes nothing: uuids, times, versions, and
            sections of an ELF file that nothing loads (what a debugger reads).
    """

    before: str
    after: str
    kind: str
    changes: tuple[Change, ...]
    identity: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Whether both do the same."""
        return not self.changes

    def text(self) -> str:
        """Return the comparison as text."""
        lines = [f"{self.before} and {self.after}: {self.kind}"]
        lines += [f"  {change}" for change in self.changes] or ["  the same in effect"]
        if self.identity:
            lines += ["identity", *(f"  {change}" for change in self.identity)]
        return "\n".join(lines) + "\n"

    def json(self) -> str:
        """Return the comparison as JSON."""
        document = {
            "before": self.before,
            "after": self.after,
            "kind": self.kind,
            "same": self.same,
            "changes": [change._asdict() for change in self.changes],
            "identity": [change._asdict() for change in self.identity],
        }
        return json.dumps(document, indent=2) + "\n"


_IDENTITY = {"uuid", "interface_uuid", "timestamp", "unique_id", "version"}
"""Fields of an xclbin that tell builds apart."""

_IDENTITY_SECTION = "section BUILD_METADATA"
"""What says who built an xclbin, when and where."""


def diff_files(before: Path, after: Path) -> Difference:
    """Compare two artifacts of one kind.

    Raises:
        UsageError: A file is no artifact (NPU050) or damaged (NPU051 to NPU056), or the
            two are of different kinds (NPU059).
    """
    old, new = read_bytes(before), read_bytes(after)
    kinds = detect(old, str(before)).kind, detect(new, str(after)).kind
    if kinds[0] != kinds[1]:
        raise UsageError(
            f"{before} is of kind {kinds[0]} and {after} of kind {kinds[1]}",
            cure="compare two files of one kind",
            code="NPU059",
        )
    first, second = inspect_bytes(old, str(before)), inspect_bytes(new, str(after))
    changes = list(_compare(first.content, second.content))
    identity = [change for change in changes if _is_identity(kinds[0], change)]
    if isinstance(first.content, Elf) and isinstance(second.content, Elf):
        identity += compare_unloaded(first.content, second.content)
    return Difference(
        before=str(before),
        after=str(after),
        kind=kinds[0],
        changes=tuple(change for change in changes if not _is_identity(kinds[0], change)),
        identity=tuple(identity),
    )


def _is_identity(kind: str, change: Change) -> bool:
    field = change.where.rpartition(".")[2]
    return kind == "xclbin" and (field in _IDENTITY or change.where == _IDENTITY_SECTION)


def _compare(old: Content, new: Content) -> Iterator[Change]:
    match old, new:
        case Xclbin(), Xclbin():
            yield from _compare_xclbins(old, new)
        case Pdi(), Pdi():
            yield from _compare_pdis(old, new)
        case Cdo(), Cdo():
            yield from _compare_cdos([old], [new])
        case Transaction(), Transaction():
            yield from compare_transactions(old, new)
        case Elf(), Elf():
            yield from compare_elfs(old, new)


def _compare_cdos(old: Sequence[Cdo], new: Sequence[Cdo]) -> Iterator[Change]:
    changes = list(compare_states(State.of(writes.of_cdos(old)), State.of(writes.of_cdos(new))))
    yield from changes
    before, after = _steps(old), _steps(new)
    if not changes and before != after:
        yield Change(
            "order of the commands, or polls between them",
            f"{len(before)} commands",
            f"{len(after)} commands",
        )


def _steps(cdos: Sequence[Cdo]) -> list[tuple[type[Command], int, Words]]:
    """Return the commands that do something, without how they are encoded."""
    return [
        (type(command), getattr(command, "address", command.opcode), command.effect)
        for config in cdos
        for command in config.commands
        if command.opcode != NOP
    ]


def _compare_xclbins(old: Xclbin, new: Xclbin) -> Iterator[Change]:
    def metadata(content: Xclbin) -> dict[str, Any]:
        record = plain(content)
        record["sections"] = [section.kind for section in content.sections]
        record["timestamp"] = date(content.timestamp)
        for partition in record["partitions"]:
            for entry in partition["pdis"]:
                del entry["image"], entry["pdi"]
        return dict(record)

    yield from compare_values("", metadata(old), metadata(new))
    yield from _compare_unread(old, new)
    pairs = zip(
        (entry for partition in old.partitions for entry in partition.pdis),
        (entry for partition in new.partitions for entry in partition.pdis),
        strict=False,
    )
    for first, second in pairs:
        yield from _compare_pdis(first.pdi, second.pdi)


def _compare_unread(old: Xclbin, new: Xclbin) -> Iterator[Change]:
    """Yield which sections differ that are not read further, of those that both have."""
    for kind in dict.fromkeys(s.kind for s in old.sections if s.sha256):
        before, after = ([s for s in one.sections if s.kind == kind] for one in (old, new))
        for first, second in zip(before, after, strict=False):
            if first.sha256 != second.sha256:
                yield Change(f"section {kind}", _content(first), _content(second))


def _content(section: Section) -> str:
    return f"{section.size} bytes of sha256 {section.sha256[:16]}"


def _compare_pdis(old: Pdi, new: Pdi) -> Iterator[Change]:
    def metadata(content: Pdi) -> dict[str, Any]:
        record = plain(content)
        for image in record["images"]:
            for part in image["partitions"]:
                del part["offset"], part["data"], part["cdo"]
        return dict(record)

    yield from compare_values("", metadata(old), metadata(new))
    yield from _compare_cdos(old.cdos, new.cdos)
