"""xclbins of the real xclbinutil: read, held against what it reads itself, damaged."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import pytest

from errors import UsageError
from toolchain.artifacts import pdi, xclbin
from toolchain.artifacts.binary import UNNAMED, Ledger, Reader
from toolchain.artifacts.xclbin import Xclbin

Bytes = Callable[[str], bytes]
NAMES = ["small", "two"]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """The name of a committed xclbin."""
    return str(request.param)


def test_xclbinutil_reads_the_same(name: str, fixture_bytes: Bytes) -> None:
    content = xclbin.decode(fixture_bytes(f"{name}.xclbin"))
    assert as_xclbinutil(content) == json.loads(fixture_bytes(f"{name}.xclbin.json"))


def as_xclbinutil(content: Xclbin) -> dict[str, Any]:
    """Return an xclbin's sections as xclbinutil dumps them to JSON."""
    (partition,) = content.partitions
    return {
        "mem_topology": {
            "m_count": str(len(content.memories)),
            "m_mem_data": [
                {
                    "m_type": memory.type,
                    "m_used": str(int(memory.used)),
                    "m_sizeKB": hex(memory.size // 1024),
                    "m_tag": memory.tag,
                    "m_base_address": hex(memory.base_address),
                }
                for memory in content.memories
            ],
        },
        "ip_layout": {
            "m_count": str(len(content.ips)),
            "m_ip_data": [
                {
                    "m_type": ip.type,
                    "m_subtype": "DPU",
                    "m_functional": "DPU",
                    "m_kernel_id": hex(ip.kernel_id or 0),
                    "m_base_address": "not_used" if ip.base_address == (1 << 64) - 1 else "?",
                    "m_name": ip.name,
                }
                for ip in content.ips
            ],
        },
        "connectivity": {
            "m_count": str(len(content.connections)),
            "m_connection": [
                {
                    "arg_index": str(connection.argument),
                    "m_ip_layout_index": str(connection.ip),
                    "mem_data_index": str(connection.memory),
                }
                for connection in content.connections
            ],
        },
        "aie_partition": {
            "name": partition.name,
            "operations_per_cycle": str(partition.operations_per_cycle),
            "inference_fingerprint": str(partition.inference_fingerprint),
            "pre_post_fingerprint": str(partition.pre_post_fingerprint),
            "kernel_commit_id": partition.kernel_commit_id,
            "partition": {
                "column_width": str(partition.column_width),
                "start_columns": [str(column) for column in partition.start_columns],
            },
            "PDIs": [
                {
                    "uuid": str(entry.uuid),
                    "file_name": f"{entry.uuid}.pdi",
                    "cdo_groups": [_group(group) for group in entry.groups],
                }
                for entry in partition.pdis
            ],
        },
    }


def _group(group: Any) -> dict[str, Any]:
    """Return a CDO group; xclbinutil leaves out what is empty."""
    full = {
        "name": group.name,
        "type": group.type,
        "pdi_id": hex(group.pdi_id),
        "dpu_kernel_ids": [hex(number) for number in group.dpu_kernel_ids],
        "pre_cdo_groups": [hex(number) for number in group.pre_cdo_groups],
    }
    return {key: value for key, value in full.items() if value}


def test_the_kernel_and_its_arguments(fixture_bytes: Bytes) -> None:
    (kernel,) = xclbin.decode(fixture_bytes("two.xclbin")).kernels
    assert (kernel.name, kernel.type, kernel.dpu_kernel_id) == ("MLIR_AIE", "dpu", 0x901)
    assert kernel.instances == ("MLIRAIE",)
    shown = [(arg.name, arg.type, arg.offset, arg.size, arg.memory) for arg in kernel.arguments]
    assert shown == [
        ("opcode", "uint64_t", 0, 8, ""),
        ("instr", "char *", 8, 8, "SRAM"),
        ("ninstr", "uint32_t", 0x10, 4, ""),
        *((f"bo{i}", "void*", 0x14 + 8 * i, 8, "HOST") for i in range(5)),
    ]


def test_the_pdi_in_it_is_the_file(name: str, fixture_bytes: Bytes) -> None:
    (partition,) = xclbin.decode(fixture_bytes(f"{name}.xclbin")).partitions
    for entry in partition.pdis:
        assert entry.image == fixture_bytes("small.pdi")
        inside, outside = entry.pdi, pdi.decode(entry.image)
        assert inside.cdos == outside.cdos


def test_every_byte_is_accounted_for(name: str, fixture_bytes: Bytes) -> None:
    data = fixture_bytes(f"{name}.xclbin")
    ledger = Ledger()
    xclbin.read(Reader(data=data, what="xclbin", code="NPU051", ledger=ledger))
    spans = ledger.close(data)
    assert UNNAMED not in {span.name for span in spans}
    assert b"".join(data[span.offset : span.end] for span in spans) == data
    assert all(span.size < 16 for span in spans if span.name == "padding")


def _put(data: bytes, offset: int, layout: str, *values: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(layout, changed, offset, *values)
    return bytes(changed)


def _section(data: bytes, kind: int) -> tuple[int, int]:
    """Return where a section's header is and where the section is."""
    (count,) = struct.unpack_from("<I", data, 0x1C0)
    for i in range(count):
        at = 0x1C8 + 40 * i
        if struct.unpack_from("<I", data, at)[0] == kind:
            return at, struct.unpack_from("<Q", data, at + 24)[0]
    raise AssertionError(kind)


@pytest.mark.parametrize(
    ("kind", "where", "offset", "layout", "value", "problem"),
    [
        (6, "header", 24, "<Q", 1 << 40, "section MEM_TOPOLOGY reaches beyond the file"),
        (6, "header", 24, "<Q", 0x340, "two sections overlap"),
        (6, "header", 4, "<I", 0xFFFFFFFF, "section name is not text"),
        (6, "section", 0, "<i", -1, "-1 memories do not fit the section"),
        (6, "section", 0, "<i", 1 << 30, "1073741824 memories do not fit the section"),
        (8, "section", 0, "<i", 9, "9 compute units do not fit the section"),
        (7, "section", 0, "<i", 99, "99 connections do not fit the section"),
        (2, "section", 60, "<I", 0x3C3C3C3C, "the kernel metadata cannot be read"),
        (32, "section", 4, "<I", 1 << 30, "partition name is not a NUL-terminated string"),
        (32, "section", 40, "<I", 1 << 30, "1073741824 start columns are more than 256"),
        (32, "section", 44, "<I", 1 << 30, "start columns needs 8 bytes and 0 are left"),
        (32, "section", 120, "<I", 1 << 30, "PDIs and their groups are larger|PDI entry needs"),
        (32, "section", 124, "<I", 1 << 30, "PDI entry needs 96 bytes and 0 are left"),
    ],
)
def test_damage_is_named(
    kind: int,
    where: str,
    offset: int,
    layout: str,
    value: int,
    problem: str,
    fixture_bytes: Bytes,
) -> None:
    data = fixture_bytes("small.xclbin")
    header, section = _section(data, kind)
    base = header if where == "header" else section
    with pytest.raises(UsageError, match=problem) as caught:
        xclbin.decode(_put(data, base + offset, layout, value))
    assert caught.value.code == ("NPU052" if kind == 32 else "NPU051")


def test_damage_of_a_part_has_the_code_of_the_part(fixture_bytes: Bytes) -> None:
    data = fixture_bytes("small.xclbin")
    inside = data.index(fixture_bytes("small.pdi"))
    # The image header table and the CDO header, at their places in the whole file.
    for offset, code, place in ((0x30, "NPU053", 0x10), (0x158, "NPU054", 0x158)):
        with pytest.raises(UsageError, match=f"byte {inside + place:#x} of the file") as caught:
            xclbin.decode(_put(data, inside + offset, "<I", 0xFFFFFFFF))
        assert caught.value.code == code


def test_a_header_that_says_another_size(fixture_bytes: Bytes) -> None:
    data = fixture_bytes("small.xclbin")
    with pytest.raises(UsageError, match=f"the header says {len(data)} bytes and there are 2000"):
        xclbin.decode(data[:2000])
    with pytest.raises(UsageError, match="4294967295 section headers do not fit the file"):
        xclbin.decode(_put(data, 0x1C0, "<I", 0xFFFFFFFF))


def test_bytes_that_belong_to_nothing_are_found(fixture_bytes: Bytes) -> None:
    data = fixture_bytes("small.xclbin")
    _, section = _section(data, 32)
    gap = data.index(b"\0sample\0", section) - 3
    for changed, unnamed in ((_put(data, gap, "<B", 7), 1), (data, 0)):
        ledger = Ledger()
        xclbin.read(Reader(data=changed, what="xclbin", code="NPU051", ledger=ledger))
        assert sum(s.name == UNNAMED for s in ledger.close(changed)) == unnamed


def test_entities_in_the_metadata_are_refused(fixture_bytes: Bytes) -> None:
    data = fixture_bytes("small.xclbin")
    _, section = _section(data, 2)
    bomb = b'<!DOCTYPE a [<!ENTITY b "cccc"><!ENTITY d "&b;&b;">]><a>&d;</a>'
    with pytest.raises(UsageError, match="it declares entities") as caught:
        xclbin.decode(data[:section] + bomb + data[section + len(bomb) :])
    assert caught.value.code == "NPU051"
