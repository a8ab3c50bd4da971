"""The recorder of a profile: a timeline, and how long each core waited where."""

from __future__ import annotations

from simulator.aie2.profile.inspector import Inspectors, Stall
from simulator.array.config import TileId
from simulator.array.recorder import Activity, Doing
from simulator.timeline.collect import SPANS, Collector

_WAITS = (Doing.LOCK, Doing.SETUP, Doing.STREAM)


class Listener(Collector):
    """Makes a timeline and hands the cycles of each wait to the core's inspector.

    Args:
        inspectors: Those of the cores.
        limit: Most spans, and most points of counters, that the timeline keeps.
    """

    def __init__(self, inspectors: Inspectors, limit: int = SPANS) -> None:
        super().__init__(limit)
        self._inspectors = inspectors
        self._open: dict[TileId, tuple[Stall, int]] = {}

    def enter(self, cycle: int, tile: TileId | None, track: str, activity: Activity | None) -> None:
        """See :class:`simulator.array.recorder.Recorder`."""
        super().enter(cycle, tile, track, activity)
        if tile is None or track != "core":
            return
        self._end_of(tile, cycle)
        core = self._inspectors.cores.get(tile)
        if core is not None and activity is not None and activity.doing in _WAITS:
            self._open[tile] = core.waiting, cycle

    def ended(self, cycle: int) -> None:
        """See :class:`simulator.array.recorder.Recorder`."""
        super().ended(cycle)
        for tile, (stall, _) in list(self._open.items()):
            self._end_of(tile, cycle)
            self._open[tile] = stall, cycle

    def _end_of(self, tile: TileId, cycle: int) -> None:
        stall, since = self._open.pop(tile, (None, 0))
        if stall is not None and cycle > since:
            self._inspectors.cores[tile].counts.stalls[stall] += cycle - since
