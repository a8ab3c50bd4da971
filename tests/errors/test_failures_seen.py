"""The failures of docs/failures.md happen again, and each is named as the page says."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from errors import LabError, catalogue
from kernels import registry
from kernels.compare import compare
from kernels.contract import Arg, Exact, Role
from runtime import binary
from runtime.bench.measure import measure
from runtime.bench.sampling import Plan
from runtime.verify import verify
from runtime.xrt import XrtDevice, fake_stack
from runtime.xrt.failures import of_exception
from simulator import check
from simulator.fake_xrt.board import DISPATCH, Board
from simulator.fake_xrt.faults import Spoiled
from toolchain.aie2 import objects
from toolchain.build import Build, build
from toolchain.diagnostics import design, install
from toolchain.unit import ObjectSource, Unit
from toolchain.work.diagnose import Cause, diagnose

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
PAGE = ROOT / "docs" / "failures.md"
GELU = registry.find("gelu_int8/512")[0]
QUICK = Plan(least=40, most=200, warmup=80)


@dataclass(frozen=True)
class Row:
    """A row of the page's table: the codes that it promises and the tests that it refers to."""

    number: int
    codes: tuple[str, ...]
    tests: tuple[tuple[str, str], ...]


def rows() -> list[Row]:
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if re.match(r"\| \d+ \|", line):
            number, _, named, tests = (cell.strip() for cell in line.strip("|").split(" | "))
            pairs = re.findall(r"`([\w/]+\.py)::(\w+)`", tests)
            codes = tuple(re.findall(r"NPU\d{3}", named))
            found.append(Row(int(number), codes, tuple(pairs)))
    return found


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """GELU for the host, which the fake device runs."""
    (result,) = build([Unit.from_kernel(GELU)], root=tmp_path_factory.mktemp("build"))
    assert result.build
    return result.build


def code_of(action: Callable[[], object]) -> str:
    """Return the code that an action fails with."""
    with pytest.raises(LabError) as caught:
        action()
    assert caught.value.cure
    return str(caught.value.code)


def named(text: str, causes: Iterable[Cause]) -> str:
    """Return the code that a tool's text is given."""
    found = diagnose(text, causes)
    assert found is not None
    return found.code


def outputs_that_nobody_computed(built: Build) -> set[str]:
    codes = set()
    for fault in (Spoiled.ZERO, Spoiled.STALE):
        board = Board()
        program = XrtDevice(fake_stack(board)).load(built)
        board.script(fault)
        (case,) = verify(GELU, program, GELU.demo()).cases
        assert case.failure is not None
        codes.add(str(case.failure.code))
    board = Board()
    board.script(Spoiled.BANK)
    return codes | {code_of(lambda: XrtDevice(fake_stack(board)).load(built))}


def old_aiecc(_: Build) -> set[str]:
    text = "AttributeError: module 'typing' has no attribute '_ClassVar'"
    return {named(text, install.CAUSES)}


def two_aiecc(_: Build) -> set[str]:
    texts = (
        "ModuleNotFoundError: No module named 'aie'",
        "chess-llvm-link not found at: build_tmp/tps/lnx64/chess-llvm-link, skipping",
        "xchesscc_wrapper: line 53: xchesscc: command not found",
    )
    return {named(text, install.CAUSES) for text in texts}


def half_installed_bindings(_: Build) -> set[str]:
    return {named("ModuleNotFoundError: No module named 'aie.extras.util'", install.CAUSES)}


def pool_used_up(_: Build) -> set[str]:
    text = "DRM_IOCTL_AMDXDNA_CREATE_HWCTX IOCTL failed (err=-2): No such file or directory"
    return {str(of_exception(RuntimeError(text), "gelu_int8/512").code)}


def checked(stack: int) -> str:
    """Return what the check says of an object that a real compiler made for AIE2."""
    source = ObjectSource(name="kernel.o", source=TESTS / "artifacts" / "object.c")
    tile = {"tile": [0, 2], "functions": ["user"], "stack": stack}
    resources = {"tiles": [tile], "functions": [{"symbol": "user", "objects": ["kernel.o"]}]}
    path = TESTS / "artifacts" / "fixtures" / "object.o"
    return code_of(lambda: objects.check("own/1", [(source, path)], resources))


def square_root(_: Build) -> set[str]:
    link = "ld.lld: error: undefined symbol: sqrtf"
    return {checked(1024), named(link, design.CAUSES)}


