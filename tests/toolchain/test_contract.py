"""A contract against its design: refused before any tool runs, with both sides shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import LabError, UsageError
from kernels.contract import Arg, Function, Role, arg_in, arg_out, bfloat16
from simulator.mlir.resources import Argument
from toolchain.build import build
from toolchain.static import contract
from toolchain.storage.store import Store
from toolchain.work.progress import Quiet
from toolchain.work.steps import Step

if TYPE_CHECKING:
    from conftest import UnitMaker

A = arg_in("a", (64,), np.int8)
B = arg_out("b", (64,), np.int8)
STEP = Function(symbol="step", cycles=1, basis="a guess")


class Started(Quiet):
    """Keeps the names of the steps that ran."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, step: Step) -> None:
        self.names.append(step.name)


@pytest.fixture
def refused(tmp_path: Path, store: Store, make_unit: UnitMaker) -> Any:
    """Return a function that builds a unit and gives its error."""

    def once(**changes: Any) -> LabError:
        progress = Started()
        unit = make_unit(**{"args": (A, B), "functions": (STEP,), **changes})
        (result,) = build([unit], root=tmp_path / "build", store=store, progress=progress)
        (error,) = result.errors
        assert result.build is None
        assert progress.names == ["check design"], "nothing runs after the refusal"
        return error

    return once


@pytest.mark.parametrize(
    ("args", "message", "rows"),
    [
        (
            (arg_in("a", (65,), np.int8), B),
            "differ in a",
            ("in a: 65 int8    memref<64xi8>   <- differ", "out b: 64 int8   memref<64xi8>"),
        ),
        (
            (A, arg_out("b", (64,), np.int16)),
            "differ in b",
            ("in a: 64 int8     memref<64xi8>", "out b: 64 int16   memref<64xi8>   <- differ"),
        ),
        (
            (arg_in("a", (32,), np.int16), arg_out("b", (16,), bfloat16)),
            "differ in a, b",
            (
                "in a: 32 int16       memref<64xi8>   <- differ",
                "out b: 16 bfloat16   memref<64xi8>   <- differ",
            ),
        ),
        (
            (A,),
            "the contract has 1 arguments, and the design's runtime sequence 2",
            ("in a: 64 int8   memref<64xi8>", "nothing         memref<64xi8>   <- differ"),
        ),
        (
            (A, B, arg_in("c", (1,), np.int32)),
            "the contract has 3 arguments, and the design's runtime sequence 2",
            (
                "in a: 64 int8    memref<64xi8>",
                "out b: 64 int8   memref<64xi8>",
                "in c: 1 int32    nothing         <- differ",
            ),
        ),
    ],
)
def test_arguments_that_contradict_the_design(
    refused: Any, args: tuple[Arg, ...], message: str, rows: tuple[str, ...]
) -> None:
    error = refused(args=args)
    assert isinstance(error, UsageError)
    assert error.code == "NPU040"
    assert error.message.startswith("add/1: ")
    assert message in error.message
    assert error.details[0].split() == ["contract", "design"]
    assert [" ".join(line.split()) for line in error.details[1:-1]] == [
        " ".join(row.split()) for row in rows
    ]
    design = Path(error.details[-1].removeprefix("design: "))
    assert design.name == "design.mlir"
    assert "aie.runtime_sequence" in design.read_text()


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ((), "differ in step"),
        (
            (Function(symbol="stop", cycles=1, basis="b"),),
            "differ in step, stop; did you mean stop",
        ),
        ((STEP, Function(symbol="init", cycles=1, basis="b")), "differ in init"),
    ],
)
def test_functions_that_contradict_the_design(
    refused: Any, functions: tuple[Function, ...], message: str
) -> None:
    error = refused(functions=functions)
    assert isinstance(error, UsageError)
    assert error.code == "NPU041"
    assert message in error.message
    assert error.details[0].startswith("contract: ")
    assert error.details[1] == "design:   step"


def test_an_object_that_nothing_builds(refused: Any, make_unit: UnitMaker) -> None:
    design = make_unit.design.replace("kernel.o", "kernels.o")
    error = refused(design=design)
    assert error.code == "NPU003"
    assert "did you mean kernel.o" in error.message


def test_a_design_over_its_limits(refused: Any, make_unit: UnitMaker) -> None:
    design = make_unit.design.replace("64xi8", "20000xi8").replace("1, 64]", "1, 20000]")
    error = refused(design=design)
    assert error.code is not None
    assert error.code.startswith("NPU1")
    assert error.message.startswith("add/1: design.mlir:")


def test_a_design_that_is_no_mlir(refused: Any) -> None:
    error = refused(design="module { nonsense }")
    assert error.exit_code == 2
    assert "design.mlir" in error.message


def test_a_design_of_another_is_named_by_its_file(refused: Any, tmp_path: Path) -> None:
    path = tmp_path / "their.mlir"
    error = refused(design="module { nonsense }", source=path, args=None)
    assert "their.mlir" in error.message
    assert error.details[-1] == f"design: {path}"


SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
DTYPES = st.sampled_from(["int8", "uint8", "int32", "float32", "bfloat16"])


@given(shape=SHAPES, dtype=DTYPES, other=SHAPES, other_dtype=DTYPES)
def test_arguments_agree_on_the_same_or_a_flat_shape_and_the_dtype(
    shape: tuple[int, ...], dtype: str, other: tuple[int, ...], other_dtype: str
) -> None:
    arg = Arg("a", Role.IN, shape, np.dtype(dtype))
    said = Argument(type="memref<...>", shape=other, dtype=other_dtype)
    same_shape = other == shape or other == (arg.size,)
    same_dtype = other_dtype == dtype or (dtype, other_dtype) == ("uint8", "int8")
    assert contract.agree(arg, said) == (same_shape and same_dtype)


def test_a_scalar_or_unknown_type_never_agrees() -> None:
    for said in (
        Argument(type="i32", shape=None, dtype="int32"),
        Argument(type="memref<1xi3>", shape=(1,), dtype=None),
    ):
        assert not contract.agree(arg_in("a", (1,), np.int32), said)
