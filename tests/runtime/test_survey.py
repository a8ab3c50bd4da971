"""The survey of a folder of designs, and the expectations beside them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from errors import UsageError
from runtime.expectation import Known, expectation_of, values
from runtime.survey import Finding, Outcome, Report, survey, tally

COPY = """
module {
  aie.device(DEVICE) @one {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    aie.objectfifo @in(%shim, {%mem}, 2 : i32) : !aie.objectfifo<memref<8xi32>>
    aie.objectfifo @out(%mem, {%shim}, 2 : i32) : !aie.objectfifo<memref<8xi32>>
    aie.objectfifo.link [@in] -> [@out] ([] [])
    aie.runtime_sequence(%x: memref<8xi32>, %y: memref<8xi32>) {
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 8][0, 0, 0, 1])
          {id = 1 : i64, metadata = @out} : memref<8xi32>
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 8][0, 0, 0, 1])
          {id = 0 : i64, metadata = @in} : memref<8xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
"""

CALL = """
module {
  aie.device(npu1) {
    %t = aie.tile(0, 2)
    func.func private @far(i32) attributes {link_with = "far.o"}
    aie.core(%t) {
      %c = arith.constant 1 : i32
      func.call @far(%c) : (i32) -> ()
      aie.end
    }
    aie.runtime_sequence() {}
  }
}
"""

RIGHT = """
[replace]
DEVICE = "npu1"
[[run]]
arguments = [{ input = { iota = 5 } }, { output = { copy = 0 } }]
"""


def put(folder: Path, name: str, text: str, expected: str = "") -> None:
    (folder / f"{name}.mlir").write_text(text)
    if expected:
        (folder / f"{name}.expect.toml").write_text(expected)


def found(folder: Path) -> dict[str, Finding]:
    return {finding.file: finding for finding in survey(folder)}


def test_every_outcome(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    put(inner, "right", COPY, RIGHT)
    put(tmp_path, "ran", COPY.replace("DEVICE", "npu1"))
    put(tmp_path, "wrong", COPY, RIGHT.replace("copy = 0", "add_constant = 1, of = 0"))
    put(tmp_path, "refused", COPY)
    put(tmp_path, "needs", CALL)
    put(tmp_path, "told", COPY, 'needs = "mm.o"')
    put(tmp_path, "unparsed", "module { aie.dvice(npu1) {} }")
    result = found(tmp_path)
    assert {name: finding.outcome.value for name, finding in result.items()} == {
        "inner/right.mlir": "right",
        "needs.mlir": "needs",
        "ran.mlir": "ran",
        "refused.mlir": "refused",
        "told.mlir": "needs",
        "unparsed.mlir": "unparsed",
        "wrong.mlir": "wrong",
    }
    assert result["wrong.mlir"].reason == (
        "argument 1: 8 of 8 elements differ, the first at 0: 5 instead of 6"
    )
    assert result["refused.mlir"].code == "NPU101"
    assert result["inner/right.mlir"].cycles > 0
    report = Report(list(result.values()))
    assert (report.parsed, report.judged, report.count(Outcome.RIGHT)) == (6, 4, 1)
    json.dumps(tally(result.values()))


def test_a_prefix_is_compared_and_a_scratch_is_not(tmp_path: Path) -> None:
    put(tmp_path, "a", COPY, RIGHT.replace("{ copy = 0 }", "{ list = [5, 6] }"))
    put(tmp_path, "b", COPY, RIGHT.replace("{ copy = 0 }", "{ list = [5, 7] }"))
    put(tmp_path, "c", COPY, RIGHT.replace("{ output = { copy = 0 } }", "{}"))
    put(tmp_path, "d", COPY, RIGHT.replace("{ copy = 0 }", "{ iota = 5, count = 9 }"))
    outcomes = [finding.outcome.value for finding in survey(tmp_path)]
    assert outcomes == ["right", "wrong", "ran", "wrong"]


def test_runs_follow_each_other(tmp_path: Path) -> None:
    """The second run gets what the first left, on the same array, and by the device's name."""
    more = RIGHT + (
        '[[run]]\ndevice = "one"\nsequence = "sequence"\n'
        "arguments = [{ input = { result = 0, of = 1 } }, { output = { iota = 5 } }]\n"
    )
    put(tmp_path, "a", COPY, more)
    assert [finding.outcome for finding in survey(tmp_path)] == [Outcome.RIGHT]


def test_reasons_that_differ_in_names_are_one(tmp_path: Path) -> None:
    put(tmp_path, "a", COPY.replace("DEVICE", "xcve2802"))
    put(tmp_path, "b", COPY.replace("DEVICE", "xcve2302"))
    put(tmp_path, "c", "module {")
    (first, twice), (_, once) = Report(list(survey(tmp_path))).reasons()
    assert (len(twice), len(once)) == (2, 1)
    assert first.startswith("[NPU101]")


