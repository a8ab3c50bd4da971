"""Vectors in core bodies: memory, arithmetic against numpy, shapes, what is refused."""

from __future__ import annotations

import operator
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import CheckFailed
from simulator import Limits, Simulation
from tests.mlir.test_cores import core_design

Values = np.ndarray[Any, Any]
TYPES = {"i8": np.int8, "i16": np.int16, "i32": np.int32, "f32": np.float32}


def compute(body: str, a: Values, b: Values, type_: str, functions: str = "") -> Values:
    """Return %c of a core that computes it from %a and %b."""
    c = np.zeros_like(a)
    text = core_design(body, type_, len(a), functions)
    Simulation(text, limits=Limits(max_cycles=1_000_000, max_seconds=20)).run([a, b, c])
    return c


def elementwise(lines: str, type_: str, n: int = 16) -> str:
    """Return a core body that computes vector %z from %x and %y."""
    memref, vector = f"memref<{n}x{type_}>", f"vector<{n}x{type_}>"
    return f"""
      %x = vector.load %a[%c0] : {memref}, {vector}
      %y = vector.load %b[%c0] : {memref}, {vector}
      {lines.replace("TYPE", vector).replace("MASK", f"vector<{n}xi1>")}
      vector.store %z, %c[%c0] : {memref}, {vector}"""


def of_unsigned(function: Any) -> Any:
    def applied(x: Values, y: Values) -> Values:
        unsigned = np.dtype(f"uint{8 * x.itemsize}")
        return np.asarray(function(x.view(unsigned), y.view(unsigned))).view(x.dtype)

    return applied


INTEGERS: dict[str, Any] = {
    "addi": operator.add,
    "subi": operator.sub,
    "muli": operator.mul,
    "andi": operator.and_,
    "ori": operator.or_,
    "xori": operator.xor,
    "maxsi": np.maximum,
    "minsi": np.minimum,
    "maxui": of_unsigned(np.maximum),
    "minui": of_unsigned(np.minimum),
    "divui": of_unsigned(operator.floordiv),
    "remui": of_unsigned(operator.mod),
    "floordivsi": operator.floordiv,
    "remsi": np.fmod,
}
NAMES = sorted(INTEGERS)


@settings(max_examples=25, deadline=None)
@given(
    type_=st.sampled_from(["i8", "i16", "i32"]),
    seed=st.integers(0, 2**16),
    name=st.sampled_from(NAMES),
)
def test_integers(type_: str, seed: int, name: str) -> None:
    info, generator = np.iinfo(TYPES[type_]), np.random.default_rng(seed)
    a, b = generator.integers(info.min + 1, info.max, (2, 16), TYPES[type_])
    b[b == 0] = 1
    got = compute(elementwise(f"%z = arith.{name} %x, %y : TYPE", type_), a, b, type_)
    np.testing.assert_array_equal(got, INTEGERS[name](a, b))


def test_division_is_toward_zero() -> None:
    a = np.array([7, -7, 7, -7, 6, -6, 0, 1] * 2, np.int32)
    b = np.array([2, 2, -2, -2, 3, 3, -5, -9] * 2, np.int32)
    got = compute(elementwise("%z = arith.divsi %x, %y : TYPE", "i32"), a, b, "i32")
    np.testing.assert_array_equal(got, [3, -3, -3, 3, 2, -2, 0, 0] * 2)


def test_division_by_zero() -> None:
    a, b = np.arange(16, dtype=np.int32), np.arange(16, dtype=np.int32)
    with pytest.raises(CheckFailed, match="integer division of a vector by zero") as error:
        compute(elementwise("%z = arith.divsi %x, %y : TYPE", "i32"), a, b, "i32")
    assert error.value.code == "NPU143"


FLOATS: dict[str, Any] = {
    "arith.addf %x, %y": operator.add,
    "arith.subf %x, %y": operator.sub,
    "arith.mulf %x, %y": operator.mul,
    "arith.divf %x, %y": operator.truediv,
    "arith.maximumf %x, %y": np.maximum,
    "arith.minimumf %x, %y": np.minimum,
    "arith.maxnumf %x, %y": np.fmax,
    "arith.negf %x": lambda x, _y: -x,
    "math.absf %x": lambda x, _y: abs(x),
    "math.exp %x": lambda x, _y: np.exp(x.astype(np.float64)).astype(x.dtype),
    "math.floor %x": lambda x, _y: np.floor(x),
    "vector.fma %x, %y, %x": lambda x, y: (
        x.astype(np.float64) * y.astype(np.float64) + x.astype(np.float64)
    ).astype(x.dtype),
}


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("type_", ["f32", "bf16"])
def test_floats(name: str, type_: str) -> None:
    dtype = np.dtype("float32" if type_ == "f32" else ml_dtypes.bfloat16)
    generator = np.random.default_rng(3)
    a, b = (generator.normal(0, 3, 16).astype(np.float32).astype(dtype) for _ in "ab")
    got = compute(elementwise(f"%z = {name} : TYPE", type_), a, b, type_)
    np.testing.assert_array_equal(got, np.asarray(FLOATS[name](a, b)).astype(dtype))


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ("oeq", [1, 0, 0, 0]),
        ("ogt", [0, 1, 0, 0]),
        ("ole", [1, 0, 1, 0]),
        ("one", [0, 1, 1, 0]),
        ("ord", [1, 1, 1, 0]),
        ("ueq", [1, 0, 0, 1]),
        ("ult", [0, 0, 1, 1]),
        ("une", [0, 1, 1, 1]),
        ("uno", [0, 0, 0, 1]),
        ("true", [1, 1, 1, 1]),
        ("false", [0, 0, 0, 0]),
    ],
)
def test_comparisons_of_floats(predicate: str, expected: list[int]) -> None:
    a = np.array([1, 2, 1, np.nan] * 4, np.float32)
    b = np.array([1, 1, 2, 1] * 4, np.float32)
    lines = f"""
      %m = arith.cmpf {predicate}, %x, %y : TYPE
      %one = arith.constant dense<1.0> : TYPE
      %zero = arith.constant dense<0.0> : TYPE
      %z = arith.select %m, %one, %zero : MASK, TYPE"""
    np.testing.assert_array_equal(
        compute(elementwise(lines, "f32"), a, b, "f32"), np.array(expected * 4, np.float32)
    )


