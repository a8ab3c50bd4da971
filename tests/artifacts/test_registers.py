"""The register map: its facts, its names in both directions, and what it refuses."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import UsageError
from simulator.array.config import TileId
from simulator.array.geometry import LIMITS, TileKind
from simulator.registers import (
    Field,
    Register,
    address_of,
    describe,
    kind_of,
    register_of,
    resolve,
    tile_map,
    tile_of,
)

TILES = {TileKind.SHIM: TileId(3, 0), TileKind.MEM: TileId(1, 1), TileKind.CORE: TileId(0, 2)}
ALL = [(kind, register) for kind in TileKind for register in tile_map(kind).registers]


def test_registers_of_a_tile_do_not_overlap() -> None:
    for kind in TileKind:
        registers = tile_map(kind).registers
        for low, high in itertools.pairwise(registers):
            assert low.offset + low.size <= high.offset, (low, high)
        assert registers[-1].offset + registers[-1].size <= 1 << 20


def test_fields_of_a_word_do_not_overlap() -> None:
    for _, register in ALL:
        for word in register.words:
            masks = [field.mask for field in word]
            assert sum(masks) == (union := _union(masks)), (register.name, union)
            assert union < 1 << 32


def _union(masks: list[int]) -> int:
    result = 0
    for mask in masks:
        result |= mask
    return result


def test_names_are_unique_and_lead_back_to_their_address() -> None:
    for kind, register in ALL:
        address = address_of(TILES[kind], register.name)
        place = resolve(address)
        assert (place.tile, place.register, place.word) == (TILES[kind], register, 0)


@pytest.mark.parametrize("kind", TileKind)
def test_counts_agree_with_the_simulated_array(kind: TileKind) -> None:
    names = [register.name for register in tile_map(kind).registers]
    limits = LIMITS[kind]
    assert sum(bool(re.fullmatch(r"DMA_BD\d+", name)) for name in names) == limits.bds
    assert sum(bool(re.fullmatch(r"Lock\d+_value", name)) for name in names) == limits.locks
    for direction, count in (("MM2S", limits.mm2s), ("S2MM", limits.s2mm)):
        control = rf"DMA_{direction}_\d_Ctrl"
        assert sum(bool(re.fullmatch(control, name)) for name in names) == count
    memory = next((r.size for r in tile_map(kind).registers if r.name == "Data_Memory"), 0)
    assert memory == limits.memory


@pytest.mark.parametrize(
    ("tile", "name", "offset"),
    [
        # A blockwrite to 0x1D000 and a queue at 0x1D204 are what mlir-aie writes for shims.
        (TileId(0, 0), "DMA_BD0", 0x1D000),
        (TileId(0, 0), "DMA_S2MM_0_Task_Queue", 0x1D204),
        (TileId(0, 0), "DMA_MM2S_1_Task_Queue", 0x1D21C),
        (TileId(0, 1), "DMA_BD47", 0xA05E0),
        (TileId(0, 1), "DMA_MM2S_5_Start_Queue", 0xA065C),
        (TileId(0, 1), "Lock63_value", 0xC03F0),
        (TileId(0, 2), "DMA_BD15", 0x1D1E0),
        (TileId(0, 2), "DMA_MM2S_0_Start_Queue", 0x1DE14),
        (TileId(0, 2), "Lock15_value", 0x1F0F0),
        (TileId(0, 2), "Core_Control", 0x32000),
        (TileId(0, 2), "Core_Status", 0x32004),
        (TileId(0, 2), "Program_Memory", 0x20000),
        (TileId(0, 2), "Stream_Switch_Master_Config_East3", 0x3F058),
        (TileId(0, 2), "Stream_Switch_Slave_South_5_Slot3", 0x3F2AC),
    ],
)
def test_offsets_that_compiled_designs_use(tile: TileId, name: str, offset: int) -> None:
    assert register_of(tile, name).offset == offset


@pytest.mark.parametrize(
    ("address", "words", "mask", "line"),
    [
        (
            0x21D060,
            [0x400200, 0, 0, 0, 0, 0x02041FE0],
            0xFFFFFFFF,
            "tile(0,2) DMA_BD3.length = 512, .base_address = 256, .lock_acq_value = -1,"
            " .lock_acq_enable = 1, .lock_rel_value = 1, .valid_bd = 1",
        ),
        (0x232000, [1], 1, "tile(0,2) Core_Control.enable = 1"),
        (0x232000, [1], 3, "tile(0,2) Core_Control.enable = 1, .reset = 0"),
        (0x21F010, [2], 0xFFFFFFFF, "tile(0,2) Lock1_value.lock_value = 2"),
        (0x1DE04 | 2 << 20, [0], 0xFFFFFFFF, "tile(0,2) DMA_S2MM_0_Start_Queue.start_bd_id = 0"),
        (0x220010, [1, 2], 0xFFFFFFFF, "tile(0,2) Program_Memory[0x10:0x18]"),
        (0x21D068, [0], 0xFFFFFFFF, "tile(0,2) DMA_BD3[2] = 0"),
        (0x21D068, [1 << 31], 0xFFFFFFFF, "tile(0,2) DMA_BD3[2] = 0 (bits outside the fields"),
        (0x234510, [5], 0xFFFFFFFF, "tile(0,2) Event_Group_Errors0_Enable = 0x5"),
        (0x234510, [5], 4, "tile(0,2) Event_Group_Errors0_Enable = 0x5 (mask 0x4)"),
    ],
)
def test_a_write_reads_as_fields(address: int, words: list[int], mask: int, line: str) -> None:
    (shown,) = describe(address, words, mask)
    assert shown.startswith(line)


def test_a_write_over_several_registers_gives_a_line_each() -> None:
    assert describe(0x1A0000, []) == []
    lines = describe(0x1A0000, [1] + [0] * 7 + [2] + [0] * 7)
    assert lines == ["tile(0,1) DMA_BD0.length = 1", "tile(0,1) DMA_BD1.length = 2"]


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        (0x21D078, ("0x21d078", "tile(0,2)", "core tile", "DMA_BD3 at 0x1d060")),
        (0x21D062, ("0x21d062", "tile(0,2)", "DMA_BD3")),
        (0x1A0600 - 4 + 0x1000, ("tile(0,1)", "mem tile", "DMA_S2MM_FoT_Count_FIFO_Pop_5")),
        (0x0FFFFC, ("tile(0,0)", "shim tile", "Spare_Reg")),
        (6 << 20, ("tile(0,6)", "outside the array of 5 x 6")),
        (5 << 25, ("tile(5,0)", "outside the array")),
        (1 << 40, ("0x10000000000", "outside the array")),
    ],
)
def test_an_unknown_register_is_named_with_its_nearest(
    address: int, parts: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(address)
    assert caught.value.code == "NPU057"
    for part in parts:
        assert part in caught.value.message


def test_unknown_names_propose_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"did you mean Core_Control\?") as caught:
        address_of(TileId(0, 2), "Core_control")
    assert caught.value.code == "NPU057"
    with pytest.raises(UsageError, match="did you mean length") as caught:
        register_of(TileId(0, 2), "DMA_BD1").encode(lenght=1)
    assert caught.value.code == "NPU057"
    with pytest.raises(UsageError, match="outside the array"):
        address_of(TileId(0, 7), "DMA_BD0")


@pytest.mark.parametrize(("name", "value"), [("length", 1 << 14), ("length", -1)])
def test_values_must_fit_their_fields(name: str, value: int) -> None:
    with pytest.raises(UsageError, match="use a value from 0 to 16383") as caught:
        register_of(TileId(0, 2), "DMA_BD1").encode(**{name: value})
    assert caught.value.code == "NPU058"


def test_signed_fields() -> None:
    field = Field("lock_acq_value", 5, 7, signed=True)
    assert field.get(field.put(-1)) == -1
    assert field.put(-64) == 0x40 << 5
    with pytest.raises(UsageError, match="use a value from -64 to 63"):
        field.put(64)


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_fields_survive_encoding(data: st.DataObject) -> None:
    _, register = data.draw(st.sampled_from([item for item in ALL if item[1].words]))
    fields = [field for word in register.words for field in word]
    values = {field.name: data.draw(_values(field), label=field.name) for field in fields}
    words = register.encode(**values)
    assert all(0 <= word < 1 << 32 for word in words)
    assert register.decode(dict(enumerate(words))) == values


def _values(field: Field) -> st.SearchStrategy[int]:
    low = -(1 << field.width - 1) if field.signed else 0
    return st.integers(low, low + (1 << field.width) - 1)


@given(st.integers(0, (1 << 32) - 1))
@settings(deadline=None, max_examples=300)
def test_every_address_is_a_register_or_refused(address: int) -> None:
    tile, offset = tile_of(address)
    assert tile.col << 25 | tile.row << 20 | offset == address
    kind = kind_of(tile)
    register = tile_map(kind).find(offset) if kind else None
    if register is None or address % 4:
        with pytest.raises(UsageError, match=f"address {address:#x} is") as caught:
            resolve(address)
        assert caught.value.code == "NPU057"
    else:
        assert resolve(address).register is register
        assert register.offset <= offset < register.offset + register.size


# The vendor's own header, where somebody has it.

_MODULES = {
    TileKind.CORE: ("CORE_MODULE_", "MEMORY_MODULE_"),
    TileKind.MEM: ("MEM_TILE_MODULE_",),
    TileKind.SHIM: ("NOC_MODULE_", "PL_MODULE_"),
}
_NAMED_OTHERWISE = {
    *("AIE_AXIMM_CONFIG", "AIE_TILE_COLUMN_RESET", "CORE_Q0", "CORE_Q1", "CORE_Q2", "CORE_Q3"),
    *(f"NOC_INTERFACE_AIE_TO_NOC_SOUTH{i}" for i in range(2, 6)),
}
"""Names that AM025 and aie-rt do not share."""


def test_offsets_and_fields_are_those_of_aie_rt() -> None:
    header = os.environ.get("NPULAB_AIE_RT_PARAMS", "")
    if not header:
        pytest.skip("NPULAB_AIE_RT_PARAMS names no xaiemlgbl_params.h of the aie-rt sources")
    text = Path(header).read_text()
    pattern = r"#define XAIEMLGBL_(\w+)\s+(0x[0-9A-Fa-f]+|\d+)\b"
    values = {name: int(value, 0) for name, value in re.findall(pattern, text)}
    checked = [_check_against(kind, register, values) for kind, register in ALL]
    assert sum(checked) > 4000


def _check_against(kind: TileKind, register: Register, values: dict[str, int]) -> int:
    """Check a register's offset and fields against defines; return how many were compared."""
    name = register.name.upper().replace("DATA_MEMORY", "DATAMEMORY")
    if name in _NAMED_OTHERWISE or name.startswith("NOC_MODULE_"):
        return 0
    modules = _MODULES[kind]
    if name.startswith("MEMORY_MODULE_") or (name in ("SPARE_REG",) and kind is TileKind.SHIM):
        modules = (modules[1],)
        name = name.removeprefix("MEMORY_MODULE_")
    count = 0
    for position, word in enumerate(register.words or ((),)):
        title = f"{name}_{position}" if name.startswith("DMA_BD") else name
        full = next(module + title for module in modules if module + title in values)
        assert values[full] == register.offset + 4 * position, full
        count += 1
        for field in word:
            label = field.name.upper()
            if name.startswith("DMA_BD"):
                label = re.sub("^LENGTH$", "BUFFER_LENGTH", label)
            key = f"{full}_{label}"
            assert (values[f"{key}_LSB"], values[f"{key}_WIDTH"]) == (field.lsb, field.width), key
            count += 1
    return count
