"""Core bodies: arithmetic against numpy, control flow, memrefs, functions of the design."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import CheckFailed
from simulator import Limits, Simulation
from simulator.array.config import TileId
from simulator.findings import Kind

if TYPE_CHECKING:
    from tests.mlir.conftest import Simulate, Write

N = 8
TYPES = {"i8": np.int8, "i16": np.int16, "i32": np.int32, "f32": np.float32}


def core_design(body: str, type_: str = "i32", n: int = N, functions: str = "") -> str:
    """Return a design whose core computes %c (n elements) from %a and %b, once."""
    memref = f"memref<{n}x{type_}>"
    ends = "\n".join(
        f"    aie.objectfifo @{name}({tiles}, 1 : i32) : !aie.objectfifo<{memref}>"
        for name, tiles in [
            ("fa", "%shim, {%core}"),
            ("fb", "%shim, {%core}"),
            ("fc", "%core, {%shim}"),
        ]
    )
    moves = "\n".join(
        f"      aiex.npu.dma_memcpy_nd(%{arg}[0, 0, 0, 0][1, 1, 1, {n}][0, 0, 0, 1]) "
        f"{{id = {number} : i64, metadata = @f{arg}}} : {memref}"
        for number, arg in enumerate("abc")
    )
    return f"""
module {{
  aie.device(npu1_1col) {{
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
{ends}
{functions}
    aie.core(%core) {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = arith.constant {n} : index
      %a = aie.objectfifo.acquire @fa(Consume, 1) : {memref}
      %b = aie.objectfifo.acquire @fb(Consume, 1) : {memref}
      %c = aie.objectfifo.acquire @fc(Produce, 1) : {memref}
{body}
      aie.objectfifo.release @fc(Produce, 1)
      aie.end
    }}
    aie.runtime_sequence(%a: {memref}, %b: {memref}, %c: {memref}) {{
{moves}
      aiex.npu.dma_wait {{symbol = @fc}}
    }}
  }}
}}
"""


def elementwise(lines: str, type_: str) -> str:
    """Return a core body that computes %z from %x and %y for each element."""
    memref = f"memref<{N}x{type_}>"
    return f"""
      scf.for %i = %c0 to %n step %c1 {{
        %x = memref.load %a[%i] : {memref}
        %y = memref.load %b[%i] : {memref}
        {lines}
        memref.store %z, %c[%i] : {memref}
      }}"""


def compute(text: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    c = np.zeros_like(a)
    Simulation(text, limits=Limits(max_cycles=1_000_000, max_seconds=20)).run([a, b, c])
    return c


def signed(value: int, bits: int) -> int:
    return (value + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))


def toward_zero(a: int, b: int) -> int:
    return int(np.sign(a)) * int(np.sign(b)) * (abs(a) // abs(b))


SIGNED = {
    "addi": operator.add,
    "subi": operator.sub,
    "muli": operator.mul,
    "andi": operator.and_,
    "ori": operator.or_,
    "xori": operator.xor,
    "maxsi": max,
    "minsi": min,
    "divsi": toward_zero,
    "remsi": lambda a, b: a - b * toward_zero(a, b),
    "floordivsi": operator.floordiv,
    "ceildivsi": lambda a, b: -(-a // b),
}
UNSIGNED = {
    "maxui": max,
    "minui": min,
    "divui": operator.floordiv,
    "remui": operator.mod,
    "ceildivui": lambda a, b: -(-a // b),
}


def integer_result(name: str, a: int, b: int, bits: int) -> int:
    if name in UNSIGNED:
        return signed(UNSIGNED[name](a % 2**bits, b % 2**bits), bits)
    return signed(SIGNED[name](a, b), bits)


@pytest.mark.parametrize("type_", ["i8", "i16", "i32"])
@pytest.mark.parametrize("name", [*SIGNED, *UNSIGNED])
@settings(deadline=None, max_examples=4)
@given(data=st.data())
def test_integers_wrap_as_the_core_does(name: str, type_: str, data: st.DataObject) -> None:
    dtype, bits = TYPES[type_], int(type_[1:])
    whole = st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    corners = st.sampled_from([-(2 ** (bits - 1)), -1, 1, 2 ** (bits - 1) - 1])
    values = st.lists(whole | corners, min_size=N, max_size=N)
    a = np.array(data.draw(values), dtype)
    b = np.array(data.draw(values), dtype)
    b[b == 0] = 3
    text = core_design(elementwise(f"%z = arith.{name} %x, %y : {type_}", type_), type_)
    expected = [integer_result(name, int(x), int(y), bits) for x, y in zip(a, b, strict=True)]
    assert compute(text, a, b).tolist() == expected


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("shli", lambda a, s: signed(a << s, 32)),
        ("shrsi", lambda a, s: a >> s),
        ("shrui", lambda a, s: signed((a % 2**32) >> s, 32)),
    ],
)
def test_shifts(name: str, reference) -> None:  # noqa: ANN001
    a = np.array([1, -1, 2**31 - 1, -(2**31), 12345, -12345, 7, 0], np.int32)
    b = np.array([0, 1, 5, 31, 8, 8, 31, 3], np.int32)
    text = core_design(elementwise(f"%z = arith.{name} %x, %y : i32", "i32"))
    expected = [reference(int(x), int(s)) for x, s in zip(a, b, strict=True)]
    assert compute(text, a, b).tolist() == expected


COMPARISONS = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "slt": lambda a, b: a < b,
    "sle": lambda a, b: a <= b,
    "sgt": lambda a, b: a > b,
    "sge": lambda a, b: a >= b,
    "ult": lambda a, b: a % 2**32 < b % 2**32,
    "ule": lambda a, b: a % 2**32 <= b % 2**32,
    "ugt": lambda a, b: a % 2**32 > b % 2**32,
    "uge": lambda a, b: a % 2**32 >= b % 2**32,
}


@pytest.mark.parametrize("predicate", COMPARISONS)
def test_comparisons_and_selection(predicate: str) -> None:
    a = np.array([1, -1, 2, -(2**31), 5, 2**31 - 1, 0, -7], np.int32)
    b = np.array([2, 1, 2, 2**31 - 1, -5, -1, 0, -8], np.int32)
    lines = f"""%p = arith.cmpi {predicate}, %x, %y : i32
        %z = arith.select %p, %x, %y : i32"""
    expected = [
        x if COMPARISONS[predicate](x, y) else y
        for x, y in zip(a.tolist(), b.tolist(), strict=True)
    ]
    assert compute(core_design(elementwise(lines, "i32")), a, b).tolist() == expected


def test_conversions_between_integers() -> None:
    a = np.array([0, 1, -1, 127, 128, 255, 256, -129], np.int32)
    lines = """%t = arith.trunci %x : i32 to i8
        %s = arith.extsi %t : i8 to i32
        %u = arith.extui %t : i8 to i32
        %h = arith.constant 1000 : i32
        %m = arith.muli %s, %h : i32
        %z = arith.addi %m, %u : i32"""
    expected = a.astype(np.int8).astype(np.int32) * 1000 + a.astype(np.uint8).astype(np.int32)
    np.testing.assert_array_equal(compute(core_design(elementwise(lines, "i32")), a, a), expected)


def test_index_casts_narrow_and_widen() -> None:
    a = np.array([5, -5, 2**31 - 1, 0, 1, 2, 3, 4], np.int32)
    lines = """%p = arith.index_cast %x : i32 to index
        %q = arith.constant 8589934592 : index
        %r = arith.addi %p, %q : index
        %z = arith.index_cast %r : index to i32"""
    np.testing.assert_array_equal(compute(core_design(elementwise(lines, "i32")), a, a), a)


FLOAT_OPERATIONS = {
    "addf": np.add,
    "subf": np.subtract,
    "mulf": np.multiply,
    "divf": np.divide,
    "maximumf": np.maximum,
    "minimumf": np.minimum,
}


@pytest.mark.parametrize("name", FLOAT_OPERATIONS)
@settings(deadline=None, max_examples=5)
@given(data=st.data())
def test_single_precision_rounds_each_operation(name: str, data: st.DataObject) -> None:
    values = st.lists(st.floats(-(2.0**60), 2.0**60, width=32), min_size=N, max_size=N)
    a = np.array(data.draw(values), np.float32)
    b = np.array(data.draw(values), np.float32)
    text = core_design(elementwise(f"%z = arith.{name} %x, %y : f32", "f32"), "f32")
    with np.errstate(all="ignore"):
        expected = FLOAT_OPERATIONS[name](a, b)
    np.testing.assert_array_equal(compute(text, a, b), expected)


@pytest.mark.parametrize("name", ["addf", "mulf"])
def test_bfloat16_rounds_to_even(name: str) -> None:
    rng = np.random.default_rng(1)
    a = rng.standard_normal(N).astype(ml_dtypes.bfloat16)
    b = (rng.standard_normal(N) * 100).astype(ml_dtypes.bfloat16)
    text = core_design(elementwise(f"%z = arith.{name} %x, %y : bf16", "bf16"), "bf16")
    operate = np.add if name == "addf" else np.multiply
    expected = operate(a.astype(np.float32), b.astype(np.float32)).astype(ml_dtypes.bfloat16)
    np.testing.assert_array_equal(compute(text, a, b), expected)


def test_float_conversions_and_bits() -> None:
    a = np.array([1.5, -2.75, 100.0, -0.25, 7.0, 3.0, 2.0, 0.0], np.float32)
    lines = """%whole = arith.fptosi %x : f32 to i32
        %f = arith.sitofp %whole : i32 to f32
        %w = arith.bitcast %y : f32 to i32
        %g = arith.bitcast %w : i32 to f32
        %h = arith.truncf %g : f32 to bf16
        %e = arith.extf %h : bf16 to f32
        %s = arith.addf %f, %e : f32
        %z = arith.negf %s : f32"""
    text = core_design(elementwise(lines, "f32"), "f32")
    rounded = a.astype(ml_dtypes.bfloat16).astype(np.float32)
    np.testing.assert_array_equal(compute(text, a, a), -(np.trunc(a) + rounded))


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [("oeq", [0, 0, 1, 0]), ("une", [1, 1, 0, 1]), ("olt", [1, 0, 0, 0]), ("uge", [0, 1, 1, 1]),
     ("ord", [1, 1, 1, 0]), ("uno", [0, 0, 0, 1])],
)  # fmt: skip
def test_float_comparisons_know_nan(predicate: str, expected: list[int]) -> None:
    a = np.array([1, 2, 3, np.nan] * 2, np.float32)
    b = np.array([2, 1, 3, 1] * 2, np.float32)
    lines = f"""%p = arith.cmpf {predicate}, %x, %y : f32
        %one = arith.constant 1.0 : f32
        %nil = arith.constant 0.0 : f32
        %z = arith.select %p, %one, %nil : f32"""
    text = core_design(elementwise(lines, "f32"), "f32")
    assert compute(text, a, b).tolist() == expected * 2


def test_division_by_zero_is_ieee_for_floats() -> None:
    a = np.array([1, -1, 0, np.nan, 5, 0, 1, 2], np.float32)
    b = np.array([0, 0, 0, 0, np.inf, 2, -0.0, 4], np.float32)
    text = core_design(elementwise("%z = arith.divf %x, %y : f32", "f32"), "f32")
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(compute(text, a, b), a / b)


def test_division_by_zero_is_an_error_for_integers() -> None:
    a = np.zeros(N, np.int32)
    text = core_design(elementwise("%z = arith.divsi %x, %y : i32", "i32"))
    with pytest.raises(CheckFailed, match=r"the core of tile\(0,2\) fails with .*zero") as error:
        compute(text, a, a)
    assert error.value.code == "NPU143"


def test_a_loop_carries_values() -> None:
    """Fibonacci numbers: both carried values change at once."""
    body = """
      %one = arith.constant 1 : i32
      %nil = arith.constant 0 : i32
      %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%p = %nil, %q = %one) -> (i32, i32) {
        memref.store %p, %c[%i] : memref<8xi32>
        %s = arith.addi %p, %q : i32
        scf.yield %q, %s : i32, i32
      }
      %last = arith.constant 7 : index
      memref.store %r#0, %c[%last] : memref<8xi32>"""
    a = np.zeros(N, np.int32)
    assert compute(core_design(body), a, a).tolist() == [0, 1, 1, 2, 3, 5, 8, 21]


