"""Long loops as C: the same bits as Python, refusals, and what stays Python."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from errors import CheckFailed
from simulator import Limits, Simulation

if TYPE_CHECKING:
    from tests.mlir.conftest import Write

Compile = Callable[[str], Path]
LIMITS = Limits(max_cycles=100_000_000, max_seconds=60)
N = 256


@pytest.fixture(scope="session")
def compile_loops(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    folder = tmp_path_factory.mktemp("loops")

    def build(source: str) -> Path:
        library = folder / f"{abs(hash(source))}.so"
        path = library.with_suffix(".c")
        path.write_text(source)
        command = [sys.executable, "-m", "ziglang", "cc", "-shared", "-fPIC", "-O1", "-fwrapv"]
        command += ["-ffp-contract=off", "-fno-sanitize=all", "-nostdlib", "-Wall", "-Werror"]
        command += ["-Wno-unused", "-o", str(library), str(path)]
        subprocess.run(command, check=True, capture_output=True)
        return library

    return build


def design(write: Write, loops: str, element: str = "i32", before: str = "") -> str:
    """Return a design whose core has `loops` between %a (read) and %b (read and written)."""
    memref = f"memref<{N}x{element}>"
    return write.design(
        f"""
    aie.objectfifo @in(%shim0, {{%t02}}, 1 : i32) : !aie.objectfifo<{memref}>
    aie.objectfifo @out(%t02, {{%shim0}}, 1 : i32) : !aie.objectfifo<{memref}>
    %own = aie.buffer(%t02) {{sym_name = "own"}} : memref<4x{element}> = dense<[1, 2, 3, 4]>
    aie.core(%t02) {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %n = arith.constant {N} : index
      %many = arith.constant 100 : index
      {before}
      %a = aie.objectfifo.acquire @in(Consume, 1) : {memref}
      %b = aie.objectfifo.acquire @out(Produce, 1) : {memref}
      scf.for %i = %c0 to %n step %c1 {{
        %v = memref.load %a[%i] : {memref}
        memref.store %v, %b[%i] : {memref}
      }}
      {loops}
      aie.objectfifo.release @in(Consume, 1)
      aie.objectfifo.release @out(Produce, 1)
      aie.end
    }}
    aie.runtime_sequence(%x: {memref}, %y: {memref}) {{
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, {N}][0, 0, 0, 1])
          {{id = 1 : i64, metadata = @out}} : {memref}
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, {N}][0, 0, 0, 1])
          {{id = 0 : i64, metadata = @in}} : {memref}
      aiex.npu.dma_wait {{symbol = @out}}
    }}"""
    )


def twice(body: str) -> str:
    """Return 100 turns of a loop over all elements."""
    return f"""scf.for %r = %c0 to %many step %c1 {{
        scf.for %i = %c0 to %n step %c1 {{
          {body}
        }}
      }}"""


LOAD = "%v = memref.load %a[%i] : M\n          %w = memref.load %b[%i] : M\n          "
STORE = "\n          memref.store %z, %b[%i] : M"

BODIES = {
    "arithmetic": ("%x = arith.muli %v, %w : T\n %y = arith.subi %x, %v : T\n"
                   "%z = arith.addi %y, %w : T", "integers"),
    "bits": ("%x = arith.andi %v, %w : T\n %y = arith.xori %x, %v : T\n"
             "%k = arith.constant 6 : T\n %z = arith.ori %y, %k : T", "integers"),
    "choice": ("%q = arith.cmpi slt, %v, %w : T\n %x = arith.select %q, %v, %w : T\n"
               "%y = arith.maxsi %x, %v : T\n %k = arith.constant -3 : T\n"
               "%s = arith.minsi %y, %k : T\n %z = arith.addi %s, %w : T", "integers"),
    "branch": ("%q = arith.cmpi sge, %v, %w : T\n %z = scf.if %q -> (T) {\n"
               "%t = arith.addi %v, %w : T\n scf.yield %t : T\n } else {\n"
               "%t = arith.subi %v, %w : T\n scf.yield %t : T\n }", "integers"),
    "carried": ("%k = arith.constant 1 : T\n"
                "%z, %other = scf.for %j = %c0 to %c3 step %c1 iter_args(%s = %v, %t = %w)"
                " -> (T, T) {\n %u = arith.addi %s, %t : T\n scf.yield %t, %u : T, T\n }",
                "integers"),
    "own buffer": ("%m = memref.load %own[%c3] : memref<4xT>\n"
                   "%z = arith.addi %w, %m : T", "integers"),
    "divided": ("%k = arith.constant 7 : T\n %p = arith.divsi %v, %k : T\n"
                "%q = arith.remsi %w, %k : T\n %s = arith.divui %v, %k : T\n"
                "%t = arith.remui %w, %k : T\n %x = arith.addi %p, %q : T\n"
                "%y = arith.xori %s, %t : T\n %z = arith.addi %x, %y : T", "integers"),
    "shifted": ("%k = arith.constant 3 : T\n %p = arith.shli %v, %k : T\n"
                "%q = arith.shrsi %w, %k : T\n %s = arith.shrui %v, %k : T\n"
                "%x = arith.addi %p, %q : T\n %z = arith.xori %x, %s : T", "integers"),
    "turning": ("%j = arith.remui %i, %c3 : index\n %m = memref.load %own[%j] : memref<4xT>\n"
                "%q = arith.cmpi slt, %v, %w : T\n %u = arith.extui %q : i1 to T\n"
                "%x = arith.addi %m, %u : T\n %z = arith.addi %w, %x : T", "integers"),
    "index": ("%j = arith.addi %i, %r : index\n %k = arith.index_cast %j : index to T\n"
              "%z = arith.addi %w, %k : T", "i32"),
    "floats": ("%k = arith.constant 0.3 : T\n %x = arith.mulf %v, %k : T\n"
               "%y = arith.addf %x, %w : T\n %z = arith.subf %y, %k : T", "f32"),
}  # fmt: skip


def cases() -> list[tuple[str, str]]:
    elements = {"integers": ["i8", "i16", "i32"], "i32": ["i32"], "f32": ["f32"]}
    return [(name, element) for name, (_, of) in BODIES.items() for element in elements[of]]


def ramp(element: str) -> np.ndarray[Any, Any]:
    kind = {"f32": "float32"}.get(element, f"int{element[1:]}")
    return (np.arange(N) * 37 - 1000).astype(kind)


def run(text: str, element: str, compiler: Compile | None) -> np.ndarray[Any, Any]:
    x = ramp(element)
    y = np.zeros_like(x)
    simulation = Simulation(text, limits=LIMITS, compile_loops=compiler)
    simulation.run([x, y])
    return y


@pytest.mark.parametrize(("name", "element"), cases())
def test_native_and_python_agree(
    write: Write, compile_loops: Compile, name: str, element: str
) -> None:
    body = (
        (LOAD + BODIES[name][0] + STORE).replace("M", f"memref<{N}xT>").replace("xT", f"x{element}")
    )
    body = (
        body.replace(": T", f": {element}")
        .replace("(T", f"({element}")
        .replace("T)", f"{element})")
    )
    body = body.replace(", T", f", {element}").replace("to T", f"to {element}")
    text = design(write, twice(body), element, "")
    if element == "f32":
        text = text.replace("dense<[1, 2, 3, 4]>", "dense<[1.0, 2.0, 3.0, 4.0]>")
    (source,) = Simulation(text).sources.values()
    assert "check_indices(loop" in source
    np.testing.assert_array_equal(run(text, element, compile_loops), run(text, element, None))


def test_a_million_turns(write: Write, compile_loops: Compile) -> None:
    """The result has a closed form; time is the bench's."""
    text = design(
        write,
        twice(LOAD + "%z = arith.addi %w, %v : i32" + STORE).replace("M", f"memref<{N}xi32>"),
    ).replace("%many = arith.constant 100", "%many = arith.constant 4000")
    np.testing.assert_array_equal(run(text, "i32", compile_loops), ramp("i32") * 4001)


