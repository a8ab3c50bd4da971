"""What a call could take at least: at the array's peak, and by the model of its design."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from errors import LabError
from kernels.contract import Kernel
from runtime.device import Basis
from runtime.model import predict
from simulator.clock import CLOCK_HZ


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The least times of a call on the array, dispatch apart. All of it is modelled.

    Attributes:
        clock_hz: The array clock that they are for.
        clock_from: Who says so: ``simulator``, ``driver``, or ``assumed``.
        peak: Seconds of the operations on all 16 cores at their peak (256 int8 or 128 bfloat16
            multiply-accumulates a cycle); None where the lab states no peak for the type.
        bound: Seconds that the busiest part of the design works, by the performance model: no
            call is shorter; None where it cannot tell.
        bound_by: What that part is, such as ``core compute``.
    """

    clock_hz: float
    clock_from: str
    peak: float | None = None
    bound: float | None = None
    bound_by: str = ""


def limits(kernel: Kernel, basis: Basis, conditions: Mapping[str, str]) -> Limits:
    """Return the limits of a variant at the clock that its device has.

    Args:
        kernel: The variant.
        basis: Of the device's times: a simulated device has the simulator's clock.
        conditions: What `runtime.bench.conditions` found; its clock, if the driver told one.
    """
    clock, source = _clock(basis, conditions)
    try:
        model = predict(kernel, clock_hz=clock)
    except LabError:
        return Limits(clock_hz=clock, clock_from=source)
    least = model.least_cycles
    return Limits(
        clock_hz=clock,
        clock_from=source,
        peak=least / clock if least else None,
        bound=model.array_bound.busy / clock,
        bound_by=model.array_bound.kind.value,
    )


def _clock(basis: Basis, conditions: Mapping[str, str]) -> tuple[float, str]:
    if basis is Basis.MODELLED:
        return float(CLOCK_HZ), "simulator"
    told = re.match(r"(\d+) MHz", conditions.get("clock", ""))
    return (float(told[1]) * 1e6, "driver") if told else (float(CLOCK_HZ), "assumed")
