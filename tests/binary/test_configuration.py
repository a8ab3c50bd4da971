"""What configurations make of the array: routes, descriptors, locks, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from errors import CheckFailed, LabError
from simulator.array.config import Direction, TileId
from simulator.array.snapshot import snapshot
from simulator.binary.commands import Command, Fill, Patch, Poll, RegisterWrite, Skipped, Unmodelled
from simulator.binary.configuration import configuration
from simulator.registers import address_of

Writes = Any
SLOT = {"arbit": 2, "msel": 1, "enable": 1}


def links(w: Writes, *commands: Command) -> list[str]:
    return sorted(map(str, snapshot(w.array(*commands)).links))


def test_circuits_through_the_mux_of_the_shim(w: Writes) -> None:
    assert links(w, *w.through()) == [
        "tile(0,0) DMA:0 -> tile(0,2) DMA:0",
        "tile(0,2) DMA:0 -> tile(0,0) DMA:0",
    ]


def test_a_slave_may_feed_several_masters(w: Writes) -> None:
    both = [*w.circuit(w.core, "AIE_Core0", "DMA_1"), *w.circuit(w.core, "DMA0", "DMA_1")]
    assert links(w, *both) == [
        "tile(0,2) DMA:1 -> tile(0,2) Core:0",
        "tile(0,2) DMA:1 -> tile(0,2) DMA:0",
    ]


def test_a_stream_through_the_fifo_of_a_switch(w: Writes) -> None:
    way = [*w.circuit(w.core, "FIFO0", "DMA_0"), *w.circuit(w.core, "DMA1", "FIFO_0")]
    assert links(w, *way) == ["tile(0,2) DMA:0 -> tile(0,2) DMA:1"]


@pytest.mark.parametrize("lacking", ["slave_enable", "master_enable", "mux"])
def test_half_a_circuit_is_none(w: Writes, lacking: str) -> None:
    commands = w.through()
    if lacking == "slave_enable":
        commands.append(w(w.mem, "Stream_Switch_Slave_Config_South_1"))
    elif lacking == "master_enable":
        commands.append(w(w.core, "Stream_Switch_Master_Config_DMA0", configuration=6))
    else:
        commands.append(w(w.shim, "Mux_Config", south3=0))
    assert links(w, *commands) == ["tile(0,2) DMA:0 -> tile(0,0) DMA:0"]


def packets(w: Writes, drop_header: int) -> list[RegisterWrite]:
    """DMA 0 of the core tile sends ids 4 and 5 to DMA 1, id 6 nowhere that listens."""
    return [
        w(w.core, "Stream_Switch_Slave_Config_DMA_0", slave_enable=1, packet_enable=1),
        w(w.core, "Stream_Switch_Slave_DMA_0_Slot0", id=4, mask=0x1E, **SLOT),
        w(w.core, "Stream_Switch_Slave_DMA_0_Slot1", id=6, mask=0x1F, **{**SLOT, "msel": 0}),
        w(
            w.core,
            "Stream_Switch_Master_Config_DMA1",
            configuration=0b10 << 3 | 2,
            packet_enable=1,
            master_enable=1,
            drop_header=drop_header,
        ),
    ]


@pytest.mark.parametrize("drop", [0, 1])
def test_packets_go_where_slot_arbiter_and_selector_lead(w: Writes, drop: int) -> None:
    found = snapshot(w.array(*packets(w, drop))).links
    ends = "tile(0,2) DMA:0 -> tile(0,2) DMA:1"
    assert sorted(map(str, found)) == [f"{ends} packet 4", f"{ends} packet 5"]
    assert {link.keep_header for link in found} == {not drop}


def test_the_first_slot_that_takes_a_packet_has_it(w: Writes) -> None:
    first = w(w.core, "Stream_Switch_Slave_DMA_0_Slot0", id=4, mask=0, **{**SLOT, "msel": 0})
    last = w(w.core, "Stream_Switch_Slave_DMA_0_Slot3", id=4, mask=0x1F, **SLOT)
    assert links(w, *packets(w, 1), first, last) == []


def test_cascades_join_an_output_and_an_input(w: Writes) -> None:
    below = TileId(0, 2)
    above, beside = TileId(0, 3), TileId(1, 3)
    assert links(
        w,
        w(above, "Accumulator_Control", input=0, output=0),
        w(below, "Accumulator_Control", input=0, output=1),
        w(beside, "Accumulator_Control", input=1, output=0),
    ) == ["tile(0,3) Cascade:0 -> tile(0,2) Cascade:0"]


def test_descriptors_locks_and_tasks(w: Writes) -> None:
    array = w.array(
        w(w.core, "Lock3_value", lock_value=2),
        w(w.core, "DMA_BD1", length=16, base_address=256, valid_bd=1, use_next_bd=1, next_bd=2),
        w(w.core, "DMA_BD2", length=4, base_address=512, valid_bd=1),
        w(w.core, "DMA_BD3", length=4),
        w(w.core, "DMA_S2MM_0_Start_Queue", start_bd_id=1, repeat_count=2, enable_token_issue=1),
        w(w.core, "DMA_S2MM_0_Start_Queue", start_bd_id=2),
    )
    found = snapshot(array)
    assert found.locks == {(w.core, 3): 2}
    assert [(tile, number) for tile, number in found.descriptors] == [(w.core, 1), (w.core, 2)]
    first = found.descriptors[w.core, 1]
    assert (first.address, first.length, first.next_bd) == (1024, 64, 2)
    ((channel, tasks),) = found.tasks.items()
    assert (channel.direction, channel.channel) == (Direction.S2MM, 0)
    assert tasks == ((1, 2, True), (2, 0, False))


def test_a_channel_reset_drops_its_tasks(w: Writes) -> None:
    array = w.array(
        w(w.core, "DMA_BD1", length=16, valid_bd=1),
        w(w.core, "DMA_MM2S_0_Start_Queue", start_bd_id=1),
        w(w.core, "DMA_MM2S_0_Ctrl", under=2, reset=1),
        w(w.core, "DMA_MM2S_0_Ctrl", under=2),
    )
    assert snapshot(array).tasks == {}


def test_memory_is_written_and_zeroed(w: Writes) -> None:
    base = address_of(w.core, "Data_Memory")
    array = w.array(RegisterWrite(base + 0x40, (1, 2)), RegisterWrite(base + 0x80, Fill(7, 3)))
    words = array.memory(w.core).view("<u4")
    assert words[0x40 // 4 : 0x48 // 4].tolist() == [1, 2]
    assert words[0x80 // 4 : 0x8C // 4].tolist() == [7, 7, 7]
    zeroed = w.array(w(w.core, "Memory_Module_Memory_Control", memory_zeroisation=1))
    assert not zeroed.memory(w.core).any()


def test_what_has_no_effect_is_ignored_also_in_the_column_that_designs_do_not_get(
    w: Writes,
) -> None:
    spare = TileId(4, 0)
    array = w.array(
        RegisterWrite(address_of(w.core, "Trace_Control0"), (1,)),
        RegisterWrite(address_of(spare, "Event_Group_Errors_Enable"), (0x7FF,)),
        Poll(address_of(w.core, "Lock0_value"), 0),
        Poll(address_of(w.core, "DMA_S2MM_Status_0"), 0, 0x3),
        Poll(address_of(w.core, "Core_Status"), 0, 1),
        Skipped("nop"),
    )
    assert snapshot(array).differences(snapshot(w.array())) == []


REFUSALS = {
    "no register": (
        lambda _: RegisterWrite(0x200000 | 0x19000, (1,)),
        "[NPU221] tile(0,2) has no register word at 0x19000; the nearest is "
        "Memory_Module_Memory_Control at 0x16010 (CDO command 1)",
    ),
    "no word": (
        lambda w: RegisterWrite(address_of(w.core, "Lock0_value") + 2, (1,)),
        "[NPU221] tile(0,2) has no register word at 0x1f002; the nearest is Lock0_value at "
        "0x1f000 (CDO command 1)",
    ),
    "no tile": (
        lambda _: RegisterWrite(1 << 40, (1,)),
        "[NPU221] tile(32768,0) is not on the device (CDO command 1)",
    ),
    "no such column": (
        lambda w: w(TileId(4, 2), "Lock0_value", lock_value=1),
        "[NPU221] tile(4,2) is not on the device (CDO command 1)",
    ),
    "no effect known": (
        lambda w: w(w.core, "Debug_Control0", debug_halt_bit=1),
        "[NPU221] register Debug_Control0 of tile(0,2) is written (CDO command 1), which is not "
        "modelled",
    ),
    "compression": (
        lambda w: w(w.core, "DMA_MM2S_0_Ctrl", compression_enable=1),
        "[NPU221] register DMA_MM2S_0_Ctrl of tile(0,2) sets compression_enable (CDO command 1), "
        "which is not modelled",
    ),
    "compressed BD": (
        lambda w: w(w.core, "DMA_BD0", length=4, valid_bd=1, enable_compression=1),
        "[NPU221] register DMA_BD0 of tile(0,2) sets enable_compression (CDO command 1), which is "
        "not modelled",
    ),
    "isolated": (
        lambda w: w(w.core, "Tile_Control", isolate_from_east=1),
        "[NPU221] register Tile_Control of tile(0,2) sets isolate_from_east (CDO command 1), which "
        "is not modelled",
    ),
    "no slave": (
        lambda w: w(w.mem, "Stream_Switch_Master_Config_DMA0", configuration=99, master_enable=1),
        "[NPU280] the stream switch of tile(0,1) is to feed DMA:0 from slave 99, and its slaves "
        "are 0..17",
    ),
    "no program": (
        lambda w: w(w.core, "Core_Control", enable=1),
        "[NPU282] the core of tile(0,2) (CDO command 1) is enabled, and nothing was ever written "
        "to its program memory",
    ),
    "unknown command": (
        lambda _: Unmodelled("dma_xfer"),
        "[NPU284] dma_xfer (CDO command 1) is not modelled",
    ),
    "an instruction": (
        lambda _: Patch(0, 0, 0),
        "[NPU284] patch (CDO command 1) is not modelled",
    ),
    "a wait": (
        lambda w: Poll(address_of(w.core, "Core_Status"), 1, 1),
        "[NPU287] the configuration waits for the register at 0x32004 of tile(0,2) to hold 0x1 "
        "(CDO command 1), and nothing runs yet that could change it",
    ),
    "program past its end": (
        lambda w: RegisterWrite(address_of(w.core, "Program_Memory"), (0,) * 0x1001),
        "[NPU221] register Program_Memory_Error_Injection of tile(0,2) is written (CDO command 1), "
        "which is not modelled",
    ),
}


@pytest.mark.parametrize("case", list(REFUSALS))
def test_refused(w: Writes, case: str) -> None:
    make, message = REFUSALS[case]
    with pytest.raises(LabError) as failure:
        w.array(Skipped("nop"), make(w))
    assert str(failure.value).splitlines()[0] == message


def test_more_tasks_than_a_queue_holds(w: Writes) -> None:
    push = w(w.core, "DMA_S2MM_0_Start_Queue", start_bd_id=0)
    with pytest.raises(CheckFailed) as failure:
        w.array(w(w.core, "DMA_BD0", length=4, valid_bd=1), *[push] * 6)
    assert failure.value.code == "NPU209"
    assert "tile(0,2) S2MM:0" in failure.value.message
    assert "(CDO command 6)" in failure.value.message


def test_more_words_than_the_array_has() -> None:
    fill = RegisterWrite(0, Fill(0, 1 << 18))
    with pytest.raises(CheckFailed) as failure:
        configuration([fill] * 31)
    assert failure.value.code == "NPU285"


def test_a_snapshot_says_what_differs(w: Writes) -> None:
    one = snapshot(w.array(w(w.core, "Lock3_value", lock_value=2), *w.through()))
    two = snapshot(w.array(w(w.core, "Lock3_value", lock_value=1), *w.through()[:-1]))
    assert one.differences(two) == [
        "locks: tile(0,2) 3: 2 and 1",
        "links: only the first has tile(0,2) DMA:0 -> tile(0,0) DMA:0",
    ]
