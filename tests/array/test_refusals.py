"""What the hardware could not do is refused when it is asked for, with these words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from errors import CheckFailed, LabError, UsageError
from simulator.array.array import Array
from simulator.array.config import (
    Buffer,
    BufferDescriptor,
    Channel,
    Configuration,
    Core,
    Direction,
    LockAction,
    Origin,
    Port,
    PortKind,
    Route,
    Task,
    TileId,
)
from simulator.array.core import (
    Acquire,
    CascadeWrite,
    CoreContext,
    CoreRun,
    Delay,
    StreamRead,
    StreamWrite,
)
from simulator.array.host import (
    Limits,
    PushTask,
    SetLock,
    WriteBd,
    WriteMemory,
)

if TYPE_CHECKING:
    from tests.array.conftest import Play, Sketch

SHIM, MEM, CORE = TileId(0, 0), TileId(0, 1), TileId(0, 2)
SEND, RECEIVE = Direction.MM2S, Direction.S2MM
LIMITS = Limits(max_cycles=100_000, max_seconds=20)


def bd(
    memory: TileId | None = CORE, address: int = 0, length: int = 64, **rest: Any
) -> BufferDescriptor:
    return BufferDescriptor(
        memory=memory, address=address, length=length, origin=Origin("of", 7), **rest
    )


def act(tile: TileId, lock: int = 0, value: int = 1) -> LockAction:
    return LockAction(tile=tile, lock=lock, value=value)


def first_line(failure: pytest.ExceptionInfo[LabError]) -> str:
    return str(failure.value).splitlines()[0]


DMA0 = Port(MEM, PortKind.DMA, 0)


def route(source: Port, *destinations: Port, **rest: Any) -> Route:
    return Route(source=source, destinations=destinations, origin=Origin("of", 7), **rest)


ROUTES = [
    (
        [route(Port(SHIM, PortKind.DMA, 2), DMA0)],
        "[NPU210] route from tile(0,0) DMA:2 (of, line 7): tile(0,0) has no MM2S channel 2, it "
        "has 0..1",
    ),
    (
        [route(DMA0, Port(CORE, PortKind.DMA, 2))],
        "[NPU210] route from tile(0,1) DMA:0 (of, line 7): tile(0,2) has no S2MM channel 2, it "
        "has 0..1",
    ),
    (
        [route(DMA0, Port(SHIM, PortKind.CORE, 0))],
        "[NPU210] route from tile(0,1) DMA:0 (of, line 7): tile(0,0) has no core, it is a shim "
        "tile",
    ),
    (
        [route(DMA0, Port(CORE, PortKind.CORE, 1))],
        "[NPU210] route from tile(0,1) DMA:0 (of, line 7): tile(0,2) Core:1 does not exist, a "
        "core has one such port each way",
    ),
    (
        [route(DMA0, Port(CORE, PortKind.TRACE, 0))],
        "[NPU216] route from tile(0,1) DMA:0 (of, line 7): words that arrive at tile(0,2) "
        "Trace:0 would have an effect that is not modelled",
    ),
    (
        [route(Port(SHIM, PortKind.DMA, 0), DMA0), route(Port(SHIM, PortKind.DMA, 1), DMA0)],
        "[NPU215] the route from tile(0,0) DMA:1 to tile(0,1) DMA:0 (of, line 7) is impossible: "
        "tile(0,1) DMA:0 is already fed by tile(0,0) DMA:0",
    ),
    (
        [
            route(Port(SHIM, PortKind.DMA, 0), DMA0),
            route(Port(SHIM, PortKind.DMA, 0), Port(CORE, PortKind.DMA, 0), packet_id=1),
        ],
        "[NPU215] the route from tile(0,0) DMA:0 to tile(0,2) DMA:0 (of, line 7) is impossible: "
        "tile(0,0) DMA:0 already feeds a circuit-switched route",
    ),
    (
        [
            route(Port(SHIM, PortKind.DMA, 0), Port(CORE, PortKind.DMA, 0), packet_id=1),
            route(Port(SHIM, PortKind.DMA, 0), DMA0),
        ],
        "[NPU215] the route from tile(0,0) DMA:0 to tile(0,1) DMA:0 (of, line 7) is impossible: "
        "tile(0,0) DMA:0 already sends packets",
    ),
    (
        [
            route(Port(SHIM, PortKind.DMA, 0), DMA0),
            route(Port(SHIM, PortKind.DMA, 1), DMA0, packet_id=1),
        ],
        "[NPU215] the route from tile(0,0) DMA:1 to tile(0,1) DMA:0 (of, line 7) is impossible: "
        "tile(0,1) DMA:0 ends a circuit-switched route",
    ),
    (
        [route(DMA0, Port(CORE, PortKind.DMA, 0), packet_id=1)] * 2,
        "[NPU215] the route from tile(0,1) DMA:0 to tile(0,2) DMA:0 (of, line 7) is impossible: "
        "packet id 1 already goes to tile(0,2) DMA:0",
    ),
    (
        [route(DMA0, Port(CORE, PortKind.DMA, 0), packet_id=32)],
        "[NPU210] route from tile(0,1) DMA:0 (of, line 7): packet id 32 is outside 0..31",
    ),
]


@pytest.mark.parametrize(("routes", "message"), ROUTES)
def test_an_impossible_route_is_refused(routes: list[Route], message: str) -> None:
    with pytest.raises(CheckFailed) as failure:
        Array(Configuration(device="npu1", routes=routes))
    assert first_line(failure) == message


def test_a_foreign_device_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError) as failure:
        Array(Configuration(device="npu2"))
    assert first_line(failure).startswith("[NPU101] the design is for device 'npu2'")


@pytest.mark.parametrize(
    ("buffer", "message"),
    [
        (
            Buffer(tile=CORE, name="a", address=65_000, size=600, origin=Origin(line=3)),
            "[NPU205] buffer a of tile(0,2) (line 3): bytes 65000..65599 are outside the 65536 "
            "bytes there",
        ),
        (
            Buffer(tile=SHIM, name="a", address=0, size=4),
            "[NPU205] buffer a of tile(0,0): bytes 0..3 are outside the 0 bytes there",
        ),
        (
            Buffer(tile=CORE, name="a", address=0, size=4, initial=bytes(8)),
            "[NPU205] initial value of buffer a of tile(0,2): bytes 0..7 are outside the 4 bytes "
            "there",
        ),
    ],
)
def test_a_buffer_outside_its_memory_is_refused(buffer: Any, message: str) -> None:
    with pytest.raises(CheckFailed) as failure:
        Array(Configuration(device="npu1", buffers=[buffer]))
    assert first_line(failure) == message


def test_more_tasks_than_the_queue_holds_are_refused() -> None:
    channel = Channel(
        tile=CORE, direction=SEND, channel=1, tasks=(Task(bd=0),) * 5, origin=Origin("of", 7)
    )
    with pytest.raises(CheckFailed) as failure:
        Array(Configuration(device="npu1", channels=[channel]))
    assert first_line(failure) == (
        "[NPU209] tile(0,2) MM2S:1 (of, line 7) is to start with 5 tasks, its queue holds 4"
    )


def idle(_core: CoreContext) -> CoreRun:
    yield Delay(0)


@pytest.mark.parametrize(
    ("cores", "message"),
    [
        (
            [Core(tile=MEM, program=idle, origin=Origin(line=3))],
            "[NPU210] core (line 3): tile(0,1) has no core, it is a mem tile",
        ),
        (
            [Core(tile=CORE, program=idle), Core(tile=CORE, program=idle, origin=Origin(line=3))],
            "[NPU210] core (line 3): the core of tile(0,2) has a program already",
        ),
    ],
)
def test_a_core_where_there_is_none_is_refused(cores: list[Core], message: str) -> None:
    with pytest.raises(CheckFailed) as failure:
        Array(Configuration(device="npu1", cores=cores))
    assert first_line(failure) == message


COMMANDS = [
    (
        PushTask(CORE, SEND, 2, Task(bd=0)),
        "[NPU210] DMA channel: tile(0,2) has no MM2S channel 2, it has 0..1",
    ),
    (
        PushTask(CORE, SEND, 0, Task(bd=16)),
        "[NPU210] task on tile(0,2) MM2S:0: tile(0,2) has no BD 16, it has 0..15",
    ),
    (
        PushTask(CORE, SEND, 0, Task(bd=0, repeat=256, origin=Origin(line=4))),
        "[NPU209] task on tile(0,2) MM2S:0 (line 4): repeat count 256 is outside 0..255",
    ),
    (
        PushTask(CORE, SEND, 0, Task(bd=3, origin=Origin(line=4))),
        "[NPU208] tile(0,2) MM2S:0 (line 4) is to execute BD 3 of tile(0,2), which was never "
        "written",
    ),
    (
        SetLock(MEM, 64, 1),
        "[NPU210] lock 64 of tile(0,1) is set: tile(0,1) has no lock 64, it has 0..63",
    ),
    (SetLock(MEM, 0, 64), "[NPU204] lock 0 of tile(0,1) is set: value 64 is outside 0..63"),
    (
        WriteMemory(CORE, 65_534, b"1234"),
        "[NPU205] write to tile(0,2): bytes 65534..65537 are outside the 65536 bytes there",
    ),
    (
        WriteBd(SHIM, 0, bd(memory=None, host_arg=1)),
        "[NPU213] BD 0 of tile(0,0) (of, line 7) addresses host argument 1, and the run has 1 "
        "arrays",
    ),
    (
        WriteBd(SHIM, 0, bd(memory=None, host_arg=0, address=40)),
        "[NPU205] BD 0 of tile(0,0) (of, line 7): it reaches bytes 40..103, outside the 100 bytes "
        "of host argument 0",
    ),
    (Delay(-1), "[NPU218] the host program yields Delay(cycles=-1), which goes back in time"),
    ("wait", "[NPU218] the host program yields 'wait', which is no command"),
]


@pytest.mark.parametrize(("command", "message"), COMMANDS)
def test_a_command_that_cannot_be_done_is_refused(command: Any, message: str) -> None:
    array = Array(Configuration(device="npu1", bds={CORE: {0: bd()}}))
    with pytest.raises(LabError) as failure:
        array.run_host(iter([command, Delay(1000)]), [np.zeros(100, np.uint8)], LIMITS)
    assert first_line(failure) == message


REQUESTS = [
    (Delay(-1), "Delay(cycles=-1), which no core can do"),
    (
        StreamRead(1, 4),
        "StreamRead(channel=1, words=4, origin=Origin(name='', line=0)), which no core can do",
    ),
    (
        StreamRead(0, 0),
        "StreamRead(channel=0, words=0, origin=Origin(name='', line=0)), which no core can do",
    ),
    ("acquire", "'acquire', which no core can do"),
]


@pytest.mark.parametrize(("request_", "message"), REQUESTS)
def test_a_request_that_no_core_can_make_is_refused(request_: Any, message: str) -> None:
    def program(_core: CoreContext) -> CoreRun:
        yield request_

    array = Array(Configuration(device="npu1", cores=[Core(tile=CORE, program=program)]))
    with pytest.raises(CheckFailed) as failure:
        array.run_host(iter([Delay(10)]), [], LIMITS)
    assert first_line(failure) == (
        f"[NPU218] the program of the core of tile(0,2) yields {message}"
    )


@pytest.mark.parametrize(
    "request_",
    [
        StreamWrite(0, np.zeros(4, np.int32)),
        StreamWrite(0, np.zeros((2, 2), np.uint32)),
        StreamWrite(0, np.zeros(0, np.uint32)),
        StreamWrite(1, np.zeros(4, np.uint32)),
        CascadeWrite(np.zeros(15, np.uint32)),
    ],
)
def test_words_that_no_port_takes_are_refused(request_: Any) -> None:
    def program(_core: CoreContext) -> CoreRun:
        yield request_

    array = Array(Configuration(device="npu1", cores=[Core(tile=CORE, program=program)]))
    with pytest.raises(CheckFailed, match=r"(?s)NPU218.*which no core can do"):
        array.run_host(iter([Delay(10)]), [], LIMITS)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            Acquire(TileId(2, 2), 0, origin=Origin(line=5)),
            "[NPU212] the core of tile(0,2) (line 5) reaches neither memory nor locks of tile(2,2)",
        ),
        (
            Acquire(CORE, 16, origin=Origin(line=5)),
            "[NPU210] core of tile(0,2) (line 5) uses lock 16 of tile(0,2), which has 0..15",
        ),
        (
            Acquire(CORE, 0, 64, origin=Origin(line=5)),
            "[NPU204] core of tile(0,2) (line 5) acquires lock 0 of tile(0,2): value 64 is outside "
            "0..63",
        ),
    ],
)
def test_a_lock_that_the_core_has_not_is_refused(request_: Any, message: str) -> None:
    def program(_core: CoreContext) -> CoreRun:
        yield request_

    array = Array(Configuration(device="npu1", cores=[Core(tile=CORE, program=program)]))
    with pytest.raises(CheckFailed) as failure:
        array.run_host(iter([Delay(10)]), [], LIMITS)
    assert first_line(failure) == message


@pytest.mark.parametrize(
    ("buffer", "message"),
    [
        (
            np.zeros((4, 8), np.uint32).T,
            "[NPU213] host buffer 0 is not C-contiguous: its strides are (4, 32)",
        ),
        (
            np.frombuffer(bytes(64), np.uint32),
            "[NPU213] a shim DMA is to write host buffer 0, which is read-only",
        ),
    ],
)
def test_a_host_buffer_that_no_dma_can_use_is_refused(
    sketch: type[Sketch], play: Play, buffer: Any, message: str
) -> None:
    with pytest.raises(UsageError) as failure:
        play(sketch().array(), [buffer], (RECEIVE, 0, 0, 64))
    assert first_line(failure) == message


def test_an_array_that_failed_is_not_run_again() -> None:
    array = Array(Configuration(device="npu1"))
    with pytest.raises(CheckFailed):
        array.run_host(iter([SetLock(MEM, 0, 64)]), [], LIMITS)
    with pytest.raises(UsageError) as failure:
        array.run_host(iter([Delay(1)]), [], LIMITS)
    assert first_line(failure) == (
        "[NPU217] the array stopped in an earlier run: [NPU204] lock 0 of tile(0,1) is set: value "
        "64 is outside 0..63"
    )
