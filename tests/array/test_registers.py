"""Registers by address: what the host's writes and control packets do."""

from __future__ import annotations

import numpy as np
import pytest

from errors import CheckFailed
from simulator.array.array import Array
from simulator.array.config import (
    Configuration,
    Direction,
    Lock,
    Port,
    PortKind,
    Route,
    TileId,
)
from simulator.array.core import Delay
from simulator.array.host import (
    AwaitToken,
    HostRun,
    Limits,
    PatchAddress,
    Reconfigure,
    WriteRegisters,
)
from simulator.registers import register_of

SHIM, MEM, CORE = TileId(0, 0), TileId(0, 1), TileId(0, 2)
LIMITS = Limits(max_cycles=1_000_000, max_seconds=20)


def port(tile: TileId, channel: int = 0, kind: PortKind = PortKind.DMA) -> Port:
    return Port(tile, kind, channel)


def through(tile: TileId) -> Configuration:
    routes = [
        Route(source=port(SHIM), destinations=(port(tile),)),
        Route(source=port(tile), destinations=(port(SHIM),)),
    ]
    locks = [Lock(tile=tile, index=0, initial=1), Lock(tile=tile, index=1)]
    return Configuration(device="npu1", routes=routes, locks=locks)


def bd(tile: TileId, index: int, **fields: int) -> WriteRegisters:
    register = register_of(tile, f"DMA_BD{index}")
    return WriteRegisters(tile, register.offset, tuple(register.encode(valid_bd=1, **fields)))


def start(
    tile: TileId, queue: str, first: int, *, repeat: int = 0, token: int = 0
) -> WriteRegisters:
    register = register_of(tile, queue)
    fields = {"start_bd_id": first, "repeat_count": repeat, "enable_token_issue": token}
    return WriteRegisters(tile, register.offset, tuple(register.encode(**fields)))


def host_address(index: int) -> int:
    return register_of(SHIM, f"DMA_BD{index}").offset + 4


def copied(tile: TileId, send: dict[str, int], words: int = 16) -> np.ndarray:
    """Return what comes back of 0, 1, 2, ... through a tile, sent on by a descriptor."""
    own = {"base_address": 0x20000} if tile == MEM else {}
    lock = 64 if tile == MEM else 0
    queue = "DMA_{}_0_Start_Queue"

    def program() -> HostRun:
        yield bd(SHIM, 0, length=words)
        yield PatchAddress(SHIM, host_address(0), 1, 0)
        yield start(SHIM, "DMA_S2MM_0_Task_Queue", 0, token=1)
        fill = {"lock_acq_enable": 1, "lock_acq_id": lock, "lock_acq_value": -1}
        fill |= {"lock_rel_id": lock + 1, "lock_rel_value": 1}
        yield bd(tile, 0, length=words, **own, **fill)
        yield start(tile, queue.format("S2MM"), 0)
        wait = {"lock_acq_enable": 1, "lock_acq_id": lock + 1, "lock_acq_value": 1}
        yield bd(tile, 1, length=words, **own, **wait, **send)
        yield start(tile, queue.format("MM2S"), 1)
        yield bd(SHIM, 1, length=words)
        yield PatchAddress(SHIM, host_address(1), 0, 0)
        yield start(SHIM, "DMA_MM2S_0_Task_Queue", 1)
        yield AwaitToken(SHIM, Direction.S2MM, 0)

    x, y = np.arange(words, dtype=np.int32), np.full(words, -1, np.int32)
    Array(through(tile)).run_host(program(), [x, y], LIMITS)
    return y


@pytest.mark.parametrize("tile", [CORE, MEM])
def test_descriptors_written_as_words(tile: TileId) -> None:
    np.testing.assert_array_equal(copied(tile, {}), np.arange(16))


@pytest.mark.parametrize("tile", [CORE, MEM])
def test_a_transpose_written_as_words(tile: TileId) -> None:
    """Steps are one less than strides; the dimension without a wrap is the outermost."""
    y = copied(tile, {"d0_stepsize": 3, "d0_wrap": 4, "d1_stepsize": 0})
    np.testing.assert_array_equal(y, np.arange(16).reshape(4, 4).T.reshape(-1))


