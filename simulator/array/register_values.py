"""Which registers have no effect in the model, and what those hold that can be read."""

from __future__ import annotations

from typing import Protocol

from simulator.array.channel import Channel
from simulator.array.config import ChannelId, Direction, TileId
from simulator.array.core_control import CoreControl
from simulator.registers import Register

_IGNORED = (
    *("Timer", "Event", "Trace", "Performance", "Combo", "Edge", "Stream_Switch_Event"),
    *("Interrupt_controller", "Error_Halt", "ECC_", "Checkbit", "WatchPoint", "Locks_"),
    *("Stream_Switch_Parity", "Stream_Switch_Adaptive", "Core_Processor_Bus", "Spare_Reg"),
    *("NoC_Module_Spare_Reg", "AIE_AXIMM_Config", "Module_Clock_Control"),
    "Column_Clock_Control",
)
"""Beginnings of the names of registers whose writes change nothing here: tracing, timers,
events and their interrupts, error correction, clock gates. The core's bus to registers is
enabled by one; a core that uses it leaves its memory map and is stopped there."""


def has_no_effect(register: Register) -> bool:
    """Tell whether writing a register changes nothing in the model."""
    return register.template.removeprefix("Memory_Module_").startswith(_IGNORED)


_PAUSES = ("pause_mem", "pause_stream", "enable_out_of_order", "fot_mode")
_COMPRESSION = ("compression_enable", "decompression_enable")

UNMODELLED_BITS = {
    **{f"DMA_{direction}_{{}}_Ctrl": (*_PAUSES, *_COMPRESSION) for direction in Direction},
    "Tile_Control": tuple(f"isolate_from_{side}" for side in ("south", "west", "north", "east")),
}
"""Registers with bits that the model lacks: the write is refused if one of them is set."""

_RUNNING = 2
"""Status of a channel that is at work; 0 is idle."""


class ReadableMachine(Protocol):
    """What reading registers needs of the array."""

    core_control: CoreControl

    def lock_value(self, tile: TileId, lock: int) -> int: ...

    def channel(self, channel: ChannelId) -> Channel: ...


def value_of(machine: ReadableMachine, tile: TileId, register: Register) -> int | None:
    """Return what a register holds, None where the model does not know."""
    template = register.template
    if template == "Lock{}_value":
        return machine.lock_value(tile, register.index[0])
    if template == "Core_Status":
        status = machine.core_control.status(tile)
        return register.encode(enable=status.enabled, core_done=status.done)[0]
    for direction in Direction:
        if template == f"DMA_{direction}_Status_{{}}":
            channel = machine.channel(ChannelId(tile, direction, register.index[0]))
            running = channel.task is not None
            fields = {
                "status": _RUNNING * running,
                "channel_running": running,
                "task_queue_size": len(channel.queue),
            }
            return register.encode(**fields)[0]
    return None
