"""The difference of two sequences of NPU operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from toolchain.artifacts import writes
from toolchain.artifacts.changes import Change, compare_states
from toolchain.artifacts.insts import Transaction, value_names
from toolchain.artifacts.listing import operation_lines
from toolchain.artifacts.operations import Operation
from toolchain.artifacts.state import State

_MOST_ALIGNED = 500
"""Operations between the common beginning and end that are aligned with each other; more
are compared one by one, since alignment takes time that grows with the square."""


def compare_transactions(old: Transaction, new: Transaction) -> Iterator[Change]:
    """Yield the differences of two instruction files, by operation and field."""
    for name in ("version", "generation", "rows", "columns", "mem_rows"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield Change(name, str(before), str(after))
    for first, second in _aligned(old.operations, new.operations):
        yield from _compare(old.operations, first, new.operations, second)


Numbers = Sequence[int]


def _aligned(
    old: Sequence[Operation], new: Sequence[Operation]
) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield the ranges of operation numbers in which the sequences differ."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
    if max(len(middle_old), len(middle_new)) > _MOST_ALIGNED:
        yield range(start, len(old) - end), range(start, len(new) - end)
        return
    matcher = SequenceMatcher(None, middle_old, middle_new, autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag != "equal":
            yield range(start + i, start + j), range(start + k, start + m)


def _compare(
    old: Sequence[Operation], first: Numbers, new: Sequence[Operation], second: Numbers
) -> Iterator[Change]:
    paired = min(len(first), len(second))
    for i, j in zip(first[:paired], second[:paired], strict=True):
        if old[i] != new[j]:
            yield from _compare_operations(i, old[i], new[j])
    for i in first[paired:]:
        yield Change(f"instruction {i}", _text(old[i]), "")
    for j in second[paired:]:
        yield Change(f"instruction {j}", "", _text(new[j]))


def _compare_operations(number: int, old: Operation, new: Operation) -> Iterator[Change]:
    where = f"instruction {number} {old.mnemonic}"
    fields = list(_field_changes(old, new)) if _same_target(old, new) else []
    if fields:
        yield from (change._replace(where=f"{where} {change.where}") for change in fields)
    elif _text(old) != _text(new):
        yield Change(f"instruction {number}", _text(old), _text(new))
    else:
        yield Change(f"{where} (reserved bytes)", _reserved(old), _reserved(new))


def _same_target(old: Operation, new: Operation) -> bool:
    return type(old) is type(new) and getattr(old, "address", 0) == getattr(new, "address", 0)


def _field_changes(old: Operation, new: Operation) -> Iterator[Change]:
    """Yield what differs of two operations on one place: register fields or own values."""
    first, second = writes.of_operation(old), writes.of_operation(new)
    if first is not None and second is not None:
        yield from compare_states(State.of([first]), State.of([second]))
        return
    for name in value_names(type(old)):
        if getattr(old, name) != getattr(new, name):
            yield Change(name, str(getattr(old, name)), str(getattr(new, name)))


def _reserved(operation: Operation) -> str:
    return f"{operation.reserved.hex() or 'zero'} {operation.rest.hex()}".strip()


def _text(operation: Operation) -> str:
    ignore: list[str] = []
    return f"{operation.mnemonic} {'; '.join(operation_lines(operation, ignore.append))}".strip()
