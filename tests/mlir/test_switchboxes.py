"""Lowered designs: streams that are written out switch by switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from errors import CheckFailed
from simulator import Simulation
from simulator.array.config import Route
from simulator.mlir.lower import lower

if TYPE_CHECKING:
    from tests.mlir.conftest import Simulate, Write

MEMORY = """
    %in = aie.buffer({tile}) {{address = 0 : i32, sym_name = "box{name}"}} : memref<16xi32>
    %free = aie.lock({tile}, 0) {{init = 1 : i32}}
    %full = aie.lock({tile}, 1) {{init = 0 : i32}}
    %m{name} = aie.{program}({tile}) {{
      %0 = aie.dma_start(S2MM, 0, ^in, ^next)
    ^in:
      aie.use_lock(%free, AcquireGreaterEqual, 1)
      aie.dma_bd(%in : memref<16xi32>, 0, 16) {{bd_id = 0 : i32}}
      aie.use_lock(%full, Release, 1)
      aie.next_bd ^in
    ^next:
      %1 = aie.dma_start(MM2S, 0, ^out, ^end)
    ^out:
      aie.use_lock(%full, AcquireGreaterEqual, 1)
      aie.dma_bd(%in : memref<16xi32>, 0, 16{dims}) {{bd_id = 1 : i32{packet}}}
      aie.use_lock(%free, Release, 1)
      aie.next_bd ^out
    ^end:
      aie.end
    }}"""

SEQUENCE = """
    aie.shim_dma_allocation @to(%shim0, MM2S, 0)
    aie.shim_dma_allocation @from(%shim0, S2MM, 1)
    aie.runtime_sequence(%x: memref<64xi32>, %y: memref<64xi32>) {
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1])
          {id = 1 : i64, metadata = @from} : memref<64xi32>
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]PACKET)
          {id = 0 : i64, metadata = @to} : memref<64xi32>
      aiex.npu.dma_wait {symbol = @from}
    }"""

TRANSPOSE = ", [<size = 4, stride = 1>, <size = 4, stride = 4>]"


def switch(tile: str, *settings: str) -> str:
    body = "\n      ".join(settings)
    return f"\n    %s{tile[1:]} = aie.switchbox({tile}) {{\n      {body}\n    }}"


def connect(*circuits: str) -> tuple[str, ...]:
    return tuple(f"aie.connect<{circuit}>" for circuit in circuits)


MUX = """
    %mux = aie.shim_mux(%shim0) {
      aie.connect<DMA : 0, North : 3>
      aie.connect<North : 3, DMA : 1>
    }"""

AROUND = (
    MUX
    + switch("%shim0", *connect("South : 3, East : 1", "East : 2, South : 3"))
    + switch("%shim1", *connect("West : 1, North : 0", "North : 1, West : 2"))
    + switch("%mem1", *connect("South : 0, North : 5", "North : 2, South : 1"))
    + switch("%t12", *connect("South : 5, DMA : 0", "DMA : 0, South : 2"))
)
"""From shim 0 to the core tile of column 1 and back, by way of shim 1."""


def test_circuits_through_several_switches(simulate: Simulate, write: Write) -> None:
    """The lowered form gives the bytes that flows between the same ports give."""
    flows = """
    aie.flow(%shim0, DMA : 0, %t12, DMA : 0)
    aie.flow(%t12, DMA : 0, %shim0, DMA : 1)"""
    memory = MEMORY.format(tile="%t12", name="", program="mem", dims=TRANSPOSE, packet="")
    outputs = []
    for routes in (AROUND, flows):
        x, y = write.ramp(64), np.zeros(64, np.int32)
        simulate(write.design(routes + memory + SEQUENCE.replace("PACKET", "")), x, y)
        outputs.append(y)
    np.testing.assert_array_equal(outputs[0], outputs[1])
    expected = write.ramp(64).reshape(4, 4, 4).transpose(0, 2, 1).reshape(-1)
    np.testing.assert_array_equal(outputs[0], expected)


def routes(text: str) -> list[Route]:
    return lower(text).configuration.routes


def test_one_route_for_each_source_and_the_switches_it_crosses(write: Write) -> None:
    there, back = sorted(routes(write.design(AROUND)), key=lambda route: route.source)
    assert [str(port) for port in (there.source, *there.destinations)] == [
        "tile(0,0) DMA:0",
        "tile(1,2) DMA:0",
    ]
    assert [str(port) for port in (back.source, *back.destinations)] == [
        "tile(1,2) DMA:0",
        "tile(0,0) DMA:1",
    ]
    assert there.hops == back.hops == 4


def test_a_broadcast(write: Write) -> None:
    text = switch("%t02", *connect("DMA : 0, North : 1", "DMA : 0, Core : 0"))
    text += switch("%t03", *connect("South : 1, North : 2", "South : 1, DMA : 1"))
    text += switch("%t04", *connect("South : 2, DMA : 0"))
    (route,) = routes(write.design(text))
    assert sorted(str(port) for port in route.destinations) == [
        "tile(0,2) Core:0",
        "tile(0,3) DMA:1",
        "tile(0,4) DMA:0",
    ]


def rules(port: str, *lines: str) -> str:
    return f"aie.packet_rules({port}) {{\n        " + "\n        ".join(lines) + "\n      }"


def test_packets_go_where_their_id_says(simulate: Simulate, write: Write) -> None:
    """Id 5 goes to row 2, id 9 to row 3; both come back on the port that they share."""
    text = (
        MUX
        + switch(
            "%shim0",
            "%a = aie.amsel<0> (0)",
            "%b = aie.amsel<1> (0)",
            "%up = aie.masterset(North : 0, %a)",
            "%down = aie.masterset(South : 3, %b)",
            rules("South : 3", "aie.rule(19, 1, %a)"),
            rules("North : 0", "aie.rule(31, 7, %b)"),
        )
        + switch("%mem0", *connect("South : 0, North : 0", "North : 0, South : 0"))
        + switch(
            "%t02",
            "%a = aie.amsel<0> (0)",
            "%b = aie.amsel<0> (1)",
            "%c = aie.amsel<1> (0)",
            "%own = aie.masterset(DMA : 0, %a)",
            "%up = aie.masterset(North : 0, %b)",
            "%down = aie.masterset(South : 0, %c)",
            rules("South : 0", "aie.rule(31, 5, %a)", "aie.rule(31, 9, %b)"),
            rules("DMA : 0", "aie.rule(31, 7, %c)"),
            rules("North : 0", "aie.rule(31, 7, %c)"),
        )
        + switch("%t03", *connect("South : 0, DMA : 0", "DMA : 0, South : 0"))
    )
    packet = ", packet = #aie.packet_info<pkt_type = 0, pkt_id = 7>"
    for row, number, dims in ((2, 5, ""), (3, 9, TRANSPOSE)):
        memory = MEMORY.format(tile=f"%t0{row}", name=row, program="mem", dims=dims, packet=packet)
        sent = SEQUENCE.replace("PACKET", f", packet = <pkt_id = {number}, pkt_type = 0>")
        x, y = write.ramp(64), np.zeros(64, np.int32)
        simulate(write.design(text + memory + sent), x, y)
        turned = x.reshape(4, 4, 4).transpose(0, 2, 1).reshape(-1)
        np.testing.assert_array_equal(y, turned if dims else x)


def test_headers_are_kept_where_the_port_says(write: Write) -> None:
    text = switch(
        "%t02",
        "%a = aie.amsel<0> (0)",
        "%m = aie.masterset(North : 0, %a)",
        rules("DMA : 0", "aie.rule(30, 2, %a)"),
    )
    text += switch(
        "%t03",
        "%a = aie.amsel<0> (0)",
        "%m = aie.masterset(DMA : 0, %a) {keep_pkt_header = true}",
        rules("South : 0", "aie.rule(30, 2, %a)"),
    )
    found = routes(write.design(text))
    assert [(route.packet_id, route.keep_header) for route in found] == [(2, True), (3, True)]


def test_streams_that_leave_the_array_are_no_routes(write: Write) -> None:
    text = switch("%t05", *connect("DMA : 0, North : 0"))
    text += switch("%shim0", *connect("North : 0, South : 1"))
    text += switch("%mem0", *connect("DMA : 1, South : 0"))
    assert routes(write.design(text)) == []


def test_a_circle_is_refused(write: Write) -> None:
    text = write.design(
        switch("%t02", *connect("DMA : 0, North : 0", "North : 1, North : 0"))
        + switch("%t03", *connect("South : 0, South : 1"))
    )
    with pytest.raises(CheckFailed) as error:
        Simulation(text)
    assert error.value.code == "NPU128"
    assert "the stream comes back to North:0 of tile(0,2)" in error.value.message