def test_a_folder_without_designs(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        list(survey(tmp_path))
    assert error.value.code == "NPU310"


BAD = {
    "no toml": ("[run", ""),
    "unknown entry": ("sequnce = 1", "there is no entry 'sequnce'"),
    "unknown of a run": ("[[run]]\nargs = []", "did you mean arguments?"),
    "unknown of an argument": ("[[run]]\narguments = [{ out = {} }]", "argument 'out'"),
    "unknown kind": ("[[run]]\narguments = [{ input = { range = 1 } }]", "must have one of"),
    "two kinds": ("[[run]]\narguments = [{ input = { iota = 1, copy = 0 } }]", "must have one"),
    "unknown option": (
        "[[run]]\narguments = [{ input = { iota = 1, stepp = 2 } }]",
        "there is no option of iota 'stepp'; did you mean step?",
    ),
    "inside of a join": (
        "[[run]]\narguments = [{ input = { join = [{ iotta = 1 }] } }]",
        "must have one of",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_an_expectation_that_says_nothing_usable(tmp_path: Path, case: str) -> None:
    text, message = BAD[case]
    put(tmp_path, "a", COPY, text)
    with pytest.raises(UsageError) as error:
        expectation_of(tmp_path / "a.mlir")
    assert error.value.code == "NPU309"
    assert message in error.value.message
    assert [finding.outcome for finding in survey(tmp_path)] == [Outcome.REFUSED]


@pytest.mark.parametrize(
    "arguments",
    ["[{}]", "[{ input = { copy = 3 } }, {}]", '[{ input = { file = "no.npy" } }, {}]'],
)
def test_an_expectation_of_what_is_not_there(tmp_path: Path, arguments: str) -> None:
    put(tmp_path, "a", COPY, f'[replace]\nDEVICE = "npu1"\n[[run]]\narguments = {arguments}')
    finding = next(survey(tmp_path))
    assert (finding.outcome, finding.code) == (Outcome.REFUSED, "NPU309")


INPUTS = [np.arange(4, dtype=np.int32), np.array([7, 8, 9], np.int32)]

VALUES = {
    "iota": ({"iota": 3, "step": 2}, [3, 5, 7, 9]),
    "modulo": ({"iota": 1, "modulo": 3}, [1, 2, 3, 1]),
    "constant": ({"constant": -1, "count": 2}, [-1, -1]),
    "list": ({"list": [4, 5]}, [4, 5]),
    "repeat": ({"list": [4, 5], "repeat": True}, [4, 5, 4, 5]),
    "copy": ({"copy": 1}, [7, 8, 9]),
    "slice": ({"slice": 0, "start": 1, "stop": 3}, [1, 2]),
    "add": ({"add_constant": 10, "of": 0}, [10, 11, 12, 13]),
    "scale": ({"scale": 3, "of": 1, "start": 1}, [24, 27]),
    "join": ({"join": [{"constant": 1, "count": 1}, {"copy": 1}]}, [1, 7, 8, 9]),
    "result": ({"result": 0, "of": 0}, [6, 6]),
    "empty": ({}, [0, 0, 0, 0]),
}


@pytest.mark.parametrize("case", VALUES)
def test_the_vocabulary(tmp_path: Path, case: str) -> None:
    what, expected = VALUES[case]
    known = Known(tmp_path, INPUTS, [[np.array([6, 6], np.int32)]])
    made = values(what, 4, np.dtype(np.int32), known)
    assert made.dtype == np.int32
    assert made.tolist() == expected


def test_values_of_files_and_of_chance(tmp_path: Path) -> None:
    np.save(tmp_path / "want.npy", np.array([[1, 2], [3, 300]]))
    known = Known(tmp_path, [], [])
    read = values({"file": "want.npy"}, 4, np.dtype(np.int8), known)
    assert read.tolist() == [1, 2, 3, 44]
    first, again = (values({"random": 3}, 9, np.dtype(np.uint8), known) for _ in range(2))
    assert first.tolist() == again.tolist()
    assert len(set(first.tolist())) > 3


KERNEL = """
#include <stdint.h>
int32_t helper(int32_t x);
extern "C" void work(int32_t *a, int32_t *b) {
  for (int i = 0; i < 8; ++i)
    b[i] = helper(a[i]);
}
"""

WORKING = """
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %t = aie.tile(0, 2)
    aie.objectfifo @in(%shim, {%t}, 2 : i32) : !aie.objectfifo<memref<8xi32>>
    aie.objectfifo @out(%t, {%shim}, 2 : i32) : !aie.objectfifo<memref<8xi32>>
    func.func private @work(memref<8xi32>, memref<8xi32>) attributes {link_with = "work.o"}
    aie.core(%t) {
      %0 = aie.objectfifo.acquire @in(Consume, 1) : !aie.objectfifosubview<memref<8xi32>>
      %1 = aie.objectfifo.subview.access %0[0]
          : !aie.objectfifosubview<memref<8xi32>> -> memref<8xi32>
      %2 = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<memref<8xi32>>
      %3 = aie.objectfifo.subview.access %2[0]
          : !aie.objectfifosubview<memref<8xi32>> -> memref<8xi32>
      func.call @work(%1, %3) : (memref<8xi32>, memref<8xi32>) -> ()
      aie.objectfifo.release @in(Consume, 1)
      aie.objectfifo.release @out(Produce, 1)
      aie.end
    }
    aie.runtime_sequence(%x: memref<8xi32>, %y: memref<8xi32>) {
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 8][0, 0, 0, 1])
          {id = 1 : i64, metadata = @out} : memref<8xi32>
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 8][0, 0, 0, 1])
          {id = 0 : i64, metadata = @in} : memref<8xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
"""


def test_kernels_are_compiled_and_a_crash_ends_only_its_design(tmp_path: Path) -> None:
    (tmp_path / "work.cc").write_text(KERNEL)
    (tmp_path / "plus.cc").write_text("int helper(int x) { return x + 3; }")
    (tmp_path / "wild.cc").write_text("int helper(int x) { return *(volatile int *)(long)x; }")
    (tmp_path / "bad.c").write_text("int helper(int x) { return }")
    for name in ("plus.cc", "wild.cc", "bad.c", "none.cc"):
        put(
            tmp_path,
            name.partition(".")[0],
            WORKING,
            f'[kernels]\n"work.o" = ["work.cc", "{name}"]\n[[run]]\n'
            "arguments = [{ input = { iota = 5 } }, { output = { add_constant = 3, of = 0 } }]",
        )
    outcomes = {name: (one.outcome.value, one.code) for name, one in found(tmp_path).items()}
    assert outcomes == {
        "bad.mlir": ("refused", "NPU010"),
        "none.mlir": ("refused", "NPU309"),
        "plus.mlir": ("right", ""),
        "wild.mlir": ("refused", "NPU311"),
    }


def test_two_forms_of_a_design_leave_the_same_bytes(tmp_path: Path) -> None:
    copy = COPY.replace("DEVICE", "npu1")
    put(tmp_path, "first", copy)
    call = "[[run]]\narguments = [{ input = { random = 1 } }, {}]"
    put(
        tmp_path,
        "same",
        copy.replace(", 2 : i32)", ", 1 : i32)"),
        f'same_as = "first.mlir"\n{call}',
    )
    put(
        tmp_path,
        "half",
        copy.replace(
            "%x[0, 0, 0, 0][1, 1, 1, 8][0, 0, 0, 1]", "%x[0, 0, 0, 0][1, 1, 4, 2][0, 0, 2, 1]"
        ).replace(
            "%y[0, 0, 0, 0][1, 1, 1, 8][0, 0, 0, 1]", "%y[0, 0, 0, 0][1, 1, 2, 4][0, 0, 1, 2]"
        ),
        f'same_as = "first.mlir"\n{call}',
    )
    put(tmp_path, "lost", copy, f'same_as = "none.mlir"\n{call}')
    result = found(tmp_path)
    assert result["same.mlir"].outcome is Outcome.RIGHT
    assert result["half.mlir"].outcome is Outcome.WRONG
    assert result["half.mlir"].reason.startswith("run 0, argument 1: ")
    assert result["lost.mlir"].code == "NPU309"


def test_results_in_any_order(tmp_path: Path) -> None:
    for name, wanted in (("a", "12, 11, 10, 9, 8, 7, 6, 5"), ("b", "5, 5, 6, 7, 8, 9, 10, 11")):
        text = RIGHT.replace(
            "output = { copy = 0 }", f"any_order = true, output = {{ list = [{wanted}] }}"
        )
        put(tmp_path, name, COPY, text)
    assert [one.outcome.value for one in survey(tmp_path)] == ["right", "wrong"]


def test_upstream_designs() -> None:
    """Upstream's own designs are not in this repository: name a folder of them to run them."""
    folder = os.environ.get("NPULAB_DESIGN_CORPUS")
    if not folder:
        pytest.skip("NPULAB_DESIGN_CORPUS names no folder of designs")
    report = Report(list(survey(Path(folder))))
    assert report.parsed >= 0.95 * len(report.findings), report.reasons()
    assert report.count(Outcome.RIGHT) >= 0.8 * report.judged, report.reasons()
