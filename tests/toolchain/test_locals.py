"""Local arrays against the stack of a core, on a machine without the core's compiler."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from errors import LabError
from kernels import registry
from toolchain.build import build
from toolchain.host.target import HostTarget
from toolchain.static.locals import OPTIONS, read
from toolchain.storage.places import WORK
from toolchain.storage.store import Store
from toolchain.unit import Unit
from toolchain.work.runner import LocalRunner

if TYPE_CHECKING:
    from conftest import UnitMaker

STACK = 1024
"""Bytes that a core reserves unless its design says otherwise."""

HEAD = "#include <stdint.h>\n#include <aie_api/aie.hpp>\nvoid use(void *);\n"

STEP = 'extern "C" void step(const int8_t *in, int8_t *out) {{ {body} }}\n'


@pytest.fixture(autouse=True)
def compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "")


@pytest.fixture
def errors(make_unit: UnitMaker, store: Store, tmp_path: Path) -> Any:
    """Build a kernel; return what is wrong with it."""

    def once(text: str, design: str = make_unit.design) -> tuple[LabError, ...]:
        unit = make_unit(text=HEAD + text, design=design)
        (result,) = build([unit], root=tmp_path / "build", store=store)
        return result.errors

    return once


def filling(size: int) -> str:
    return f"int8_t all[{size}]; for (int i = 0; i < {size}; ++i) all[i] = in[i % 64];"


@pytest.mark.parametrize(("size", "refused"), [(STACK, False), (STACK + 1, True)])
def test_an_array_may_fill_the_stack_and_no_more(size: int, refused: bool, errors: Any) -> None:
    body = filling(size) + " out[0] = all[in[0] & 7];"
    found = errors(STEP.format(body=body))
    assert [error.code for error in found] == ["NPU045"] * refused
    if refused:
        assert found[0].message == (
            "add/1: the local arrays of step alone take 1,025 bytes of stack, and core (0, 2) "
            "reserves 1,024"
        )
        assert found[0].cure.startswith("raise stack_size of that aie.core")


def test_arrays_of_a_callee_add_up_along_the_deepest_path(errors: Any) -> None:
    helpers = "".join(
        f"static int8_t {name}(const int8_t *in) {{ {filling(size)} return all[in[1] & 7]; }}\n"
        for name, size in (("deep", 600), ("flat", 300))
    )
    body = filling(500) + " out[0] = all[in[0] & 7] + deep(in) + flat(in);"
    (found,) = errors(helpers + STEP.format(body=body))
    assert "take 1,100 bytes" in found.message
    assert found.details == ("deepest: step -> _ZL4deepPKa",)


def test_a_larger_stack_is_room_for_more(errors: Any, make_unit: UnitMaker) -> None:
    larger = make_unit.design.replace(
        "aie.end\n    }", "aie.end\n    } {stack_size = 2048 : i32}", 1
    )
    assert larger != make_unit.design
    assert not errors(STEP.format(body=filling(2000) + " out[0] = all[3];"), larger)


def test_arrays_in_a_structure_count_and_pointers_have_the_cores_size(errors: Any) -> None:
    text = "struct Kept { int16_t odd; int32_t all[255]; char *to; };\n"
    body = "Kept kept; kept.all[in[0] & 7] = 1; out[0] = kept.all[in[1] & 7];"
    (found,) = errors(text + STEP.format(body=body))
    assert "take 1,028 bytes" in found.message, "2 + 2 of padding + 1,020 + 4"


def test_vectors_live_in_registers(errors: Any) -> None:
    body = (
        "aie::vector<int8, 64> all[20]; for (auto &one : all) one = aie::load_v<64>(in);"
        "aie::accum<acc32, 32> sums = aie::mul(all[0].extract<32>(0), all[1].extract<32>(1));"
        "aie::store_v(out, sums.to_vector<int8>(0));"
    )
    assert not errors(STEP.format(body=body))


def test_a_recursion_has_no_bound(errors: Any) -> None:
    text = "static int8_t deeper(const int8_t *in, int n) {\n"
    text += "  return n ? static_cast<int8_t>(deeper(in, n - 1) + in[n]) : in[0];\n}\n"
    (found,) = errors(text + STEP.format(body="out[0] = deeper(in, in[0]);"))
    assert found.code == "NPU047"
    assert "step on core (0, 2) calls itself" in found.message


TAKING = "int8_t *all = static_cast<int8_t *>(__builtin_alloca({})); all[in[0] & 7] = 1; "


@pytest.mark.parametrize(
    "body",
    [
        TAKING.format("in[0] * 50") + "out[0] = all[in[1] & 7];",
        "for (int i = 0; i < in[0]; ++i) { " + TAKING.format(64) + "out[i] = all[in[1] & 7]; }",
    ],
    ids=["of a size to be known", "as often as a loop runs"],
)
def test_a_stack_that_is_known_only_when_it_runs_is_refused(body: str, errors: Any) -> None:
    helper = f"static void deep(const int8_t *in, int8_t *out) {{ {body} }}\n"
    (found,) = errors(helper + STEP.format(body="deep(in, out);"))
    assert found.code == "NPU045"
    assert found.message == (
        "add/1: step on core (0, 2) takes stack of a size that is known only when it runs"
    )
    assert found.details == ("step -> _ZL4deepPKaPa",)


@pytest.mark.parametrize(("size", "refused"), [(STACK, False), (5000, True)])
def test_room_of_a_constant_size_counts(size: int, refused: bool, errors: Any) -> None:
    found = errors(STEP.format(body=TAKING.format(size) + "out[0] = all[in[1] & 7];"))
    assert [error.code for error in found] == ["NPU045"] * refused
    if refused:
        assert "take 5,000 bytes" in found[0].message


@pytest.mark.parametrize(
    ("title", "symbol", "size"),
    [
        # 128 fp32 scores and 128 bfloat16 weights.
        ("attention_bf16/64x64", "attention_bf16_update", 768),
        # 256 scores in 16 bits, their weights in 8, and 256 sums in 32.
        ("attention_int8/64x64", "attention_int8_vector", 1792),
    ],
)
def test_arrays_of_the_labs_kernels(title: str, symbol: str, size: int, tmp_path: Path) -> None:
    target = HostTarget(Store(), LocalRunner())
    (source,) = Unit.from_kernel(registry.find(title)[0]).objects
    command = target._command(source, *OPTIONS, "-w", "-o", "text.o")
    here = [argument.replace(WORK, str(tmp_path)) for argument in command]
    subprocess.run(here, cwd=tmp_path, env=dict(target._compiler.env), check=True)
    graph, symbols = read((tmp_path / "text.o").read_text())
    assert symbol in symbols
    assert graph.need(symbol).size == size