def test_padding_written_as_words() -> None:
    fields = {"d0_wrap": 6, "d0_zero_before": 1, "d0_zero_after": 1, "d1_stepsize": 5}
    y = copied(MEM, fields)
    np.testing.assert_array_equal(y, [0, *range(6), 0, 0, *range(6, 12), 0])


def test_words_change_only_under_the_mask() -> None:
    array = Array(Configuration(device="npu1"))

    def program() -> HostRun:
        yield WriteRegisters(CORE, 0x400, (0x37373737, 5))
        yield WriteRegisters(CORE, 0x400, (0x12345678,), mask=0xF0F0F0F0)
        yield WriteRegisters(CORE, register_of(CORE, "Lock3_value").offset, (9,))
        yield WriteRegisters(CORE, register_of(CORE, "Timer_Control").offset, (7,))

    array.run_host(program(), [], LIMITS)
    expected = 0x37373737 & ~0xF0F0F0F0 | 0x12345678 & 0xF0F0F0F0
    assert list(array.memory(CORE)[0x400:0x408].view(np.uint32)) == [expected, 5]
    assert array.lock_value(CORE, 3) == 9


def test_a_full_task_queue_holds_the_host_up() -> None:
    def program() -> HostRun:
        yield bd(MEM, 0, length=4, base_address=0x20000)
        yield start(MEM, "DMA_S2MM_0_Start_Queue", 0, repeat=9)
        for index in range(8):
            yield bd(SHIM, index, length=4)
            yield PatchAddress(SHIM, host_address(index), 0, 16 * index)
            yield start(SHIM, "DMA_MM2S_0_Task_Queue", index, token=index == 7)
        yield AwaitToken(SHIM, Direction.MM2S, 0)

    array = Array(through(MEM))
    array.run_host(program(), [np.arange(32, dtype=np.int32)], LIMITS)
    assert list(array.memory(MEM)[:16].view(np.int32)) == [28, 29, 30, 31]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            WriteRegisters(CORE, 0x20000, (1,), mask=0xFF),
            "[NPU221] register Program_Memory of tile(0,2) is written under a mask, which is not "
            "modelled",
        ),
        (
            WriteRegisters(CORE, 0x19000, (1,)),
            "[NPU221] tile(0,2) has no register word at 0x19000; the nearest is "
            "Memory_Module_Memory_Control at 0x16010",
        ),
        (WriteRegisters(TileId(7, 2), 0, (1,)), "[NPU221] tile(7,2) is not on the device"),
        (
            WriteRegisters(CORE, 0x32010, (1,)),
            "[NPU221] register Debug_Control0 of tile(0,2) is written, which is not modelled",
        ),
        (
            PatchAddress(CORE, 0x1D004, 0, 0),
            "[NPU221] register DMA_BD0 of tile(0,2) is patched with a host address, which is "
            "not modelled",
        ),
    ],
)
def test_what_is_not_modelled_is_refused(
    command: WriteRegisters | PatchAddress, message: str
) -> None:
    def program() -> HostRun:
        yield command

    with pytest.raises(CheckFailed) as failure:
        Array(Configuration(device="npu1")).run_host(program(), [], LIMITS)
    assert str(failure.value).splitlines()[0] == message


def test_half_a_descriptor_is_not_started() -> None:
    def program() -> HostRun:
        yield WriteRegisters(CORE, 0x1D000, (16,))
        yield start(CORE, "DMA_S2MM_0_Start_Queue", 0)

    with pytest.raises(CheckFailed, match="and only part of it was written"):
        Array(Configuration(device="npu1")).run_host(program(), [], LIMITS)


def control_word(address: int, count: int, operation: int, response: int = 0) -> int:
    word = address | count - 1 << 20 | operation << 22 | response << 24
    return word | (1 - word.bit_count() % 2) << 31


