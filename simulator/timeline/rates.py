"""Words per window of time."""

from __future__ import annotations

from itertools import pairwise

from simulator.timeline.records import Timeline, Track

WINDOWS = 200
"""Windows that a run is cut into for bandwidth over time."""


def bandwidth(timeline: Timeline, track: Track, windows: int) -> list[tuple[int, int, float]]:
    """Return (first cycle, end, words) of each window; the words of a span count evenly in it.

    Args:
        timeline: The run that is cut into windows.
        track: Whose words to count.
        windows: How many, at most one for each cycle.
    """
    count = max(1, min(windows, timeline.cycles))
    edges = [timeline.start + timeline.cycles * index // count for index in range(count + 1)]
    sums = [0.0] * count
    index = 0
    for span in track.spans:
        if not span.words:
            continue
        while index < count - 1 and edges[index + 1] <= span.start:
            index += 1
        rate = span.words / (span.end - span.start)
        window = index
        while window < count and edges[window] < span.end:
            shared = min(span.end, edges[window + 1]) - max(span.start, edges[window])
            sums[window] += rate * max(0, shared)
            window += 1
    cut = zip(pairwise(edges), sums, strict=True)
    return [(start, stop, words) for (start, stop), words in cut]