def test_while_counts_until_its_condition_fails() -> None:
    body = """
      %limit = arith.constant 100 : i32
      %x = memref.load %a[%c0] : memref<8xi32>
      %end = scf.while (%v = %x) : (i32) -> i32 {
        %p = arith.cmpi slt, %v, %limit : i32
        scf.condition(%p) %v : i32
      } do {
      ^bb0(%v: i32):
        %d = arith.addi %v, %v : i32
        scf.yield %d : i32
      }
      memref.store %end, %c[%c0] : memref<8xi32>"""
    a = np.array([3, 0, 0, 0, 0, 0, 0, 0], np.int32)
    assert compute(core_design(body), a, a)[0] == 192


def test_if_and_switch_choose_memrefs_and_numbers() -> None:
    body = """
      scf.for %i = %c0 to %n step %c1 {
        %two = arith.constant 2 : index
        %odd = arith.remui %i, %two : index
        %p = arith.cmpi eq, %odd, %c0 : index
        %m = scf.if %p -> (memref<8xi32>) {
          scf.yield %a : memref<8xi32>
        } else {
          scf.yield %b : memref<8xi32>
        }
        %v = memref.load %m[%i] : memref<8xi32>
        %k = scf.index_switch %i -> i32
        case 0 {
          %x = arith.constant 100 : i32
          scf.yield %x : i32
        }
        case 5 {
          %x = arith.constant 500 : i32
          scf.yield %x : i32
        }
        default {
          %x = arith.constant 0 : i32
          scf.yield %x : i32
        }
        %s = arith.addi %v, %k : i32
        memref.store %s, %c[%i] : memref<8xi32>
      }"""
    a, b = np.arange(8, dtype=np.int32), np.arange(10, 18, dtype=np.int32)
    assert compute(core_design(body), a, b).tolist() == [100, 11, 2, 13, 4, 515, 6, 17]


