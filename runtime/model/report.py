"""What the page on the model shows: tables made from the model, and what it is held against."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

from kernels import registry
from kernels.contract import Kernel
from runtime.model.measured import FIRST_LAB
from runtime.model.predict import Prediction, predict
from simulator.clock import CLOCK_HZ

SIMULATED = Path(__file__).with_name("simulated.json")
"""Cycles of simulated runs on demo data, by ``kernel/variant``; see `simulate`."""

MARK = "<!-- {end}{name}: python -m runtime.model docs/model.md -->"
"""Round each generated part of the page."""

WHOLE_ROWS = 1_000
"""Rows from which a variant counts as one for a whole sequence (Whisper has 1,500)."""


def kernels() -> list[Kernel]:
    """Return every variant of every kernel."""
    return [one for name in registry.names() for one in registry.find(name)]


def simulated() -> dict[str, int]:
    """Return the cycles that the simulator counted, by ``kernel/variant``."""
    found: dict[str, int] = json.loads(SIMULATED.read_text())
    return found


def simulate(kernel: Kernel) -> int:
    """Return the cycles of a simulated run on a variant's demo data, as the first on its array."""
    from runtime.sim import SimDevice
    from toolchain.build import build
    from toolchain.unit import Unit

    (result,) = build([Unit.from_kernel(kernel)])
    if result.build is None:
        raise result.errors[0]
    case = next(kernel.demo())
    inputs = [case.inputs[arg.name] for arg in kernel.args() if arg.role.is_read]
    cycles = SimDevice().load(result.build)(*inputs).timing.cycles
    return cycles or 0


def is_whole_sequence(kernel: Kernel) -> bool:
    """Tell whether a variant takes a whole sequence in one call: its outputs' rows say so."""
    return any(
        arg.role.is_written and len(arg.shape) > 1 and arg.shape[0] >= WHOLE_ROWS
        for arg in kernel.args()
    )


def drawn(predictions: Iterable[Prediction]) -> list[Prediction]:
    """Return the last variant of each kernel that is no scalar twin: what a roofline shows."""
    last: dict[str, Prediction] = {}
    for one in predictions:
        if not one.title.endswith("scalar"):
            last[one.title.partition("/")[0]] = one
    return list(last.values())


def kernel_table(predictions: Sequence[Prediction], cycles: Mapping[str, int]) -> str:
    """Return the model beside the simulator for every variant, and the errors' size."""
    rows = [
        "| variant | modelled | simulated | error | bound on the array | of peak |",
        "|---|---:|---:|---:|---|---:|",
    ]
    rows += [_kernel_row(one, cycles.get(one.title)) for one in predictions]
    errors = [abs(one.cycles / cycles[one.title] - 1) for one in predictions if one.title in cycles]
    if errors:
        within = sum(error <= 0.05 for error in errors)
        rows += [
            "",
            f"Of {len(errors)} variants {within} are within 5%; the median error is "
            f"{median(errors):.1%}, the largest {max(errors):.1%}.",
        ]
    return "\n".join(rows)


def _kernel_row(one: Prediction, simulated: int | None) -> str:
    against = "-" if simulated is None else f"{simulated:,}"
    error = "-" if simulated is None else f"{one.cycles / simulated - 1:+.1%}"
    peak = "-" if one.of_peak is None else f"{one.of_peak:.1%}"
    bound = one.array_bound.kind.value
    return f"| `{one.title}` | {one.cycles:,} | {against} | {error} | {bound} | {peak} |"


def first_lab_table(predictions: Mapping[str, Prediction]) -> str:
    """Return the model beside what the first lab measured on a Phoenix."""
    rows = [
        "| the first lab's kernel | its cycles | modelled ms | measured ms | error "
        "| this lab's, modelled ms |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for one in FIRST_LAB:
        low, high = one.low * 1e3, one.high * 1e3
        measured = f"{low:g}" if low == high else f"{low:g}-{high:g}"
        ours = predictions[one.ours]
        name = f"{one.name} ({one.note})" if one.note else one.name
        rows.append(
            f"| {name} | {one.core_cycles:,} | {one.seconds * 1e3:.3f} | {measured} "
            f"| {one.error:+.1%} | {ours.seconds * 1e3:.3f} |"
        )
    return "\n".join(rows)


def whole_table(whole: Sequence[Prediction]) -> str:
    """Return a call's time and dispatch's share of it for every whole-sequence design."""
    rows = [f"| variant | a call at {CLOCK_HZ / 1e9:g} GHz | dispatch |", "|---|---:|---:|"]
    rows += [
        f"| `{one.title}` | {one.seconds * 1e3:.3f} ms | {one.dispatch_share:.1%} |"
        for one in whole
    ]
    return "\n".join(rows)


def parts(variants: Sequence[Kernel], cycles: Mapping[str, int]) -> dict[str, str]:
    """Return the generated parts of the page, by name."""
    predictions = [predict(kernel) for kernel in variants]
    by_title = {one.title: one for one in predictions}
    whole = [by_title[kernel.title] for kernel in variants if is_whole_sequence(kernel)]
    return {
        "kernels": kernel_table(predictions, cycles),
        "first lab": first_lab_table(by_title),
        "whole sequences": whole_table([one for one in whole if "scalar" not in one.title]),
    }


def replaced(page: str, name: str, content: str) -> str:
    """Return `page` with the generated part `name` replaced."""
    start, end = MARK.format(end="", name=name), MARK.format(end="end of ", name=name)
    before, _, rest = page.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}\n{content}\n{end}{after}"
