"""The line of a kernel that calls what no core has, in all the spellings that give the symbol."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolchain.aie2 import calls

KERNELS = Path(__file__).parents[2] / "kernels"


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """The path of a kernel, with headers beside it and in a folder beside its own."""
    for name in ("kernel", "common"):
        (tmp_path / name).mkdir()
    return tmp_path / "kernel" / "kernel.cc"


@pytest.mark.parametrize(
    ("text", "symbol", "line"),
    [
        ("void step(float *x) {\n  x[0] = sqrtf(x[1]);\n}", "sqrtf", 2),
        ("void step(float *x) {\n  x[0] = 2 * std::sqrt(x[1]);\n}", "sqrtf", 2),
        ("void step(float *x) {\n  x[0] = sqrt(x[1]);\n}", "sqrtf", 2),
        ("void step(float *x) {\n  x[0] = __builtin_sqrtf(x[1]);\n}", "sqrtf", 2),
        ("void step(float *x) {\n  x[0] = __builtin_elementwise_sqrt(x[1]);\n}", "sqrtf", 2),
        ("void step(float *x) {\n  return\n  ::printf(x);\n}", "printf", 3),
        ("void step(float *x) {\n  x[0] ? 1:sqrtf(x[1]);\n}", "sqrtf", 2),
        # A declaration is no call, neither outside of a function nor in one.
        (
            'extern "C" float sqrtf(float);\nvoid step(float *x) {\n  x[0] = sqrtf(2);\n}',
            "sqrtf",
            3,
        ),
        ("void step(float *x) {\n  float sqrtf(float);\n  x[0] = sqrtf(2);\n}", "sqrtf", 3),
        ("char *dup(char *);\nvoid step(char *x) {\n  char *dup(char *);\n  dup(x);\n}", "dup", 4),
        ("aie::vector<int8, 32> grow(int);\nvoid step(int *x) {\n  grow(x[0]);\n}", "grow", 3),
        # A member of that name is another function.
        ("void step(float *x) {\n  v.sqrtf(x);\n  p->sqrtf(x);\n  x[0] = sqrtf(2);\n}", "sqrtf", 4),
        # The function whose code needs it comes before others that are never compiled.
        (
            "float other(float x) {\n  return sqrtf(x);\n}\n"
            "template <int N = 2> void step(float *x) {\n  if (x) { x[0] = sqrtf(2); }\n}",
            "sqrtf",
            5,
        ),
        # One that was inlined into it is found too.
        (
            'extern "C" {\nnamespace {\ninline float root(float x) {\n  return sqrtf(x);\n}\n}\n'
            "void step(float *x) {\n  x[0] = root(2);\n}\n}",
            "sqrtf",
            4,
        ),
        # The spelling of the symbol itself comes before another that may give it.
        ("void step(float *x) {\n  x[0] = sqrt(2.0);\n  x[1] = sqrtf(2);\n}", "sqrtf", 3),
        ("void step(float *x) {\n  x[0] = ceil(2.0);\n  x[1] = cei(2);\n}", "ceil", 2),
        ("#define ROOT(x) \\\n  sqrtf(x)\nvoid step(float *x) {\n  x[0] = ROOT(2);\n}", "sqrtf", 2),
        ("static const float ROOTS[] = {sqrtf(2)};\nvoid step(float *x) {\n}", "sqrtf", 1),
        ('void step(float *x) {\n  // sqrtf(1)\n  say("sqrtf(2)");\n}', "sqrtf", None),
        ("void step(int *x) {\n  helper(x);\n}", "_ZN2my6helperEPi", 2),
        ("void step(float *x) {\n  x[0] = std::sqrt(x[1]);\n}", "_ZSt4sqrtf", 2),
    ],
)
def test_the_line_of_the_call_is_found(
    text: str, symbol: str, line: int | None, kernel: Path
) -> None:
    kernel.write_text(text)
    found = calls.find(kernel, symbol, ["_Z4stepPf"])
    assert found == (None if line is None else f"{kernel}:{line}")


def test_a_call_in_a_header_of_another_folder_is_found(kernel: Path) -> None:
    kernel.write_text('#include "near.h"\nvoid step(float *x) {\n  x[0] = root(2);\n}')
    (kernel.parent / "near.h").write_text('#include "../common/root.hpp"\n#include "none.h"\n')
    header = kernel.parents[1] / "common" / "root.hpp"
    header.write_text('#include "../kernel/near.h"\nfloat root(float x) {return sqrtf(x);}\n')
    assert calls.sources(kernel) == [kernel, kernel.parent / "near.h", header]
    assert calls.find(kernel, "sqrtf", ["step"]) == f"{header}:2"


def test_a_header_that_is_not_included_does_not_count(kernel: Path) -> None:
    kernel.write_text("void step(float *x) {\n}")
    (kernel.parent / "other.h").write_text("inline float root(float x) { return sqrtf(x); }\n")
    assert calls.find(kernel, "sqrtf", ["step"]) is None


def test_the_headers_of_the_labs_own_kernels_are_found() -> None:
    names = [path.name for path in calls.sources(KERNELS / "conv1d_bf16" / "kernel.cc")]
    assert {"kernel.cc", "bf16.hpp", "turns.hpp"} <= set(names)
