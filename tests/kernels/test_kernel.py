"""What every kernel inherits from the contract's base class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pytest

from kernels.contract import (
    Arg,
    Array,
    Exact,
    Function,
    Kernel,
    Role,
    Tolerance,
    Work,
    arg_in,
    arg_out,
    arg_param,
)


@dataclass(frozen=True)
class Twice(Kernel):
    """Twice the input.

    And a second paragraph.
    """

    tolerance: ClassVar[Tolerance] = Exact("a shift is exact")

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        return (cls(),)

    def args(self) -> tuple[Arg, ...]:
        return (
            arg_in("x", (8,), np.int16),
            arg_param("factor", (2,), np.int16),
            Arg("state", Role.INOUT, (2,), np.dtype(np.int16)),
            arg_out("y", (8,), np.int16),
        )

    def params(self) -> dict[str, Array]:
        return {"factor": np.array([2, 2], np.int16)}

    def functions(self) -> tuple[Function, ...]:
        return ()

    def design(self) -> str:
        return ""

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        return {"y": inputs["x"] * inputs["factor"][0], "state": inputs["state"]}

    def work(self) -> Work:
        return Work(ops=8, bytes=0)


@dataclass(frozen=True)
class Sized(Twice):
    """Twice the input."""

    n: int = 16
    mode: str = "fast"


def test_names_come_from_folder_docstring_and_fields() -> None:
    assert Twice.folder() == Path(__file__).parent
    assert Twice.kernel_name() == "kernels"
    assert Twice().source == Path(__file__).parent / "kernel.cc"
    assert Twice.summary() == "Twice the input."
    assert Twice().label == "default"
    assert Sized(32).label == "32-fast"
    assert Sized().title == "kernels/16-fast"


def test_cases_and_demo_use_the_default_parameters() -> None:
    kernel = Twice()
    cases = {case.name: case.inputs for case in kernel.cases()}
    assert cases["ramp"]["factor"].tolist() == [2, 2]
    assert cases["random-0"]["factor"].tolist() != [2, 2]
    (demo,) = kernel.demo()
    assert demo.inputs.keys() == {"x", "factor", "state"}
    assert demo.inputs["factor"].tolist() == [2, 2]
    assert np.unique(demo.inputs["x"]).size > 1


def test_an_incomplete_kernel_cannot_be_made() -> None:
    class Incomplete(Kernel):
        """Nothing."""

    with pytest.raises(TypeError, match="abstract"):
        Incomplete()  # type: ignore[abstract]


def test_arguments_know_their_size_and_name_themselves() -> None:
    arg = arg_param("weights", (3, 5), np.int16)
    assert (arg.size, arg.nbytes) == (15, 30)
    assert str(arg) == "param weights: 3x5 int16"
    assert [role.is_read for role in Role] == [True, False, True, True]
    assert [role.is_written for role in Role] == [False, True, True, False]
