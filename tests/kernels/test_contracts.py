"""Every registered kernel keeps the promises that the lab relies on."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pytest

from kernels.compare import compare
from kernels.contract import Array, Kernel, Role
from kernels.registry import find, load, names

VARIANTS = [kernel for name in names() for kernel in find(name)]
SMALL = 1 << 20
"""Bytes of arguments up to which golden models are run on every case here."""

variants = pytest.mark.parametrize("kernel", VARIANTS, ids=lambda kernel: kernel.title)
golden_models = pytest.mark.parametrize(
    "kernel",
    [
        pytest.param(kernel, id=kernel.title, marks=[pytest.mark.slow] if kernel.slow else [])
        for kernel in VARIANTS
    ],
)


def some_cases(kernel: Kernel) -> list[tuple[str, Mapping[str, Array]]]:
    """All cases of a small kernel, the first and the last random one of a large one."""
    cases = [(case.name, case.inputs) for case in kernel.cases()]
    total = sum(arg.nbytes for arg in kernel.args())
    if total <= SMALL:
        return cases
    return [cases[0], [case for case in cases if case[0].startswith("random")][-1]]


@pytest.mark.parametrize("name", names())
def test_variants_are_unique_and_can_be_found(name: str) -> None:
    labels = [variant.label for variant in load(name).variants()]
    assert labels
    assert len(set(labels)) == len(labels)
    assert all(re.fullmatch(r"[A-Za-z0-9][\w.-]*", label) for label in labels)
    assert all(find(f"{name}/{label}")[0].label == label for label in labels)


@variants
def test_a_variant_is_an_immutable_value(kernel: Kernel) -> None:
    twin = find(kernel.title)[0]
    assert twin == kernel
    assert hash(twin) == hash(kernel)
    assert twin.design() == kernel.design()


@pytest.mark.parametrize("name", names())
def test_a_kernel_has_a_one_line_summary(name: str) -> None:
    assert 10 < len(load(name).summary()) <= 100


@variants
def test_arguments_are_well_formed(kernel: Kernel) -> None:
    args = kernel.args()
    assert len({arg.name for arg in args}) == len(args) <= 5
    assert any(arg.role.is_written for arg in args)
    for arg in args:
        assert re.fullmatch(r"[A-Za-z_]\w*", arg.name)
        assert arg.size > 0
        assert arg.nbytes % 4 == 0, f"{arg}: DMA lengths are multiples of 4 bytes"


@variants
def test_parameters_have_defaults_of_their_form(kernel: Kernel) -> None:
    params = kernel.params()
    declared = {arg.name: arg for arg in kernel.args() if arg.role is Role.PARAM}
    assert params.keys() == declared.keys()
    for name, data in params.items():
        assert (data.shape, data.dtype) == (declared[name].shape, declared[name].dtype)


@variants
def test_the_design_calls_every_function_and_takes_every_argument(kernel: Kernel) -> None:
    design, functions = kernel.design(), kernel.functions()
    assert functions
    for function in functions:
        assert f"@{function.symbol}(" in design
        assert f"{function.symbol}(" in kernel.source.read_text(encoding="utf-8")
        assert function.cycles > 0
        assert len(function.basis.split()) >= 5
    for arg in kernel.args():
        assert re.search(rf"%{arg.name}\s*:\s*memref<", design)
    assert design == kernel.design()
    assert "\t" not in design
    assert max(len(line) for line in design.splitlines()) <= 400


@variants
def test_the_tolerance_has_a_reason_and_suits_every_output(kernel: Kernel) -> None:
    assert len(kernel.tolerance.reason.split()) >= 3
    for arg in kernel.args():
        if arg.role.is_written:
            assert kernel.tolerance.suits(arg.dtype), f"{kernel.tolerance} for {arg}"


@variants
def test_the_work_is_counted(kernel: Kernel) -> None:
    work = kernel.work()
    assert work.ops >= 0
    assert work.bytes >= sum(arg.nbytes for arg in kernel.args())


@variants
def test_cases_are_named_deterministic_and_of_the_declared_form(kernel: Kernel) -> None:
    first, second = list(kernel.cases(seed=3)), list(kernel.cases(seed=3))
    assert len({case.name for case in first}) == len(first) >= 5
    read = {arg.name: arg for arg in kernel.args() if arg.role.is_read}
    for case, again in zip(first, second, strict=True):
        assert case.name == again.name
        assert case.inputs.keys() == read.keys()
        for name, data in case.inputs.items():
            assert (data.shape, data.dtype) == (read[name].shape, read[name].dtype), case.name
            assert np.array_equal(data.view(np.uint8), again.inputs[name].view(np.uint8))


@variants
def test_another_seed_gives_other_data(kernel: Kernel) -> None:
    first, other = (
        [inputs.tobytes() for case in kernel.cases(seed) for inputs in case.inputs.values()]
        for seed in (0, 1)
    )
    assert first != other


@golden_models
def test_golden_gives_the_declared_outputs_and_agrees_with_itself(kernel: Kernel) -> None:
    for name, inputs in some_cases(kernel):
        before = {key: data.copy() for key, data in inputs.items()}
        outputs, again = kernel.golden(inputs), kernel.golden(inputs)
        comparison = compare(
            outputs,
            again,
            kernel.args(),
            kernel.tolerance,
            poison=None,
            written=None,
            spreads=kernel.spreads(inputs),
        )
        assert comparison.ok, f"{name}: {comparison}"
        for key, data in inputs.items():
            assert data.tobytes() == before[key].tobytes(), f"{name}: golden changed {key}"


@golden_models
def test_golden_depends_on_its_input(kernel: Kernel) -> None:
    cases = some_cases(kernel)
    outputs = {b"".join(out.tobytes() for out in kernel.golden(i).values()) for _, i in cases}
    assert len(outputs) > 1


@golden_models
def test_the_demo_is_real_input_of_the_declared_form(kernel: Kernel) -> None:
    case = next(iter(kernel.demo()))
    read = {arg.name: arg for arg in kernel.args() if arg.role.is_read}
    assert case.inputs.keys() == read.keys()
    for name, data in case.inputs.items():
        assert (data.shape, data.dtype) == (read[name].shape, read[name].dtype)
        assert kernel.golden(case.inputs).keys()