def test_blocks_that_jump() -> None:
    text = core_design("""
      cf.br ^head(%c0 : index)
    ^head(%i: index):
      %more = arith.cmpi slt, %i, %n : index
      cf.cond_br %more, ^body, ^done
    ^body:
      %x = memref.load %a[%i] : memref<8xi32>
      %y = arith.addi %x, %x : i32
      memref.store %y, %c[%i] : memref<8xi32>
      %next = arith.addi %i, %c1 : index
      cf.br ^head(%next : index)
    ^done:""")
    a = np.arange(8, dtype=np.int32)
    np.testing.assert_array_equal(compute(text, a, a), 2 * a)


def test_affine_loops_and_maps() -> None:
    body = """
      affine.for %i = 0 to 4 {
        affine.for %j = 0 to 2 {
          %x = affine.load %a[%i * 2 + %j] : memref<8xi32>
          affine.store %x, %c[%j * 4 + %i] : memref<8xi32>
        }
      }"""
    a = np.arange(8, dtype=np.int32)
    np.testing.assert_array_equal(compute(core_design(body), a, a), a.reshape(4, 2).T.reshape(-1))


def test_views_of_memrefs() -> None:
    """A row of a matrix made of %a, by reinterpretation, subview and collapse."""
    body = """
      %m = memref.reinterpret_cast %a to offset: [0], sizes: [2, 4], strides: [4, 1]
        : memref<8xi32> to memref<2x4xi32>
      %row = memref.subview %m[1, 0][1, 4][1, 1]
        : memref<2x4xi32> to memref<4xi32, strided<[1], offset: 4>>
      %col = memref.subview %m[0, 1][2, 2][1, 2]
        : memref<2x4xi32> to memref<2x2xi32, strided<[4, 2], offset: 1>>
      %four = arith.constant 4 : index
      scf.for %i = %c0 to %four step %c1 {
        %x = memref.load %row[%i] : memref<4xi32, strided<[1], offset: 4>>
        memref.store %x, %c[%i] : memref<8xi32>
      }
      %two = arith.constant 2 : index
      scf.for %i = %c0 to %two step %c1 {
        scf.for %j = %c0 to %two step %c1 {
          %x = memref.load %col[%i, %j] : memref<2x2xi32, strided<[4, 2], offset: 1>>
          %p = arith.muli %i, %two : index
          %q = arith.addi %p, %j : index
          %at = arith.addi %q, %four : index
          memref.store %x, %c[%at] : memref<8xi32>
        }
      }"""
    a = np.arange(8, dtype=np.int32)
    m = a.reshape(2, 4)
    expected = np.concatenate([m[1], m[:, 1::2].reshape(-1)])
    np.testing.assert_array_equal(compute(core_design(body), a, a), expected)


