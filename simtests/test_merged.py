"""Merged designs on the simulated array: every sequence against its own golden model."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.contract import Array
from kernels.merged import designs
from runtime.runlist import Output, Runlist, Step
from runtime.sim import SimDevice, SimProgram
from runtime.verify import verify
from toolchain.build import build
from toolchain.unit import Unit


def loaded(name: str) -> dict[str, SimProgram]:
    """Return the programs of a merged design, on one array."""
    merged = designs.find(name)
    (result,) = build([Unit.from_merged(merged)])
    assert result.build is not None, result.errors
    args = {sequence: part.args() for sequence, part in merged.sequences.items()}
    return SimDevice().load_merged(result.build, args)


@pytest.mark.parametrize("name", designs.names())
def test_every_sequence_is_right_after_all_others(name: str) -> None:
    """The sequences take turns, so that none leaves the array in a state that harms another."""
    programs, parts = loaded(name), designs.find(name).sequences
    cases = {sequence: list(part.cases()) for sequence, part in parts.items()}
    for turn in range(max(map(len, cases.values()))):
        for sequence, part in parts.items():
            report = verify(part, programs[sequence], cases[sequence][turn : turn + 1])
            assert all(one.ok for one in report.cases), [str(one.failure) for one in report.cases]


def test_a_chain_of_dispatches_is_what_its_calls_are() -> None:
    programs, parts = loaded("rows_bf16"), designs.find("rows_bf16").sequences
    norm, add = (next(parts[name].demo()).inputs for name in ("layernorm_bf16", "add_residual"))
    first = programs["layernorm_bf16"]
    given = tuple(norm[arg.name] for arg in first.args if arg.role.is_read)
    chain = Runlist(
        [
            Step(first, given),
            Step(programs["add_residual"], (Output(0, "y"), add["residual"])),
            Step(programs["add_residual"], (Output(1, "y"), Output(0, "y"))),
        ]
    )
    for _ in range(2):
        results = chain()
        expected: Array = first(*given).outputs["y"]
        np.testing.assert_array_equal(results[0].outputs["y"], expected)
        for step, residual in ((1, add["residual"]), (2, expected)):
            inputs = {"x": results[step - 1].outputs["y"], "residual": residual}
            golden = parts["add_residual"].golden(inputs)["y"]
            error = parts["add_residual"].tolerance.error(results[step].outputs["y"], golden)
            assert error.max() <= parts["add_residual"].tolerance.limit