@pytest.mark.parametrize("start", [-1, 1])
def test_an_index_out_of_its_memory(write: Write, compile_loops: Compile, start: int) -> None:
    body = f"%k = arith.constant {start} : index\n %j = arith.addi %i, %k : index\n"
    body += "%z = memref.load %a[%i] : M\n memref.store %z, %b[%j] : M"
    text = design(write, twice(body).replace("M", f"memref<{N}xi32>"))
    with pytest.raises(CheckFailed) as error:
        run(text, "i32", compile_loops)
    assert error.value.code == "NPU143"
    assert "index out of bounds" in error.value.message


STAYS = {
    "few turns": "scf.for %i = %c0 to %n step %c1 { BODY }",
    "unknown turns": "%u = arith.muli %many, %many : index\n scf.for %i = %c0 to %u step %c1 "
    "{ %j = arith.remui %i, %n : index\n %z = memref.load %a[%j] : M }",
    "division": twice("%v = memref.load %a[%i] : M\n %z = arith.divsi %v, %v : i32"),
}


@pytest.mark.parametrize("case", STAYS)
def test_what_stays_python(write: Write, case: str) -> None:
    body = "%z = memref.load %a[%i] : M\n memref.store %z, %b[%i] : M"
    text = design(write, STAYS[case].replace("BODY", body).replace("M", f"memref<{N}xi32>"))
    (source,) = Simulation(text).sources.values()
    assert "check_indices" not in source
