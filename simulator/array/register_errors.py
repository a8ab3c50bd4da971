"""Refusals of register writes, each naming the tile and what is there."""

from __future__ import annotations

from errors import CheckFailed
from simulator.array.config import ChannelId, Origin, TileId
from simulator.registers import Register


def refused(problem: str, origin: Origin) -> CheckFailed:
    """Return the error of an address that means nothing on the array (NPU221)."""
    return CheckFailed(
        f"{problem}{origin.bracketed}",
        cure="check the address against the register reference of the AIE-ML tiles (AM025)",
        code="NPU221",
    )


def unmodelled(tile: TileId, register: Register, what: str, origin: Origin) -> CheckFailed:
    """Return the error of a register whose effect the model lacks (NPU221)."""
    return CheckFailed(
        f"register {register.name} of {tile} {what}{origin.bracketed}, which is not modelled",
        cure="leave it out of a design that is to be simulated, or use the operation that says "
        "what is meant instead of its register",
        code="NPU221",
    )


def overfull(queue: ChannelId, origin: Origin) -> CheckFailed:
    """Return the error of a configuration that queues more than a channel takes (NPU209)."""
    return CheckFailed(
        f"the configuration pushes more tasks to {queue} than its queue holds{origin.bracketed}",
        cure="queue fewer tasks before the design runs; a channel that is at work takes the next",
        code="NPU209",
    )