@pytest.mark.parametrize(
    ("predicate", "function"),
    [
        ("slt", operator.lt),
        ("sge", operator.ge),
        ("ne", operator.ne),
        ("ult", lambda x, y: x.view(np.uint32) < y.view(np.uint32)),
        ("uge", lambda x, y: x.view(np.uint32) >= y.view(np.uint32)),
    ],
)
def test_comparisons_of_integers(predicate: str, function: Any) -> None:
    a = np.array([0, 1, -1, 5] * 4, np.int32)
    b = np.array([0, -1, 1, 7] * 4, np.int32)
    lines = f"""
      %m = arith.cmpi {predicate}, %x, %y : TYPE
      %z = arith.extui %m : MASK to TYPE"""
    np.testing.assert_array_equal(compute(elementwise(lines, "i32"), a, b, "i32"), function(a, b))


V = "vector<16xi32>"
M = "memref<16xi32>"
WIDE = f"%x = vector.load %a[%c0] : {M}, {V}\n%y = vector.load %b[%c0] : {M}, {V}\n"
STORE = f"\nvector.store %z, %c[%c0] : {M}, {V}"
BODIES: dict[str, tuple[str, Any]] = {
    "splat": (
        f"%s = memref.load %a[%c1] : {M}\n%z = vector.splat %s : {V}{STORE}",
        lambda a, _b: np.full(16, a[1]),
    ),
    "broadcast": (
        f"%s = memref.load %a[%c1] : {M}\n%z = vector.broadcast %s : i32 to {V}{STORE}",
        lambda a, _b: np.full(16, a[1]),
    ),
    "constant": (
        f"%k = arith.constant dense<[{', '.join(map(str, range(16)))}]> : {V}\n"
        f"{WIDE}%z = arith.addi %x, %k : {V}{STORE}",
        lambda a, _b: a + np.arange(16),
    ),
    "extract and insert": (
        f"{WIDE}%e = vector.extract %x[3] : i32 from {V}\n"
        f"%f = vector.extract %x[%c1] : i32 from {V}\n%g = arith.addi %e, %f : i32\n"
        f"%z = vector.insert %g, %y[5] : i32 into {V}{STORE}",
        lambda a, b: np.where(np.arange(16) == 5, a[3] + a[1], b),
    ),
    "shape cast": (
        f"{WIDE}%s = vector.shape_cast %x : {V} to vector<4x4xi32>\n"
        "%r = vector.extract %s[2] : vector<4xi32> from vector<4x4xi32>\n"
        "%t = vector.insert %r, %s[0] : vector<4xi32> into vector<4x4xi32>\n"
        f"%z = vector.shape_cast %t : vector<4x4xi32> to {V}{STORE}",
        lambda a, _b: np.concatenate((a[8:12], a[4:])),
    ),
    "bitcast": (
        f"{WIDE}%s = vector.bitcast %x : {V} to vector<32xi16>\n%t = arith.addi %s, %s : "
        f"vector<32xi16>\n%z = vector.bitcast %t : vector<32xi16> to {V}{STORE}",
        lambda a, _b: (a.view(np.int16) * np.int16(2)).view(np.int32),
    ),
    "shuffle": (
        f"{WIDE}%z = vector.shuffle %x, %y [{', '.join(str(i * 2) for i in range(16))}] : "
        f"{V}, {V}{STORE}",
        lambda a, b: np.concatenate((a, b))[::2],
    ),
    "reduction": (
        f"{WIDE}%s = vector.reduction <add>, %x : {V} into i32\n"
        f"%t = vector.reduction <maxsi>, %y, %s : {V} into i32\n"
        f"%z = vector.broadcast %t : i32 to {V}{STORE}",
        lambda a, b: np.full(16, max(b.max(), a.sum())),
    ),
    "narrower and wider": (
        f"{WIDE}%s = arith.trunci %x : {V} to vector<16xi8>\n"
        f"%t = arith.extsi %s : vector<16xi8> to {V}\n"
        f"%f = arith.sitofp %t : {V} to vector<16xf32>\n"
        f"%h = arith.mulf %f, %f : vector<16xf32>\n%z = arith.fptosi %h : vector<16xf32> to {V}"
        f"{STORE}",
        lambda a, _b: a.astype(np.int8).astype(np.int32) ** 2,
    ),
    "transfer": (
        f"%p = arith.constant 0 : i32\n%x = vector.transfer_read %a[%c0], %p "
        f"{{in_bounds = [true]}} : {M}, {V}\n"
        f"vector.transfer_write %x, %c[%c0] {{in_bounds = [true]}} : {V}, {M}",
        lambda a, _b: a,
    ),
    "transfer past the end": (
        f"%c12 = arith.constant 12 : index\n%p = arith.constant -1 : i32\n"
        f"%x = vector.transfer_read %a[%c12], %p : {M}, {V}\n"
        f"%z = arith.addi %x, %x : {V}\nvector.store %z, %c[%c0] : {M}, {V}\n"
        f"vector.transfer_write %z, %c[%c12] : {V}, {M}",
        lambda a, _b: np.concatenate((2 * a[12:], np.full(8, -2), 2 * a[12:])),
    ),
    "rows and columns": (
        f"%m = memref.expand_shape %a [[0, 1]] output_shape [4, 4] : {M} into memref<4x4xi32>\n"
        "%p = arith.constant 0 : i32\n"
        "%x = vector.transfer_read %m[%c0, %c0], %p {in_bounds = [true, true], permutation_map = "
        "affine_map<(d0, d1) -> (d1, d0)>} : memref<4x4xi32>, vector<4x4xi32>\n"
        f"%z = vector.shape_cast %x : vector<4x4xi32> to {V}{STORE}",
        lambda a, _b: a.reshape(4, 4).T.reshape(-1),
    ),
    "carried by a loop": (
        f"%zero = arith.constant dense<0> : {V}\n{WIDE}"
        f"%z = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %zero) -> ({V}) {{\n"
        f"%s = arith.addi %sum, %x : {V}\nscf.yield %s : {V}\n}}{STORE}",
        lambda a, _b: 16 * a,
    ),
    "blocks of a loop": (
        f"%c4 = arith.constant 4 : index\nscf.for %i = %c0 to %n step %c4 {{\n"
        f"%x = vector.load %a[%i] : {M}, vector<4xi32>\n"
        f"vector.store %x, %c[%i] : {M}, vector<4xi32>\n}}",
        lambda a, _b: a,
    ),
    "passed to a function": (
        f"{WIDE}%z = func.call @twice(%x) : ({V}) -> {V}{STORE}",
        lambda a, _b: 2 * a,
    ),
}
TWICE = f"""func.func private @twice(%v: {V}) -> {V} {{
  %s = arith.addi %v, %v : {V}
  return %s : {V}
}}"""


