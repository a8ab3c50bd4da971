"""The small design that the fixtures are built from, written with the lab's own writers.

One core copies 512 words from host memory back to host memory through the memory tile. The
program is 64 bytes of counting numbers: nothing runs it, everything must read it.
"""

from __future__ import annotations

from simulator.array.config import TileId
from simulator.registers import address_of, register_of
from toolchain.artifacts import cdo, insts
from toolchain.artifacts.cdo import Cdo, Command
from toolchain.artifacts.insts import Transaction
from toolchain.artifacts.operations import (
    AddressPatch,
    BlockWrite,
    MaskPoll,
    MaskPollBusy,
    MaskWrite,
    MergeSync,
    Noop,
    Operation,
    RecordTimer,
    Sync,
    Write,
)

SHIM, MEM, CORE = TileId(0, 0), TileId(0, 1), TileId(0, 2)


def fields(tile: TileId, name: str, **values: int) -> tuple[int, tuple[int, ...]]:
    """Return a register's address and its words with the fields set."""
    return address_of(tile, name), tuple(register_of(tile, name).encode(**values))


def write(tile: TileId, name: str, **values: int) -> Command:
    """Return the command that sets a register of one word."""
    address, (value,) = fields(tile, name, **values)
    return cdo.Write(address=address, value=value, wide=True)


def block(tile: TileId, name: str, **values: int) -> Command:
    """Return the command that sets all words of a register."""
    address, words = fields(tile, name, **values)
    return cdo.DmaWrite(address=address, data=words)


def masked(tile: TileId, name: str, **values: int) -> Command:
    """Return the command that sets only the given fields."""
    register = register_of(tile, name)
    mask = sum(f.mask for word in register.words for f in word if f.name in values)
    address, (value,) = fields(tile, name, **values)
    return cdo.MaskWrite(address=address, mask=mask, value=value, wide=True)


def circuit(tile: TileId, slave: str, number: int, master: str) -> list[Command]:
    """Return the commands that connect a slave port, by name and number, to a master."""
    return [
        write(tile, f"Stream_Switch_Slave_Config_{slave}", slave_enable=1),
        write(tile, f"Stream_Switch_Master_Config_{master}", master_enable=1, configuration=number),
    ]


def elfs() -> Cdo:
    """Return the commands that load program and data memory."""
    program = tuple(range(16))
    return Cdo(
        commands=(
            masked(CORE, "Core_Control", reset=1),
            cdo.DmaWrite(address=address_of(CORE, "Program_Memory"), data=program),
            # More than 254 words: the length takes a word of its own.
            cdo.DmaWrite(address=address_of(CORE, "Data_Memory") + 0x400, data=(7,) * 300),
            masked(CORE, "Core_Control", reset=0),
        )
    )


def init(length: int = 512) -> Cdo:
    """Return the commands that configure DMA, locks and routes; `length` is in words."""
    half = length // 2
    locks = {"lock_acq_enable": 1, "lock_acq_value": -1, "lock_rel_value": 1, "valid_bd": 1}
    commands = [
        *(write(CORE, f"Lock{i}_value", lock_value=2 * (i % 2 == 0)) for i in range(4)),
        block(CORE, "DMA_BD0", length=half, base_address=0x100, lock_rel_id=1, **locks),
        block(
            CORE,
            "DMA_BD1",
            **(locks | {"length": half, "base_address": 0x300, "lock_acq_id": 3}),
            d0_stepsize=1,
            d0_wrap=8,
            use_next_bd=1,
            next_bd=0,
        ),
        write(CORE, "DMA_S2MM_0_Start_Queue", start_bd_id=0, repeat_count=1),
        write(CORE, "DMA_MM2S_0_Start_Queue", start_bd_id=1),
        block(
            MEM,
            "DMA_BD24",
            length=length,
            base_address=0x2000,
            d0_zero_before=2,
            d1_wrap=16,
            lock_acq_id=64,
            **locks,
        ),
        *circuit(SHIM, "South_3", 5, "North0"),
        *circuit(MEM, "South_0", 7, "North0"),
        *circuit(CORE, "South_0", 5, "DMA0"),
        *circuit(CORE, "DMA_0", 1, "South0"),
        write(MEM, "Stream_Switch_Slave_Config_North_0", slave_enable=1, packet_enable=1),
        write(MEM, "Stream_Switch_Slave_North_0_Slot0", enable=1, id=5, mask=31, arbit=2, msel=1),
        write(
            MEM,
            "Stream_Switch_Master_Config_South0",
            master_enable=1,
            packet_enable=1,
            drop_header=1,
            configuration=2 | 1 << 1 + 3,
        ),
        masked(SHIM, "Mux_Config", south3=1),
    ]
    return Cdo(commands=tuple(commands))


def enable() -> Cdo:
    """Return the commands that start the core and wait until it runs."""
    return Cdo(
        commands=(
            masked(CORE, "Core_Control", enable=1),
            cdo.MaskPoll(
                address=address_of(CORE, "Core_Status"), wide=True, mask=1, value=1, timeout=100
            ),
        )
    )


def operations(length: int = 512) -> tuple[Operation, ...]:
    """Return the host's part: one shim BD, its patch, two task pushes, a token each."""
    bd, words = fields(SHIM, "DMA_BD0", length=length, valid_bd=1, burst_length=2)
    queue, (push,) = fields(SHIM, "DMA_MM2S_0_Task_Queue", enable_token_issue=1)
    status = address_of(SHIM, "DMA_MM2S_Status_0")
    control = address_of(CORE, "Core_Control")
    return (
        BlockWrite(address=bd, rest=b"".join(word.to_bytes(4, "little") for word in words)),
        AddressPatch(address=bd + 4, argument=1, offset=0x40),
        Write(address=queue, value=push),
        Sync(column=0, row=0, direction=1, channel=0),
        Write(address=address_of(SHIM, "DMA_S2MM_1_Task_Queue"), value=push),
        MaskWrite(address=control, value=1, mask=3),
        MaskPoll(address=status, value=0, mask=0x3C),
        MaskPollBusy(address=status, value=0, mask=0x3C),
        Sync(column=0, row=0, direction=0, channel=1, columns=2, rows=1),
        RecordTimer(identifier=9),
        MergeSync(tokens=3, columns=2),
        Noop(),
    )


def transaction(version: tuple[int, int] = (0, 1), length: int = 512) -> Transaction:
    """Return the instruction file of the host's part."""
    return Transaction(operations=operations(length), version=version)


def files() -> dict[str, bytes]:
    """Return the inputs of the vendor's tools, by file name."""
    return {
        "elfs.bin": cdo.encode(elfs()),
        "init.bin": cdo.encode(init()),
        "enable.bin": cdo.encode(enable()),
        "insts_0_1.bin": insts.encode(transaction()),
        "insts_1_0.bin": insts.encode(transaction((1, 0))),
    }
