"""The designs around the fixtures' cores, as configuration commands and host operations.

All have one shape, that of mlir-aie's designs with an object in and an object out: host ->
shim(0,0) -> mem(0,1) -> core(0,2), and back the same way. The core's input and output have
two buffers each and two locks each, `in_0`, `in_1`, `out_0` and `out_1` by their symbols.
What is written where, and in which order, follows what aiecc writes for such a design.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.aie2.assembler import DATA_START, Program
from simulator.array.config import TileId
from simulator.registers import address_of
from toolchain.artifacts import cdo
from toolchain.artifacts.cdo import Cdo, Command
from toolchain.artifacts.insts import Transaction
from toolchain.artifacts.operations import AddressPatch, MaskWrite, Operation, Sync
from toolchain.artifacts.writing import (
    block,
    block_operation,
    circuit,
    masked,
    memory,
    operation,
    write,
)

SHIM, MEM, CORE = TileId(0, 0), TileId(0, 1), TileId(0, 2)
DEPTH = 2
LOCKS = 16
CHANNELS = ("MM2S_0", "MM2S_1", "S2MM_0", "S2MM_1")
IN_FREE, IN_FULL, OUT_FREE, OUT_FULL = range(4)
WORD = 4


@dataclass(frozen=True, kw_only=True)
class Design:
    """What surrounds a core.

    Attributes:
        name: The fixture's folder.
        about: What the core does, one line.
        input_bytes, output_bytes: Of one object.
        objects: How many objects a run passes through.
    """

    name: str
    about: str
    input_bytes: int
    output_bytes: int
    objects: int = 1

    @property
    def in_words(self) -> int:
        return self.input_bytes // WORD

    @property
    def out_words(self) -> int:
        return self.output_bytes // WORD


def load(program: Program) -> Cdo:
    """Return the commands that stop the core and load its memories."""
    commands: list[Command] = [cdo.Plain(code=cdo.NOP), masked(CORE, "Core_Control", enable=0)]
    commands += [masked(CORE, f"DMA_{channel}_Ctrl", reset=1) for channel in CHANNELS]
    for part in program.blocks:
        if part.is_code:
            commands.append(memory(CORE, "Program_Memory", part.address, part.data))
        elif part.data:
            commands.append(memory(CORE, "Data_Memory", part.address - DATA_START, part.data))
    commands += [masked(CORE, f"DMA_{channel}_Ctrl", reset=0) for channel in CHANNELS]
    return Cdo(commands=tuple(commands))


def configure(design: Design, program: Program) -> Cdo:
    """Return the commands that set locks, descriptors, channels and routes."""
    commands: list[Command] = [
        masked(CORE, "Core_Control", reset=1),
        masked(CORE, "Core_Control", reset=0),
        *(write(CORE, f"Lock{i}_value", lock_value=0) for i in range(LOCKS)),
        *(write(SHIM, f"Lock{i}_value", lock_value=0) for i in (2, 3)),
        write(CORE, f"Lock{OUT_FREE}_value", lock_value=DEPTH),
        write(CORE, f"Lock{OUT_FULL}_value", lock_value=0),
        write(CORE, f"Lock{IN_FREE}_value", lock_value=DEPTH),
        write(CORE, f"Lock{IN_FULL}_value", lock_value=0),
        *(write(SHIM, f"Lock{i}_value", lock_value=0) for i in (0, 1)),
    ]
    sides = (
        ("in", 0, design.in_words, IN_FREE, IN_FULL),
        ("out", DEPTH, design.out_words, OUT_FULL, OUT_FREE),
    )
    for name, first, length, acquired, released in sides:
        for i in range(DEPTH):
            address = program.address_of(f"{name}_{i}") - DATA_START
            commands.append(
                block(
                    CORE,
                    f"DMA_BD{first + i}",
                    length=length,
                    base_address=address // WORD,
                    lock_acq_id=acquired,
                    lock_acq_value=-1,
                    lock_acq_enable=1,
                    lock_rel_id=released,
                    lock_rel_value=1,
                    valid_bd=1,
                    use_next_bd=1,
                    next_bd=first + (i + 1) % DEPTH,
                )
            )
    commands += [
        write(CORE, "DMA_S2MM_0_Start_Queue", start_bd_id=0),
        nothing(CORE, "DMA_S2MM_0_Ctrl"),
        write(CORE, "DMA_MM2S_0_Start_Queue", start_bd_id=DEPTH),
        nothing(CORE, "DMA_MM2S_0_Ctrl"),
        *routes(),
    ]
    return Cdo(commands=tuple(commands))


def nothing(tile: TileId, name: str) -> Command:
    """Return a masked write of no bit: aiecc "enables" channels so, which have no such bit."""
    return cdo.MaskWrite(address=address_of(tile, name), mask=0, value=1)


def routes() -> list[Command]:
    """Return the commands that route data to the core and back, and the shim's tokens."""
    return [
        *circuit(SHIM, "South_3", "North1", 5),
        *circuit(SHIM, "North_0", "South2", 14),
        # The shim's task-complete tokens, packet 15, go south to the controller.
        write(
            SHIM,
            "Stream_Switch_Master_Config_South0",
            configuration=5 | 1 << 3 + 3,
            packet_enable=1,
            master_enable=1,
        ),
        write(SHIM, "Stream_Switch_Slave_Config_Tile_Ctrl", packet_enable=1, slave_enable=1),
        write(
            SHIM, "Stream_Switch_Slave_Tile_Ctrl_Slot0", arbit=5, msel=3, enable=1, mask=31, id=15
        ),
        *circuit(MEM, "South_1", "North1", 8),
        *circuit(MEM, "North_0", "South0", 13),
        *circuit(CORE, "South_1", "DMA0", 6),
        *circuit(CORE, "DMA_0", "South0", 1),
        masked(SHIM, "Mux_Config", south3=1),
        masked(SHIM, "Demux_Config", south2=1),
    ]


def enable() -> Cdo:
    """Return the command that starts the core."""
    return Cdo(commands=(cdo.Plain(code=cdo.NOP), masked(CORE, "Core_Control", enable=1)))


def instructions(design: Design) -> Transaction:
    """Return the host's part: a transfer in, a transfer out, and the wait for the latter."""
    common = {"burst_length": 2, "axcache": 2, "valid_bd": 1}
    steps: list[Operation] = []
    for number, argument, length in (
        (1, 0, design.in_words * design.objects),
        (0, 1, design.out_words * design.objects),
    ):
        name = f"DMA_BD{number}"
        address = address_of(SHIM, name) + WORD
        steps += [
            block_operation(SHIM, name, length=length, **common),
            AddressPatch(address=address, argument=argument, offset=0),
        ]
        if argument == 0:
            steps.append(operation(SHIM, "DMA_MM2S_0_Task_Queue", start_bd_id=number))
    steps += [
        # The controller that gets the token: aiecc masks five bits of the field.
        MaskWrite(address=address_of(SHIM, "DMA_S2MM_0_Ctrl"), value=15 << 8, mask=0x1F << 8),
        operation(SHIM, "DMA_S2MM_0_Task_Queue", start_bd_id=0, enable_token_issue=1),
        Sync(column=0, row=0, direction=0, channel=0),
    ]
    return Transaction(operations=tuple(steps))
