"""A DMA task that a runtime sequence has configured."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.array.config import ChannelId


@dataclass(frozen=True)
class Task:
    """Which descriptors a task has, and how it is to be started.

    Attributes:
        repeat: Executions of the chain after the first.
        token: Whether its end is reported to the host.
    """

    channel: ChannelId
    bds: tuple[int, ...]
    repeat: int
    token: bool
