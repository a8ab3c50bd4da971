"""What is found of a variant when it is timed; `runtime.bench.store` keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import hypot

import msgspec

from runtime.bench.statistics import Summary, summarize

FORMAT = 2
"""Version of the layout: 1 knew no sessions, and took one list for its time."""
CHANGED = "-dirty"
"""What follows the commit where files were changed since, as in `git describe`."""
SAME = 1e-8
"""Times that are not further apart than this, relative, differ by rounding alone."""


def all_same(times: Sequence[float]) -> bool:
    """Whether times, at least one, differ by no more than rounding."""
    return max(times) <= min(times) * (1 + SAME)


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """What was found of one variant on one device.

    Attributes:
        format: Version of this layout.
        session: Which run of the bench it is of; empty in records of format 1.
        time: When, in UTC, ISO 8601.
        kernel: The variant's title.
        device: What it ran on.
        basis: ``measured`` or ``modelled``; nothing from a simulator is ever the former.
        samples: Seconds of each run from submission to completion, in order, none left out.
        warmup: Runs before the first sample.
        stable: Whether the times had settled by then.
        tight: Whether the median's interval became as narrow as planned.
        transfer: Median seconds of bringing arrays to the device and back.
        amortised: Seconds per run in a runlist, the median of `lists`; None where the device
            has none.
        amortised_low: Lower end of that median's 95% interval; None where the lists are too few to
            tell, and in records of format 1.
        amortised_high: Upper end; None likewise.
        compared: Output elements that were looked at, all of them right.
        ops: Arithmetic operations of a call.
        bytes: Bytes moved in a call.
        chain: Runs in each runlist.
        lists: Runlists that were timed.
        clock_hz: The array clock that `peak` and `bound` are for; None in records without them.
        clock_from: Who says so: ``simulator``, ``driver``, ``assumed``.
        peak: Seconds of the operations at the array's peak, modelled; None where it has none.
        bound: Seconds that the busiest part of the design works, modelled; None likewise.
        bound_by: What that part is.
        provenance: Versions of all layers.
        conditions: Power mode, temperature and the like.
    """

    format: int = FORMAT
    session: str = ""
    time: str
    kernel: str
    device: str
    basis: str
    samples: tuple[float, ...]
    warmup: int
    stable: bool
    tight: bool
    transfer: float | None
    amortised: float | None
    compared: int
    ops: int
    bytes: int
    provenance: dict[str, str]
    conditions: dict[str, str]
    amortised_low: float | None = None
    amortised_high: float | None = None
    chain: int = 16
    lists: int = 1
    clock_hz: float | None = None
    clock_from: str = ""
    peak: float | None = None
    bound: float | None = None
    bound_by: str = ""

    @cached_property
    def summary(self) -> Summary:
        """What the samples say."""
        return summarize(self.samples)

    @property
    def dispatch(self) -> float | None:
        """Seconds that each submission takes, apart from its runs; None where not known.

        A call takes d + a, and n of them in one list (d + n a) / n each.
        """
        if self.amortised is None or self.chain < 2:
            return None
        return (self.summary.median - self.amortised) * self.chain / (self.chain - 1)

    @property
    def array(self) -> float | None:
        """Seconds of a call on the array, its dispatch apart; None where noise hides it."""
        if self.dispatch is None:
            return self.summary.median
        left = self.summary.median - self.dispatch
        return left if left > 0 else None

    @property
    def amortised_error(self) -> float | None:
        """Half of the 95% interval of `amortised` in seconds; None where it is not known."""
        if self.amortised_low is None or self.amortised_high is None:
            return None
        return (self.amortised_high - self.amortised_low) / 2

    @property
    def array_error(self) -> float | None:
        """Half of the 95% interval of `array` in seconds; None where `array` or it is not known."""
        if self.array is None:
            return None
        own = self.summary.spread * self.summary.median
        if self.dispatch is None:
            return own
        if self.amortised_error is None:
            return None
        return hypot(self.chain * self.amortised_error, own) / (self.chain - 1)

    @property
    def of_peak(self) -> float | None:
        """Share of the array's peak while a call is on it, 0 to 1; None where there is none."""
        return self.peak / self.array if self.peak and self.array else None

    @property
    def of_bound(self) -> float | None:
        """Share of a call's time on the array that the busiest part works, by the model."""
        return self.bound / self.array if self.bound and self.array else None

    @property
    def exact(self) -> bool:
        """Whether a model gave it times without noise: fewer samples say as much as many."""
        return self.basis == "modelled" and all_same(self.samples)

    @property
    def commit(self) -> str:
        """The lab's commit, ``unknown`` where that is not known; see `revision`."""
        return self.provenance.get("commit", "unknown")

    @property
    def committed(self) -> bool:
        """Whether the commit tells what was timed: no file was changed since."""
        return not self.commit.endswith(CHANGED)

    @property
    def session_key(self) -> tuple[str, ...]:
        """What the records of one session have in common.

        Of format 1 the sessions of a commit are one, as nothing in them tells them apart.
        """
        return (self.session or f"commit {self.commit}", *self.series[1:])

    @property
    def series(self) -> tuple[str, str, str, str, str]:
        """What must be the same for two records to be compared at all."""
        return (
            self.kernel,
            self.device,
            self.basis,
            self.provenance.get("host", ""),
            self.conditions.get("power_mode", ""),
        )
