"""A kernel's contract against its design: the two must tell the same story."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from errors import UsageError, nearest
from toolchain.unit import Unit

if TYPE_CHECKING:
    from kernels.contract import Arg
    from simulator.mlir.resources import Argument, Resources


def check(unit: Unit, resources: Resources) -> None:
    """Check that contract and design agree; a unit without contract agrees with anything.

    Raises:
        UsageError: NPU003, the design links with an object that the unit does not build;
            NPU040, the arguments contradict each other; NPU041, the functions do. Both
            sides are shown.
    """
    _check_objects(unit, resources)
    if unit.args is None:
        return
    _check_functions(unit, resources)
    _check_args(unit.args, resources)


def agree(arg: Arg, argument: Argument) -> bool:
    """Whether the design's argument can be the contract's.

    A dense array may be flat in the design. MLIR's plain integers have no sign, so that
    ``i8`` stands for uint8 as well as int8.
    """
    flat = argument.shape is not None and len(argument.shape) == 1
    same_shape = argument.shape in (arg.shape, (arg.size,) if flat else arg.shape)
    names = {arg.dtype.name, arg.dtype.name.removeprefix("u")}
    return same_shape and argument.dtype in names


def _check_args(args: Sequence[Arg], resources: Resources) -> None:
    arguments = resources.sequences[0].arguments if resources.sequences else ()
    pairs = list(zip_longest(args, arguments))
    wrong = [index for index, (a, b) in enumerate(pairs) if not (a and b and agree(a, b))]
    if not wrong:
        return
    if len(args) != len(arguments):
        what = f"{len(args)} arguments, and the design's runtime sequence {len(arguments)}"
        message = f"the contract has {what}"
    else:
        names = ", ".join(args[index].name for index in wrong)
        message = f"the contract and the design's runtime sequence differ in {names}"
    raise UsageError(
        message,
        cure="change args() or design() in kernel.py, so that both say the same",
        code="NPU040",
        details=_table(pairs, wrong),
    )


def _table(
    pairs: Sequence[tuple[Arg | None, Argument | None]], wrong: list[int]
) -> tuple[str, ...]:
    """Return both sides line by line, with a mark where they differ."""
    rows = [(str(a) if a else "nothing", b.type if b else "nothing") for a, b in pairs]
    width = max(len(left) for left, _ in [("contract", ""), *rows])
    lines = [f"{'contract':<{width}}   design"]
    for index, (left, right) in enumerate(rows):
        mark = "   <- differ" if index in wrong else ""
        lines.append(f"{left:<{width}}   {right}{mark}")
    return tuple(lines)


def _check_functions(unit: Unit, resources: Resources) -> None:
    promised = sorted(function.symbol for function in unit.functions)
    called = sorted(function.symbol for function in resources.functions)
    if promised == called:
        return
    odd = sorted(set(promised) ^ set(called))
    other = called if odd[0] in promised else promised
    raise UsageError(
        f"the contract and the cores of the design differ in {', '.join(odd)}"
        + nearest(odd[0], other),
        cure="change functions() or design() in kernel.py, so that both name the same",
        code="NPU041",
        details=(
            f"contract: {', '.join(promised) or 'none'}",
            f"design:   {', '.join(called) or 'none'}",
        ),
    )


def _check_objects(unit: Unit, resources: Resources) -> None:
    built = sorted(source.name for source in unit.objects)
    linked = sorted({name for function in resources.functions for name in function.objects})
    strange = [name for name in linked if name not in built]
    if strange:
        raise UsageError(
            f"the design links with {', '.join(strange)}, which nothing here builds"
            + nearest(strange[0], built),
            cure="link with an object that has a source; a kernel's own is kernel.o",
            code="NPU003",
            details=(
                f"the design links with: {', '.join(linked)}",
                f"built here: {', '.join(built) or 'nothing'}",
            ),
        )