@pytest.mark.parametrize("case", BODIES)
def test_operations(case: str) -> None:
    body, function = BODIES[case]
    generator = np.random.default_rng(7)
    a, b = generator.integers(-1000, 1000, (2, 16), np.int32)
    np.testing.assert_array_equal(compute(body, a, b, "i32", TWICE), function(a, b))


OUTSIDE = {
    "load": (f"%x = vector.load %a[%c1] : {M}, {V}", "a vector of elements 1 to 16 of a memory of"),
    "store": (
        f"%x = arith.constant dense<0> : {V}\nvector.store %x, %c[%c1] : {M}, {V}",
        "a vector of elements 1 to 16 of a memory of 16",
    ),
    "extract": (
        f"{WIDE}%e = vector.extract %x[%n] : i32 from {V}",
        "position [16] of a vector of shape [16]",
    ),
}


@pytest.mark.parametrize("case", OUTSIDE)
def test_outside(case: str) -> None:
    body, message = OUTSIDE[case]
    a = np.ones(16, np.int32)
    with pytest.raises(CheckFailed) as error:
        compute(body, a, a, "i32")
    assert error.value.code == "NPU143"
    assert message in error.value.message


def test_a_vector_store_counts_as_written_to_its_end() -> None:
    """What a core has not written of a buffer is found when it is read; what it has is not."""
    text = core_design(
        f"""
      %s = arith.constant dense<3> : vector<8xi32>
      vector.store %s, %buf[%c0] : {M}, vector<8xi32>
      %c8 = arith.constant 8 : index
      %x = vector.load %buf[%FROM] : {M}, vector<8xi32>
      vector.store %x, %c[%c0] : {M}, vector<8xi32>""",
        n=16,
        functions=f'%buf = aie.buffer(%core) {{sym_name = "buf"}} : {M}',
    )
    a, c = np.zeros(16, np.int32), np.zeros(16, np.int32)
    Simulation(text.replace("%FROM", "%c0")).run([a, a.copy(), c])
    np.testing.assert_array_equal(c[:8], 3)
    with pytest.raises(CheckFailed) as error:
        Simulation(text.replace("%FROM", "%c8")).run([a, a.copy(), c])
    assert error.value.code == "NPU224"