def test_collapsed_copied_and_constant_memory() -> None:
    body = """
      %t = memref.get_global @table : memref<2x4xi32>
      %flat = memref.collapse_shape %t [[0, 1]] : memref<2x4xi32> into memref<8xi32>
      %local = memref.alloca() : memref<8xi32>
      memref.copy %flat, %local : memref<8xi32> to memref<8xi32>
      scf.for %i = %c0 to %n step %c1 {
        %x = memref.load %local[%i] : memref<8xi32>
        %y = memref.load %a[%i] : memref<8xi32>
        %z = arith.addi %x, %y : i32
        memref.store %z, %c[%i] : memref<8xi32>
      }"""
    table = """    memref.global "private" constant @table : memref<2x4xi32>
      = dense<[[1, 2, 3, 4], [5, 6, 7, 8]]>"""
    a = np.arange(0, 80, 10, dtype=np.int32)
    np.testing.assert_array_equal(
        compute(core_design(body, functions=table), a, a), a + np.arange(1, 9)
    )


def test_functions_that_the_design_defines() -> None:
    functions = """
    func.func @square(%x: i32) -> i32 {
      %y = arith.muli %x, %x : i32
      return %y : i32
    }
    func.func @squares(%from: memref<8xi32>, %to: memref<8xi32>, %n: index) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      scf.for %i = %c0 to %n step %c1 {
        %x = memref.load %from[%i] : memref<8xi32>
        %y = func.call @square(%x) : (i32) -> i32
        memref.store %y, %to[%i] : memref<8xi32>
      }
      return
    }"""
    body = "      func.call @squares(%a, %c, %n) : (memref<8xi32>, memref<8xi32>, index) -> ()"
    a = np.arange(-4, 4, dtype=np.int32)
    np.testing.assert_array_equal(compute(core_design(body, functions=functions), a, a), a * a)