def stack_too_small(_: Build) -> set[str]:
    with pytest.MonkeyPatch.context() as patch:
        # As on a core whose library had it: the object needs nothing else.
        patch.setattr(objects, "FREESTANDING", objects.FREESTANDING | {"sqrtf"})
        return {checked(440)}


FIFO = "aie.objectfifo @{}(%core, {{%shim}}, {} : i32) : !aie.objectfifo<memref<{}xi32>>"
TOO_MUCH = {
    "memory": [FIFO.format("a", 2, 9000)],
    "channels": [FIFO.format(name, 2, 16) for name in "abc"],
    "descriptors": [FIFO.format("a", 17, 16)],
    "locks": [f'%l{i} = aie.lock(%core) {{sym_name = "l{i}"}}' for i in range(17)],
}


def limits_of_a_tile(_: Build) -> set[str]:
    head = "module {\naie.device(npu1_1col) {\n%shim = aie.tile(0, 0)\n%core = aie.tile(0, 2)\n"
    texts = (head + "\n".join(lines) + "\n}\n}\n" for lines in TOO_MUCH.values())
    return {code_of(lambda text=text: check(text, "design.mlir")) for text in texts}


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def miscompiled(_: Build) -> set[str]:
    """Run machine code with the load in the delay slots, held against what its source means."""
    goldens = load(TESTS / "binaries" / "goldens.py")
    folder = TESTS / "binaries" / "call_delay_miscompiled"
    data = b"".join(goldens.example("call_delay", number) for number in (1, 2))
    meant = b"".join(goldens.call_delay(data[at : at + 256]) for at in (0, 256))
    answer = np.full(512, 0xA5, np.uint8)
    program = binary.load(folder / "design.xclbin", folder / "insts.bin")
    run = program(np.frombuffer(data, np.uint8).copy(), answer)
    words = np.frombuffer(meant, "<i4")
    arg = Arg("y", Role.OUT, words.shape, words.dtype)
    exact, written = Exact(reason="integers"), {"y": run.written[1]}
    result = compare(
        {"y": answer.view(np.int32)}, {"y": words}, [arg], exact, poison=None, written=written
    )
    return {code_of(lambda: result.require("call_delay"))}


def dispatch_is_apart(built: Build) -> set[str]:
    device = XrtDevice(fake_stack(Board()))
    record = measure(GELU, device.load(built), device, plan=QUICK, provenance={}, conditions={})
    assert record.dispatch == pytest.approx(DISPATCH, rel=1e-6)
    assert record.array == pytest.approx(record.summary.median - DISPATCH, rel=1e-6)
    return set()


def no_figure_without_a_right_run(built: Build) -> set[str]:
    board = Board()
    device = XrtDevice(fake_stack(board))
    program = device.load(built)
    right = measure(GELU, program, device, plan=QUICK, provenance={}, conditions={})
    assert right.basis == "modelled"
    board.script(Spoiled.ZERO)
    code_of(lambda: measure(GELU, program, device, plan=QUICK, provenance={}, conditions={}))
    return set()


AGAIN: dict[int, Callable[[Build], set[str]]] = {
    1: outputs_that_nobody_computed,
    2: old_aiecc,
    3: two_aiecc,
    4: half_installed_bindings,
    5: pool_used_up,
    6: square_root,
    7: stack_too_small,
    8: limits_of_a_tile,
    9: miscompiled,
    10: dispatch_is_apart,
    11: no_figure_without_a_right_run,
}
"""What makes each failure happen again, and returns the codes that it was given."""


def test_the_page_has_all_eleven() -> None:
    assert [row.number for row in rows()] == list(AGAIN) == list(range(1, 12))


@pytest.mark.parametrize("row", rows(), ids=lambda row: str(row.number))
def test_a_failure_is_named_as_the_page_says(row: Row, built: Build) -> None:
    assert AGAIN[row.number](built) == set(row.codes)
    assert bool(row.codes) == (row.number < 10), "two are habits, the others have codes"
    assert set(row.codes) <= set(catalogue.load())


@pytest.mark.parametrize("row", rows(), ids=lambda row: str(row.number))
def test_the_tests_that_the_page_refers_to_are_there(row: Row) -> None:
    assert row.tests
    for file, name in row.tests:
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name in functions, f"{file} has no {name}"
