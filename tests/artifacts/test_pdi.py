"""PDIs of the real bootgen: read, held against what bootgen itself reads, damaged."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from itertools import pairwise

import pytest

from errors import UsageError
from toolchain.artifacts import pdi
from toolchain.artifacts.binary import UNNAMED, Ledger, Reader, checksum
from toolchain.artifacts.state import State
from toolchain.artifacts.writes import of_cdos

Bytes = Callable[[str], bytes]


def titled(text: str, title: str) -> dict[str, int]:
    """Return the values that bootgen prints under a title, by name."""
    body = text.split(f"   {title}", 1)[1].split("----")[1:]
    block = next(part for part in body if "0x" in part)
    return {
        name: int(value, 16)
        for name, value in re.findall(r"(\S+?) ?\(0x[0-9a-fA-F]+\) : (0x\w{8})\b", block)
    }


@pytest.mark.parametrize("name", ["small.pdi", "boot.pdi"])
def test_bootgen_reads_the_same_headers(name: str, fixture_bytes: Bytes) -> None:
    content = pdi.decode(fixture_bytes(name))
    text = fixture_bytes(f"{name}.txt").decode()
    table = titled(text, "IMAGE HEADER TABLE")
    assert table["version"] == content.version == 0x40000
    assert table["id_code"] == content.id_code == 0x14CA8093
    assert table["extended_id_code"] == content.extended_id_code == 1
    assert table["pdi_id"] == content.identifier
    assert table["total_images"] == len(content.images)
    partitions = [part for image in content.images for part in image.partitions]
    assert table["total_partitions"] == len(partitions)
    for image in content.images:
        header = titled(text, f"IMAGE HEADER ({image.name})")
        assert (header["id"], header["section_count"]) == (
            image.identifier,
            len(image.partitions),
        )
        for number, part in enumerate(image.partitions):
            title = titled(text, f"PARTITION HEADER TABLE ({image.name}.{number})")
            assert title["id"] == part.identifier
            assert title["partition_offset"] * 4 == part.offset
            assert title["unencrypted_length"] * 4 == len(part.data)
            assert title["attributes"] == part.attributes
            assert title["load_addr_hi"] << 32 | title["load_addr_lo"] == part.load_address
            assert f"partition_type[{part.type}]" in text


def test_the_boot_header(fixture_bytes: Bytes) -> None:
    boot = pdi.decode(fixture_bytes("boot.pdi")).boot
    assert boot is not None
    header = titled(fixture_bytes("boot.pdi.txt").decode(), "BOOT HEADER")
    assert boot.plm_offset == header["plm_offset"] == 0xF80
    assert boot.plm_size == header["plm_total_length"] == 64
    assert boot.pmc_load_address == header["pmccdo_load_addr"]
    assert boot.pmc_size == header["pmccdo_total_length"]
    assert boot.table_offset == header["metahdr_offset"]
    assert pdi.decode(fixture_bytes("small.pdi")).boot is None


@pytest.mark.parametrize("name", ["small.pdi", "boot.pdi"])
def test_every_byte_is_accounted_for(name: str, fixture_bytes: Bytes) -> None:
    data = fixture_bytes(name)
    ledger = Ledger()
    pdi.read(Reader(data=data, what="PDI", code="NPU053", ledger=ledger))
    spans = ledger.close(data)
    assert UNNAMED not in {span.name for span in spans}
    assert spans[0].offset == 0
    assert sum(span.size for span in spans) == len(data)
    assert all(low.end == high.offset for low, high in pairwise(spans))
    # Padding stands only between structures that are aligned to 16 bytes.
    assert all(span.size < 16 for span in spans if span.name == "padding")


def test_the_configuration_of_the_sample(fixture_bytes: Bytes) -> None:
    content = pdi.decode(fixture_bytes("small.pdi"))
    state = State.of(of_cdos(content.cdos))
    assert not state.problems
    assert [str(route) for route in state.routes()] == [
        "tile(0,0) South3 -> North0",
        "tile(0,1) North0 -> South0 packet 5 mask 0x1f without header",
        "tile(0,1) South0 -> North0",
        "tile(0,2) DMA0 -> South0",
        "tile(0,2) South0 -> DMA0",
    ]
    spots = {str(spot): spot for spot in state.words}
    bd = state.fields(spots["tile(0,1) DMA_BD24"])
    assert (bd["length"], bd["base_address"], bd["d0_zero_before"]) == (512, 0x2000, 2)
    assert state.fields(spots["tile(0,2) Core_Control"]) == {"enable": 1, "reset": 0}
    assert state.fields(spots["tile(0,2) DMA_S2MM_0_Start_Queue push 1"])["repeat_count"] == 1
    memory = next(words for spot, words in state.memories.items() if "Program" in spot.register)
    assert memory == {4 * i: i for i in range(16)}


def _changed(data: bytes, offset: int, value: int, header: tuple[int, int]) -> bytes:
    """Return a PDI with a word changed and the checksum of its header put right."""
    start, size = header
    changed = bytearray(data)
    struct.pack_into("<I", changed, offset, value)
    words = struct.unpack_from(f"<{size // 4 - 1}I", changed, start)
    struct.pack_into("<I", changed, start + size - 4, checksum(words))
    return bytes(changed)


TABLE, IMAGE, PARTITION = (0x10, 0x80), (0x90, 0x40), (0xD0, 0x80)


@pytest.mark.parametrize(
    ("header", "offset", "value", "problem"),
    [
        (TABLE, 0x2C, 0x00201030, "header sizes 0x201030 are not known"),
        (TABLE, 0x04, 2, "the image header's checksum is"),
        (TABLE, 0x04, 1 << 30, "the image header's checksum is"),
        (TABLE, 0x08, 1 << 30, "image header needs 64 bytes"),
        (TABLE, 0x0C, 1 << 30, "1073741824 partition headers do not fit the file"),
        (TABLE, 0x10, 1 << 20, "partition header needs 128 bytes"),
        (TABLE, 0x58, 1 << 20, "optional data needs 4194304 bytes"),
        (IMAGE, 0x00, 0x33, "image 0 has partitions that are not its own"),
        (IMAGE, 0x04, 9, "image 0 has partitions that are not its own"),
        (IMAGE, 0x10, 0xFFFFFFFF, "image name is not text"),
        (PARTITION, 0x44, 0xA5C3C5A3, "the partition is encrypted"),
        (PARTITION, 0x04, 0x10000, "its lengths contradict"),
        (PARTITION, 0x20, 0x10000, "PDI partition 0 needs 1744 bytes and 0 are left"),
        (PARTITION, 0x20, 0x55, "does not begin with a CDO header|are left"),
    ],
)
def test_damaged_headers_are_named(
    header: tuple[int, int], offset: int, value: int, problem: str, fixture_bytes: Bytes
) -> None:
    data = fixture_bytes("small.pdi")
    with pytest.raises(UsageError, match=problem) as caught:
        pdi.decode(_changed(data, header[0] + offset, value, header))
    assert caught.value.code in ("NPU053", "NPU054")


@pytest.mark.parametrize("header", [TABLE, IMAGE, PARTITION])
def test_checksums_are_checked(header: tuple[int, int], fixture_bytes: Bytes) -> None:
    data = bytearray(fixture_bytes("small.pdi"))
    data[header[0] + 0x14] ^= 1
    with pytest.raises(UsageError, match=r"header.*checksum is 0x") as caught:
        pdi.decode(bytes(data))
    assert caught.value.code == "NPU053"


def test_partitions_may_not_overlap(fixture_bytes: Bytes) -> None:
    data = fixture_bytes("boot.pdi")
    (table,) = struct.unpack_from("<I", data, 0xC4)
    (first,) = struct.unpack_from("<I", data, table + 0x10)
    second, third = first * 4 + 0x80, first * 4 + 0x100
    place = struct.unpack_from("<I", data, second + 0x20)[0]
    with pytest.raises(UsageError, match="two partitions overlap"):
        pdi.decode(_changed(data, third + 0x20, place, (third, 0x80)))


def test_the_boot_header_has_a_checksum(fixture_bytes: Bytes) -> None:
    data = bytearray(fixture_bytes("boot.pdi"))
    data[0x20] ^= 1
    with pytest.raises(UsageError, match="boot header's checksum"):
        pdi.decode(bytes(data))


@pytest.mark.parametrize("data", [b"", bytes(200), b"IDPP" * 50])
def test_other_files_are_no_pdi(data: bytes) -> None:
    assert not pdi.is_pdi(data[:0x30])
    with pytest.raises(UsageError) as caught:
        pdi.decode(data)
    assert caught.value.code == "NPU053"
