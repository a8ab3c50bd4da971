"""The performance model of a design: what bounds a call, and how long the call takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kernels.contract import Kernel
from runtime.model.balance import Actor, Balance, balance
from runtime.model.buffering import pools
from runtime.model.core_work import Stretch, core_work
from runtime.model.latency import Latencies
from runtime.model.limits import CORES, DISPATCH_S, macs_per_cycle
from runtime.model.traffic import host_work
from simulator.array.config import ChannelId, TileId
from simulator.clock import CLOCK_HZ
from simulator.mlir.lower import Lowered, lower


class Kind(StrEnum):
    """What can bound a call."""

    DISPATCH = "dispatch"
    HOST = "host commands"
    SHIM = "shim DMA"
    MEMORY = "memory tile"
    STREAM = "stream"
    CORE = "core compute"
    BUFFER = "buffering"


@dataclass(frozen=True, kw_only=True)
class Bound:
    """The busiest of a kind.

    Attributes:
        kind: What it is.
        who: Its name, such as ``tile(0,0) MM2S:0``.
        busy: Cycles of a call that it works, waiting for nobody.
        start: Cycles before it can begin.
        end: Cycles from its last step to the end of the call.
    """

    kind: Kind
    who: str
    busy: float
    start: float = 0.0
    end: float = 0.0

    @property
    def cycles(self) -> float:
        """Cycles that a call takes at least, because of it."""
        return self.start + self.busy + self.end


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the model says of one call of a variant. All of it is modelled, nothing measured.

    Attributes:
        title: ``kernel/variant``.
        clock_hz: The assumed clock of the array.
        dispatch_s: Seconds of a call apart from the array.
        cycles: Cycles on the array, from the first host command to the end of the sequence: the
            longest way through somebody's fill, work and drain.
        bounds: The busiest of each kind, the one with most work first.
        read_bytes: Bytes that shim DMAs read from host memory.
        written_bytes: Bytes that they write there.
        shim_channels: Shim DMA channels in use.
        cores: Cores in use.
        calls: Calls of each kernel function, on the core that makes most.
        ops: Operations of a call, by the contract.
        macs: Multiply-accumulates of one core in a cycle at most, None without a stated peak.
    """

    title: str
    clock_hz: float
    dispatch_s: float
    cycles: int
    bounds: tuple[Bound, ...]
    read_bytes: int
    written_bytes: int
    shim_channels: int
    cores: int
    calls: Mapping[str, int]
    ops: int
    macs: int | None

    @property
    def seconds(self) -> float:
        """Seconds of a call: dispatch, then the array."""
        return self.dispatch_s + self.cycles / self.clock_hz

    @property
    def dispatch_share(self) -> float:
        """Dispatch's share of a call, 0 to 1."""
        return self.dispatch_s / self.seconds

    @property
    def array_bound(self) -> Bound:
        """What binds on the array, dispatch apart: who has most work."""
        return self.bounds[0]

    @property
    def binds(self) -> Kind:
        """What binds the call: dispatch where it takes longer than the array."""
        array = self.cycles / self.clock_hz
        return Kind.DISPATCH if self.dispatch_s > array else self.array_bound.kind

    @property
    def least_cycles(self) -> float | None:
        """Cycles of the call's operations on all 16 cores at their peak; None without one."""
        return None if self.macs is None else self.ops / 2 / self.macs / CORES

    @property
    def of_peak(self) -> float | None:
        """Share of the array's peak that the array reaches between dispatches, 0 to 1."""
        return None if self.least_cycles is None else self.least_cycles / self.cycles

    @property
    def of_cores_peak(self) -> float | None:
        """The same share of the peak of the cores that the design uses."""
        return None if self.of_peak is None else self.of_peak * CORES / max(1, self.cores)

    @property
    def intensity(self) -> float:
        """Operations for each byte between host memory and the array."""
        return self.ops / max(1, self.read_bytes + self.written_bytes)


def predict(
    kernel: Kernel, *, clock_hz: float = CLOCK_HZ, dispatch_s: float = DISPATCH_S
) -> Prediction:
    """Model one call of a variant, without running it.

    Raises:
        CheckFailed: The design cannot be lowered, or NPU261, NPU262: what it does cannot be
            told without a run.
    """
    lowered = lower(kernel.design(), f"the design of {kernel.title}")
    return predict_lowered(kernel, lowered, clock_hz=clock_hz, dispatch_s=dispatch_s)


def predict_lowered(
    kernel: Kernel,
    lowered: Lowered,
    *,
    clock_hz: float = CLOCK_HZ,
    dispatch_s: float = DISPATCH_S,
) -> Prediction:
    """Model one call of a variant whose design is lowered already; see :func:`predict`."""
    configuration = lowered.configuration
    estimates = {function.symbol: function.cycles for function in kernel.functions()}
    host = host_work(configuration, lowered.commands(lowered.sequence(None)))
    works = [core_work(program, estimates) for program in lowered.programs]
    found = balance(configuration, host, works, kernel.title)
    totals = {tile: found.core(tile) for tile in found.cores}
    bounds = [Bound(kind=Kind.HOST, who="runtime sequence", busy=host.cycles)]
    bounds += _bounds(lowered, found, totals, Latencies(configuration, host, found))
    busiest = _busiest(bounds)
    most = max(totals.values(), key=lambda total: total.cycles, default=None)
    return Prediction(
        title=kernel.title,
        clock_hz=clock_hz,
        dispatch_s=dispatch_s,
        cycles=round(max(bound.cycles for bound in bounds)),
        bounds=busiest,
        read_bytes=host.read_bytes,
        written_bytes=host.written_bytes,
        shim_channels=sum(channel.tile.row == 0 for channel in found.chains),
        cores=len(works),
        calls=dict(most.calls) if most is not None else {},
        ops=kernel.work().ops,
        macs=macs_per_cycle(kernel),
    )


def _bounds(
    lowered: Lowered, found: Balance, totals: Mapping[TileId, Stretch], latencies: Latencies
) -> Iterator[Bound]:
    """Yield what each DMA channel, core and pool of buffers takes of a call."""
    for channel in found.chains:
        yield _bound(_kind(channel), channel, found.cycles(channel), latencies)
    for tile, total in totals.items():
        yield _bound(Kind.CORE, tile, total.cycles, latencies)
    for pool in pools(lowered.configuration, lowered.programs, found).values():
        if pool.users:
            yield Bound(
                kind=Kind.BUFFER,
                who=" and ".join(dict.fromkeys(map(_name, pool.users))),
                busy=pool.cycles,
                start=min(map(latencies.fill, pool.users)),
                end=min(map(latencies.drain, pool.users)),
            )


def _bound(kind: Kind, actor: Actor, busy: float, latencies: Latencies) -> Bound:
    start, end = latencies.fill(actor), latencies.drain(actor)
    return Bound(kind=kind, who=_name(actor), busy=busy, start=start, end=end)


def _kind(channel: ChannelId) -> Kind:
    return {0: Kind.SHIM, 1: Kind.MEMORY}.get(channel.tile.row, Kind.STREAM)


def _name(actor: Actor) -> str:
    return str(actor) if isinstance(actor, ChannelId) else f"core of {actor}"


def _busiest(bounds: list[Bound]) -> tuple[Bound, ...]:
    """Return the busiest of each kind, the one with most work first."""
    best: dict[Kind, Bound] = {}
    for bound in bounds:
        if bound.kind not in best or bound.busy > best[bound.kind].busy:
            best[bound.kind] = bound
    return tuple(sorted(best.values(), key=lambda bound: -bound.busy))
