"""Kernel functions called natively: arguments, time, private copies, what goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from errors import CheckFailed, LabError, UsageError
from simulator import Limits, Simulation, check

if TYPE_CHECKING:
    from tests.mlir.conftest import Simulate, Write


def one_core(
    write: Write, declarations: str, call: str, *, link: str = "", n: int = 8, tile: str = "%t02"
) -> str:
    """Return a design whose core makes %b (n i32) from %a by `call`."""
    memref = f"memref<{n}xi32>"
    body = f"""
    aie.objectfifo @in(%shim0, {{{tile}}}, 2 : i32) : !aie.objectfifo<{memref}>
    aie.objectfifo @out({tile}, {{%shim0}}, 2 : i32) : !aie.objectfifo<{memref}>
    {declarations}
    aie.core({tile}) {{
      %a = aie.objectfifo.acquire @in(Consume, 1) : {memref}
      %b = aie.objectfifo.acquire @out(Produce, 1) : {memref}
      {call}
      aie.objectfifo.release @in(Consume, 1)
      aie.objectfifo.release @out(Produce, 1)
      aie.end
    }} {link}
    {write.sequence({"x": n, "y": n}, {"in": ("x", 0, n), "out": ("y", 0, n)}, ("out",))}"""
    return write.design(body)


SCALE = "func.func private @scale(memref<8xi32>, memref<8xi32>, i32, i32)"
LINKED = SCALE + ' attributes {link_with = "kernel.o"}'
CALL_SCALE = """%n = arith.constant 8 : i32
      %f = arith.constant 3 : i32
      func.call @scale(%a, %b, %n, %f) : (memref<8xi32>, memref<8xi32>, i32, i32) -> ()"""


def ramp(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.int32)


@pytest.mark.parametrize(
    ("declaration", "link"),
    [(LINKED, ""), (SCALE, '{link_with = "kernel.o"}'), (SCALE, '{link_files = ["kernel.o"]}')],
    ids=["function", "core", "files"],
)
def test_linked_where_any_release_says_it(
    simulate: Simulate, write: Write, library: Path, declaration: str, link: str
) -> None:
    x, y = ramp(8), np.zeros(8, np.int32)
    text = one_core(write, declaration, CALL_SCALE, link=link)
    simulate(text, x, y, libraries={"kernel.o": library})
    np.testing.assert_array_equal(y, 3 * x)


def test_a_call_takes_its_cycles(write: Write, library: Path) -> None:
    text = one_core(write, LINKED, CALL_SCALE)
    cycles = []
    for charged in ({}, {"scale": 5000}):
        x, y = ramp(8), np.zeros(8, np.int32)
        simulation = Simulation(text, {"kernel.o": library}, charged)
        cycles.append(simulation.run([x, y]).cycles)
    assert cycles[1] - cycles[0] == 5000


def test_scalars_of_every_kind_and_a_result(
    simulate: Simulate, write: Write, library: Path
) -> None:
    declarations = """
    func.func private @mix(i8, i16, i64, f32) -> f32 attributes {link_with = "kernel.o"}
    func.func private @store_index(memref<8xi32>, index, i32) attributes {link_with = "kernel.o"}"""
    call = """%i8 = arith.constant -1 : i8
      %i16 = arith.constant -300 : i16
      %i64 = arith.constant 1000 : i64
      %f32 = arith.constant 0.5 : f32
      %sum = func.call @mix(%i8, %i16, %i64, %f32) : (i8, i16, i64, f32) -> f32
      %two = arith.constant 2.0 : f32
      %double = arith.mulf %sum, %two : f32
      %value = arith.fptosi %double : f32 to i32
      %place = arith.constant 5 : index
      func.call @store_index(%b, %place, %value) : (memref<8xi32>, index, i32) -> ()"""
    x, y = ramp(8), np.zeros(8, np.int32)
    text = one_core(write, declarations, call)
    simulate(text, x, y, libraries={"kernel.o": library})
    assert y[5] == 2 * (-1 - 300 + 1000) + 1


def test_a_part_of_a_buffer_is_passed_by_its_address(
    simulate: Simulate, write: Write, library: Path
) -> None:
    declaration = LINKED.replace("memref<8xi32>", "memref<4xi32, strided<[1], offset: 4>>", 1)
    declaration = declaration.replace("memref<8xi32>", "memref<4xi32, strided<[1]>>")
    call = """%n = arith.constant 4 : i32
      %f = arith.constant 10 : i32
      %upper = memref.subview %a[4][4][1] : memref<8xi32> to memref<4xi32, strided<[1], offset: 4>>
      %lower = memref.subview %b[0][4][1] : memref<8xi32> to memref<4xi32, strided<[1]>>
      func.call @scale(%upper, %lower, %n, %f)
        : (memref<4xi32, strided<[1], offset: 4>>, memref<4xi32, strided<[1]>>, i32, i32) -> ()"""
    x, y = ramp(8), np.zeros(8, np.int32)
    simulate(one_core(write, declaration, call), x, y, libraries={"kernel.o": library})
    np.testing.assert_array_equal(y[:4], 10 * x[4:])


def test_cores_do_not_share_globals(write: Write, library: Path) -> None:
    """Two cores count their own calls, and so does a second simulation."""
    parts = ['func.func private @count_calls(memref<1xi32>) attributes {link_with = "kernel.o"}']
    for index, tile in enumerate(["%t02", "%t03"]):
        parts.append(f"""
    aie.objectfifo @out{index}({tile}, {{%shim0}}, 2 : i32) : !aie.objectfifo<memref<1xi32>>
    aie.core({tile}) {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      scf.for %i = %c0 to %c3 step %c1 {{
        %b = aie.objectfifo.acquire @out{index}(Produce, 1) : memref<1xi32>
        func.call @count_calls(%b) : (memref<1xi32>) -> ()
        aie.objectfifo.release @out{index}(Produce, 1)
      }}
      aie.end
    }}""")
    moves = {"out0": ("y", 0, 3), "out1": ("y", 3, 3)}
    parts.append(write.sequence({"y": 6}, moves, ("out0", "out1")))
    text = write.design("\n".join(parts))
    for _ in range(2):
        y = np.zeros(6, np.int32)
        Simulation(text, {"kernel.o": library}).run([y])
        assert y.tolist() == [1, 2, 3, 1, 2, 3]


def test_a_path_in_link_with_names_the_file(
    simulate: Simulate, write: Write, library: Path
) -> None:
    x, y = ramp(8), np.zeros(8, np.int32)
    text = one_core(write, LINKED.replace("kernel.o", "../objects/kernel.o"), CALL_SCALE)
    simulate(text, x, y, libraries={"kernel.o": library})
    np.testing.assert_array_equal(y, 3 * x)


def failure(text: str, libraries: dict[str, Path]) -> LabError:
    with pytest.raises(LabError) as error:
        Simulation(text, libraries)
    return error.value


def test_no_library_for_an_object(write: Write, library: Path) -> None:
    error = failure(one_core(write, LINKED, CALL_SCALE), {"other.o": library})
    assert isinstance(error, UsageError)
    assert error.message == (
        "design.mlir:30: function scale is linked from kernel.o, and no library was given for it"
    )
    assert error.code == "NPU140"
    assert "other.o" in str(error.cure)


def test_a_library_without_the_function(write: Write, library: Path) -> None:
    text = one_core(write, LINKED.replace("@scale", "@scal"), CALL_SCALE.replace("@scale", "@scal"))
    error = failure(text, {"kernel.o": library})
    assert error.message == "design.mlir:30: kernel.o has no function scal"
    assert error.code == "NPU141"


def test_a_library_that_is_none(write: Write, tmp_path: Path) -> None:
    broken = tmp_path / "kernel.so"
    broken.write_text("not a library")
    error = failure(one_core(write, LINKED, CALL_SCALE), {"kernel.o": broken})
    assert error.message.startswith(f"{broken} cannot be loaded: ")
    assert error.code == "NPU140"


def test_a_function_of_no_object(write: Write, library: Path) -> None:
    text = one_core(write, SCALE, CALL_SCALE)
    assert check(text).functions[0].objects == ()
    error = failure(text, {"kernel.o": library})
    assert error.message == (
        "design.mlir:30: the design does not say which object holds function @scale"
    )
    assert error.code == "NPU142"


def test_a_function_that_nothing_declares(write: Write) -> None:
    text = one_core(write, LINKED, CALL_SCALE.replace("@scale", "@skale"))
    with pytest.raises(CheckFailed) as error:
        check(text)
    assert error.value.message == (
        "design.mlir:36: there is no function @skale; did you mean scale?"
    )


def test_a_view_past_the_end_reaches_no_native_code(
    simulate: Simulate, write: Write, library: Path
) -> None:
    call = """%six = arith.constant 6 : index
      %w = memref.reinterpret_cast %a to offset: [%six], sizes: [4], strides: [1]
        : memref<8xi32> to memref<4xi32>
      func.call @count_calls(%w) : (memref<4xi32>) -> ()"""
    declaration = (
        'func.func private @count_calls(memref<4xi32>) attributes {link_with = "kernel.o"}'
    )
    text = one_core(write, declaration, call)
    with pytest.raises(CheckFailed, match="a view of elements 6 to 9 of a memory of 8") as error:
        simulate(text, ramp(8), ramp(8), libraries={"kernel.o": library})
    assert error.value.code == "NPU143"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            "func.call @hangs(%a, %b) : (memref<8xi32>, memref<8xi32>) -> ()",
            "@hangs is declared with 1 and called with 2 arguments",
        ),
        (
            "func.call @hangs(%c) : (memref<4xi32>) -> ()",
            "@hangs is declared with argument 0 of memref<8xi32>, and called with memref<4xi32>",
        ),
        (
            "%r = func.call @hangs(%a) : (memref<8xi32>) -> i32",
            "@hangs is declared with 0 and called with 1 results",
        ),
    ],
)
def test_a_call_of_other_types(write: Write, call: str, message: str) -> None:
    """Native code that is given less than it was declared for would overrun it."""
    declaration = 'func.func private @hangs(memref<8xi32>) attributes {link_with = "kernel.o"}'
    view = "%c = memref.subview %a[0][4][1] : memref<8xi32> to memref<4xi32>\n"
    with pytest.raises(CheckFailed) as error:
        check(one_core(write, declaration, view + call))
    assert error.value.message == f"design.mlir:35: {message}"
    assert error.value.code == "NPU105"


def test_native_code_that_hangs_is_named(write: Write, library: Path) -> None:
    declaration = 'func.func private @hangs(memref<8xi32>) attributes {link_with = "kernel.o"}'
    text = one_core(write, declaration, "func.call @hangs(%b) : (memref<8xi32>) -> ()")
    limits = Limits(max_cycles=1_000_000, max_seconds=3)
    simulation = Simulation(text, {"kernel.o": library}, limits=limits)
    with pytest.raises(CheckFailed) as error:
        simulation.run([ramp(8), ramp(8)])
    assert error.value.message == "hangs on tile(0,2) has not returned after 3 seconds"
    assert error.value.code == "NPU202"


def test_resources_list_functions_with_their_types(write: Write) -> None:
    resources = check(one_core(write, LINKED, CALL_SCALE))
    (function,) = resources.functions
    assert function.symbol == "scale"
    assert function.objects == ("kernel.o",)
    assert function.declared == "design.mlir:30"
    assert [(a.shape, a.dtype) for a in function.arguments] == [
        ((8,), "int32"),
        ((8,), "int32"),
        (None, "int32"),
        (None, "int32"),
    ]
