"""Timing a variant: the same run again and again, of which every output must be right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median

import numpy as np

from kernels.contract import Array, Case, Kernel
from runtime.bench.limits import limits
from runtime.bench.record import Record
from runtime.bench.sampling import Plan, sample
from runtime.bench.statistics import Summary, summarize
from runtime.device import Basis, Device, Program, Result
from runtime.verify import Golden
from runtime.xrt.program import XrtProgram

CHAIN = 16
"""Runs in a runlist that is timed."""
LISTS = Plan(least=40, most=40, warmup=20)
"""How many runlists are timed."""
FEW = 6
"""Lists below which no two of them enclose their median with 95%."""
SHARE = 0.7
"""Share of the time that goes to single runs, where there are lists too."""
EXACT = 3
"""Samples that suffice where a model gives the same time again and again."""


def measure(
    kernel: Kernel,
    program: Program,
    device: Device,
    *,
    plan: Plan,
    provenance: Mapping[str, str],
    conditions: Mapping[str, str],
    session: str = "",
    on_run: Callable[[int], None] = lambda _: None,
) -> Record:
    """Time `program` on the kernel's real input.

    Every run brings its inputs to the device and takes its outputs from it, outside of the time
    that counts, and every output is poisoned before and looked at after.

    Args:
        kernel: The variant.
        program: It, loaded.
        device: What it is loaded on.
        plan: When to stop.
        provenance: Versions of all layers.
        conditions: Power mode, temperature and the like.
        session: Which run of the bench this is part of.
        on_run: Told, now and then, how many runs there were.

    Raises:
        CheckFailed: An output was wrong, in whichever run: there is no figure.
    """
    case = next(iter(kernel.demo()))
    runs = _Runs(kernel, program, case, on_run)
    basis = runs.basis
    if basis is Basis.MODELLED:
        plan = replace(plan, exact=EXACT)
    if isinstance(program, XrtProgram):
        series = sample(runs.one, replace(plan, seconds=SHARE * plan.seconds))
        listed = _listed(runs, program, plan)
    else:
        series, listed = sample(runs.one, plan), None
    known = listed is not None and (listed.count >= FEW or basis is Basis.MODELLED)
    work = kernel.work()
    least = limits(kernel, basis, conditions)
    return Record(
        session=session,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        kernel=kernel.title,
        device=device.name,
        basis=basis.value,
        samples=series.samples,
        warmup=series.warmup,
        stable=series.stable,
        tight=series.tight,
        transfer=median(runs.transfers) if runs.transfers and basis is Basis.MEASURED else None,
        amortised=listed.median if listed else None,
        amortised_low=listed.low if listed and known else None,
        amortised_high=listed.high if listed and known else None,
        compared=runs.compared,
        ops=work.ops,
        bytes=work.bytes,
        provenance=dict(provenance),
        conditions=dict(conditions),
        chain=CHAIN,
        lists=listed.count if listed else 0,
        clock_hz=least.clock_hz,
        clock_from=least.clock_from,
        peak=least.peak,
        bound=least.bound,
        bound_by=least.bound_by,
    )


def _listed(runs: _Runs, program: XrtProgram, plan: Plan) -> Summary:
    """Return seconds per run in some runlists."""
    seconds = (1 - SHARE) * plan.seconds
    lists = sample(lambda: runs.listed(program), replace(LISTS, seconds=seconds, exact=plan.exact))
    return summarize(lists.samples)


class _Runs:
    """Runs of a variant on one input, each held against the golden model.

    Attributes:
        compared: Elements that were looked at.
        basis: Of the times.
        transfers: Seconds of bringing arrays to the device and back, where it has such a thing.

    Raises:
        CheckFailed: The first run's output was wrong.
    """

    def __init__(
        self, kernel: Kernel, program: Program, case: Case, on_run: Callable[[int], None]
    ) -> None:
        self._kernel, self._case, self._on_run = kernel, case, on_run
        self._program = program
        self._golden = Golden(kernel, case.inputs)
        self._inputs = [case.inputs[arg.name] for arg in program.args if arg.role.is_read]
        self._count = 1
        first = program(*self._inputs)
        self._elements = self.compared = self._compare(first)
        self._right = {name: _bytes(array) for name, array in first.outputs.items()}
        self.basis = first.timing.basis
        self.transfers: list[float] = []

    def one(self) -> float:
        """Run once, and return its seconds."""
        result = self._program(*self._inputs)
        self._look(result)
        if result.timing.transfer is not None:
            self.transfers.append(result.timing.transfer)
        return result.timing.run

    def listed(self, program: XrtProgram) -> float:
        """Run `CHAIN` times as one command, and return the seconds of each."""
        results = program.batch([self._inputs] * CHAIN)
        for result in results:
            self._look(result)
        return results[0].timing.run

    def _look(self, result: Result) -> None:
        """Refuse a wrong output.

        Raises:
            CheckFailed: It is.
        """
        self._count += 1
        self._on_run(self._count)
        outputs = result.outputs.items()
        # The same bytes as those that were right are right: buffers are poisoned before a run.
        if any(not np.array_equal(_bytes(array), self._right[name]) for name, array in outputs):
            self._compare(result)
        self.compared += self._elements

    def _compare(self, result: Result) -> int:
        """Hold a run against the golden model, and return how many elements that were.

        Raises:
            CheckFailed: One of them is wrong.
        """
        comparison = self._golden.compare(result)
        comparison.require(f"{self._kernel.title} on {self._case.name}, run {self._count}")
        return comparison.compared


def _bytes(array: Array) -> Array:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)
