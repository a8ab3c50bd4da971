"""What a design is to compute, in a small file beside it, written in a closed vocabulary.

``add.mlir`` has its expectations in ``add.expect.toml``::

    [replace]                       # texts that upstream's test scripts fill in
    NPUDEVICE = "npu1_1col"

    [[run]]                         # one call of a runtime sequence
    sequence = "sequence"           # where the design has several
    arguments = [
        { input = { iota = 1 } },                       # 1, 2, 3, ...
        {},                                             # zeros, and not looked at
        { output = { add_constant = 41, of = 0 } },     # input 0 plus 41
        { dtype = "int32", elements = 64 },             # not declared by the sequence
    ]

    [kernels]                       # objects that the design links, by their C++ source
    "scale.o" = ["scale.cc", "helpers.c"]

A design in another form, such as one that a compiler has lowered, may name the first form
instead of results: ``same_as = "add.mlir"``. Both get the same inputs and must leave the same
bytes in every argument.

Values are data, never expressions to evaluate: :data:`VOCABULARY` is all there is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from errors import UsageError, nearest

Values: TypeAlias = npt.NDArray[Any]

SUFFIX = ".expect.toml"

_FILE = ("replace", "needs", "warn", "control_overlay", "same_as", "kernels", "run")
_ARGUMENT = ("dtype", "elements", "input", "output", "any_order")


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument of a runtime sequence.

    Attributes:
        dtype: Its elements where the design's type is not what the test uses.
        elements: How many of them the test passes, where that is more than the design declares.
        input: What it holds before the run; zeros where it is empty.
        output: What it must start with after the run; empty where nobody looks.
        any_order: Whether these elements may come in any order, as packets do that several
            senders merge into one stream.
    """

    dtype: str | None = None
    elements: int = 0
    input: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] = field(default_factory=dict)
    any_order: bool = False


@dataclass(frozen=True, kw_only=True)
class Call:
    """One run of a runtime sequence; `device` and `sequence` choose among several.

    Arguments after those that the sequence declares need a dtype and a number of elements.
    """

    device: str | None = None
    sequence: str | None = None
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """The runs of a design, in order, on one loaded array.

    Attributes:
        replace: Texts of the design to replace before it is read.
        needs: What the design needs from outside of itself, such as a kernel's object.
        warn: Findings that do not end a run, as :func:`simulator.findings.kinds` reads them:
            the design is right on the hardware in spite of them.
        control_overlay: Whether aiecc is to add routes for control packets to the design.
        same_as: The design whose results this one's must equal, byte for byte.
        kernels: C++ sources by the name of the object that the design links; they are
            compiled for this machine, ``.c`` as C and any other as C++.
    """

    folder: Path
    replace: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""
    warn: str = ""
    control_overlay: bool = False
    same_as: Path | None = None
    kernels: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()


def expectation_of(design: Path) -> Expectation | None:
    """Return the expectations beside a design, None where there are none.

    Raises:
        UsageError: NPU309, the file says something that this vocabulary does not have.
    """
    path = design.with_name(design.stem + SUFFIX)
    if not path.is_file():
        return None
    try:
        table = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise _wrong(path, str(error)) from None
    _known(path, table, _FILE, "entry")
    calls = []
    for run in table.get("run", []):
        _known(path, run, ("device", "sequence", "arguments"), "entry of a run")
        arguments = []
        for argument in run.get("arguments", []):
            _known(path, argument, _ARGUMENT, "entry of an argument")
            for role in ("input", "output"):
                _check(path, argument.get(role, {}))
            arguments.append(Argument(**argument))
        calls.append(Call(**{**run, "arguments": tuple(arguments)}))
    return Expectation(
        folder=path.parent,
        replace=table.get("replace", {}),
        needs=table.get("needs", ""),
        warn=table.get("warn", ""),
        control_overlay=bool(table.get("control_overlay", False)),
        same_as=path.parent / table["same_as"] if "same_as" in table else None,
        kernels={
            name: tuple(path.parent / file for file in files)
            for name, files in table.get("kernels", {}).items()
        },
        calls=tuple(calls),
    )


@dataclass(frozen=True)
class Known:
    """What values may refer to: the call's own inputs, and what earlier calls left."""

    folder: Path
    inputs: Sequence[Values]
    results: Sequence[Sequence[Values]]


def values(what: Mapping[str, Any], count: int, dtype: np.dtype[Any], known: Known) -> Values:
    """Return the `count` elements that `what` describes, fewer where it says so.

    Raises:
        UsageError: NPU309, it refers to what is not there.
    """
    if not what:
        return np.zeros(count, dtype)
    kind = next(name for name in what if name in VOCABULARY)
    made = VOCABULARY[kind].make(what, what.get("count", count), known)
    return np.asarray(made).astype(dtype, casting="unsafe").reshape(-1)