def test_names_of_python_do_no_harm() -> None:
    lines = "%yield = arith.addi %x, %y : i32\n%z = arith.addi %yield, %yield : i32"
    body = elementwise(lines, "i32")
    body = body.replace("%i", "%lambda").replace("%x", "%range").replace("%y ", "%print ")
    body = re.sub(r"%y\b", "%print", body)
    a = np.arange(8, dtype=np.int32)
    np.testing.assert_array_equal(compute(core_design(body), a, a), 4 * a)


def test_the_source_can_be_read() -> None:
    text = core_design(elementwise("%z = arith.addi %x, %y : i32", "i32"))
    source = Simulation(text).sources[TileId(0, 2)]
    assert source.startswith("def core_0_2(core, fa, fb, fc):\n")
    assert "    for i in range(0, 8):\n        x = a_[i]\n" in source


def test_time_of_scalar_loops_is_counted() -> None:
    slow = core_design(elementwise("%z = arith.addi %x, %y : i32", "i32"))
    quick = core_design("")
    a, b, c = (np.ones(N, np.int32) for _ in range(3))
    warn = [Kind.UNINITIALISED]  # the quick one hands on what it never wrote
    cycles = [Simulation(text, warn=warn).run([a, b, c]).cycles for text in (quick, slow)]
    assert cycles[1] - cycles[0] == N * 4