@pytest.mark.parametrize("keep_header", [False, True])
def test_control_packets_write_and_read(keep_header: bool) -> None:
    control = port(CORE, kind=PortKind.CONTROL)
    packets = [
        Route(source=port(SHIM), destinations=(control,), packet_id=1, keep_header=keep_header),
        Route(source=control, destinations=(port(SHIM),), packet_id=2),
    ]
    array = Array(Configuration(device="npu1", routes=packets))
    messages = [
        [control_word(0x400, 4, 0), 10, 11, 12, 13],
        [control_word(0x1F010, 1, 0), 6],
        [control_word(0x404, 2, 1, response=2)],
    ]
    x = np.array([word for message in messages for word in message], np.uint32)
    y = np.zeros(2, np.uint32)

    def program() -> HostRun:
        yield bd(SHIM, 15, length=2)
        yield PatchAddress(SHIM, host_address(15), 1, 0)
        yield start(SHIM, "DMA_S2MM_0_Task_Queue", 15, token=1)
        at = 0
        for index, message in enumerate(messages):
            yield bd(SHIM, index, length=len(message), enable_packet=1, packet_id=1)
            yield PatchAddress(SHIM, host_address(index), 0, at)
            yield start(SHIM, "DMA_MM2S_0_Task_Queue", index)
            at += 4 * len(message)
        yield AwaitToken(SHIM, Direction.S2MM, 0)

    array.run_host(program(), [x, y], LIMITS)
    assert list(array.memory(CORE)[0x400:0x410].view(np.uint32)) == [10, 11, 12, 13]
    assert array.lock_value(CORE, 1) == 6
    assert list(y) == [11, 12]


def test_an_unknown_control_operation_is_refused() -> None:
    control = port(CORE, kind=PortKind.CONTROL)
    array = Array(
        Configuration(device="npu1", routes=[Route(source=port(SHIM), destinations=(control,))])
    )
    x = np.array([control_word(0x400, 1, 3)], np.uint32)

    def program() -> HostRun:
        yield bd(SHIM, 0, length=1)
        yield PatchAddress(SHIM, host_address(0), 0, 0)
        yield start(SHIM, "DMA_MM2S_0_Task_Queue", 0, token=1)
        yield AwaitToken(SHIM, Direction.MM2S, 0)
        yield Delay(100)

    with pytest.raises(CheckFailed, match="operation 3 at 0x400"):
        array.run_host(program(), [x], LIMITS)


def test_another_configuration_keeps_only_the_memories() -> None:
    first = Configuration(device="npu1", locks=[Lock(tile=CORE, index=0, initial=5)])
    array = Array(first)

    def program() -> HostRun:
        yield WriteRegisters(CORE, 0x400, (77,))
        yield WriteRegisters(CORE, 0x1F010, (3,))
        yield Reconfigure(Configuration(device="npu1", locks=[Lock(tile=CORE, index=2, initial=9)]))

    array.run_host(program(), [], LIMITS)
    assert [array.lock_value(CORE, lock) for lock in range(3)] == [0, 0, 9]
    assert array.memory(CORE)[0x400] == 77


def test_a_configuration_of_a_wider_device_is_refused() -> None:
    def program() -> HostRun:
        yield Reconfigure(Configuration(device="npu1"))

    with pytest.raises(CheckFailed, match="device npu1 is loaded on npu1_1col"):
        Array(Configuration(device="npu1_1col")).run_host(program(), [], LIMITS)


def test_a_channel_is_reset_in_the_middle_of_a_transfer() -> None:
    """16 words are sent and 32 wanted; after the reset the channel takes the next 4."""
    control = register_of(MEM, "DMA_S2MM_0_Ctrl")

    def program() -> HostRun:
        yield bd(MEM, 0, length=32, base_address=0x20000)
        yield start(MEM, "DMA_S2MM_0_Start_Queue", 0)
        for index, words in enumerate((16, 4)):
            yield bd(SHIM, index, length=words)
            yield PatchAddress(SHIM, host_address(index), 0, 64 * index)
        yield start(SHIM, "DMA_MM2S_0_Task_Queue", 0, token=1)
        yield AwaitToken(SHIM, Direction.MM2S, 0)
        yield Delay(500)
        yield WriteRegisters(MEM, control.offset, (control.encode(reset=1)[0],))
        yield WriteRegisters(MEM, control.offset, (0,))
        yield bd(MEM, 1, length=4, base_address=0x20000)
        yield start(MEM, "DMA_S2MM_0_Start_Queue", 1, token=1)
        yield start(SHIM, "DMA_MM2S_0_Task_Queue", 1)
        yield AwaitToken(MEM, Direction.S2MM, 0)

    array = Array(through(MEM))
    array.run_host(program(), [np.arange(32, dtype=np.int32)], LIMITS)
    assert list(array.memory(MEM)[:32].view(np.int32)) == [16, 17, 18, 19, 4, 5, 6, 7]