Make = Callable[[Mapping[str, Any], int, Known], Values]


@dataclass(frozen=True)
class Word:
    """A kind of values: how they are made, and what may be said besides."""

    make: Make
    options: tuple[str, ...] = ()


def _iota(what: Mapping[str, Any], count: int, _known: Known) -> Values:
    numbers = np.arange(count, dtype=np.int64)
    if "modulo" in what:
        numbers %= what["modulo"]
    return numbers * int(what.get("step", 1)) + int(what["iota"])


def _constant(what: Mapping[str, Any], count: int, _known: Known) -> Values:
    return np.full(count, what["constant"])


def _random(what: Mapping[str, Any], count: int, _known: Known) -> Values:
    generator = np.random.default_rng(what["random"])
    return generator.integers(what.get("low", 0), what.get("high", 256), count)


def _list(what: Mapping[str, Any], count: int, _known: Known) -> Values:
    numbers = np.asarray(what["list"])
    return np.resize(numbers, count) if what.get("repeat") else numbers


def _file(what: Mapping[str, Any], _count: int, known: Known) -> Values:
    path = known.folder / what["file"]
    if not path.is_file():
        raise _wrong(path, "there is no such file")
    loaded: Values = np.load(path, allow_pickle=False)
    return loaded


def _add_constant(what: Mapping[str, Any], count: int, known: Known) -> Values:
    return _copy(what, count, known).astype(np.int64) + int(what["add_constant"])


def _scale(what: Mapping[str, Any], count: int, known: Known) -> Values:
    return _copy(what, count, known).astype(np.int64) * int(what["scale"])


def _copy(what: Mapping[str, Any], count: int, known: Known) -> Values:
    number = int(what.get("of", what.get("copy", 0)))
    if not 0 <= number < len(known.inputs):
        raise _wrong(known.folder, f"there is no argument {number}")
    start = int(what.get("start", 0))
    return known.inputs[number][start : int(what.get("stop", start + count))]


def _result(what: Mapping[str, Any], count: int, known: Known) -> Values:
    number = int(what["result"])
    if not 0 <= number < len(known.results):
        raise _wrong(known.folder, f"there is no earlier run {number}")
    return known.results[number][int(what.get("of", 0))][:count]


def _join(what: Mapping[str, Any], count: int, known: Known) -> Values:
    parts = [values(part, count, np.dtype(np.int64), known) for part in what["join"]]
    joined = np.concatenate(parts)
    return np.resize(joined, count) if what.get("repeat") else joined


_RANGE = ("of", "start", "stop")

VOCABULARY: dict[str, Word] = {
    "iota": Word(_iota, ("step", "modulo")),
    "constant": Word(_constant),
    "random": Word(_random, ("low", "high")),
    "list": Word(_list, ("repeat",)),
    "file": Word(_file),
    "add_constant": Word(_add_constant, _RANGE),
    "scale": Word(_scale, _RANGE),
    "copy": Word(_copy),
    "slice": Word(
        lambda what, count, known: _copy({**what, "of": what["slice"]}, count, known),
        ("start", "stop"),
    ),
    "result": Word(_result, ("of",)),
    "join": Word(_join, ("repeat",)),
}
"""Every kind of values: a ramp (`iota` is its first number), one number, seeded random
integers, numbers written out, a ``.npy`` file, an input plus or times a number, an input or
part of it, what an earlier run left, and parts one after the other. ``count`` limits each."""


def _check(path: Path, what: Mapping[str, Any]) -> None:
    if not what:
        return
    kinds = [name for name in what if name in VOCABULARY]
    if len(kinds) != 1:
        names = ", ".join(VOCABULARY)
        raise _wrong(path, f"{dict(what)} must have one of: {names}")
    _known(path, what, (kinds[0], "count", *VOCABULARY[kinds[0]].options), f"option of {kinds[0]}")
    for part in what.get("join", []):
        _check(path, part)


def _known(path: Path, table: Mapping[str, Any], names: Sequence[str], noun: str) -> None:
    for name in table:
        if name not in names:
            raise _wrong(path, f"there is no {noun} {name!r}{nearest(name, list(names))}")


def _wrong(path: Path, problem: str) -> UsageError:
    return UsageError(
        f"{path}: {problem}",
        cure="write the expectation in the vocabulary of runtime/expectation.py",
        code="NPU309",
    )