def test_a_loop_without_an_end_or_a_wait_is_stopped() -> None:
    body = """
      %true = arith.constant true
      scf.while : () -> () {
        scf.condition(%true)
      } do {
        scf.yield
      }"""
    a = np.zeros(N, np.int32)
    simulation = Simulation(core_design(body), limits=Limits(max_cycles=10_000, max_seconds=20))
    with pytest.raises(CheckFailed) as error:
        simulation.run([a, a, a])
    assert error.value.code == "NPU201"


def test_an_index_outside_of_a_buffer_is_an_error() -> None:
    body = """
      %x = memref.load %a[%c0] : memref<8xi32>
      %i = arith.index_cast %x : i32 to index
      memref.store %x, %c[%i] : memref<8xi32>"""
    a = np.full(N, 8, np.int32)
    with pytest.raises(CheckFailed, match="out of bounds") as error:
        compute(core_design(body), a, a)
    assert error.value.code == "NPU143"


@pytest.mark.parametrize(
    "body",
    [
        "%i = arith.subi %c0, %c1 : index\n %x = memref.load %a[%i] : memref<8xi32>",
        """%i = arith.constant -1 : index
      %x = memref.load %a[%i] : memref<8xi32>""",
        """%i = arith.subi %c0, %c1 : index
      %v = memref.subview %a[%i][4][1] : memref<8xi32> to memref<4xi32, strided<[1], offset: ?>>
      %x = memref.load %v[%c0] : memref<4xi32, strided<[1], offset: ?>>""",
        """%i = arith.muli %j, %j : i8
      %k = arith.index_cast %i : i8 to index
      %x = memref.load %a[%k] : memref<8xi32>""",
    ],
    ids=["difference", "constant", "view", "wrapped"],
)
def test_an_index_below_0_is_an_error(body: str) -> None:
    """Python would count it from the end."""
    text = f"""
      %j = arith.constant 12 : i8
      {body}
      memref.store %x, %c[%c0] : memref<8xi32>"""
    a = np.arange(N, dtype=np.int32)
    with pytest.raises(CheckFailed, match=r"index -\d+ out of bounds") as error:
        compute(core_design(text), a, a)
    assert error.value.code == "NPU143"


def test_buffers_locks_and_constants_around_the_core(simulate: Simulate, write: Write) -> None:
    """A buffer with a content, a lock between two cores that share it, a constant outside."""
    body = f"""
    %k = arith.constant 7 : i32
    %table = aie.buffer(%t02) {{sym_name = "table"}} : memref<4xi32> = dense<[1, 2, 3, 4]>
    %ready = aie.lock(%t02) {{init = 0 : i32, sym_name = "ready"}}
    aie.objectfifo @out(%t03, {{%shim0}}, 1 : i32) : !aie.objectfifo<memref<4xi32>>
    aie.core(%t02) {{
      %c2 = arith.constant 2 : index
      memref.store %k, %table[%c2] : memref<4xi32>
      aie.use_lock(%ready, Release, 1)
      aie.end
    }}
    aie.core(%t03) {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      %one = arith.constant 1 : i32
      %b = aie.objectfifo.acquire @out(Produce, 1) : memref<4xi32>
      aie.use_lock(%ready, AcquireGreaterEqual, %one)
      scf.for %i = %c0 to %c4 step %c1 {{
        %v = memref.load %table[%i] : memref<4xi32>
        memref.store %v, %b[%i] : memref<4xi32>
      }}
      aie.objectfifo.release @out(Produce, 1)
      aie.end
    }}
{write.sequence({"y": 4}, {"out": ("y", 0, 4)}, ("out",))}"""
    y = np.zeros(4, np.int32)
    simulate(write.design(body), y)
    assert y.tolist() == [1, 2, 7, 4]
