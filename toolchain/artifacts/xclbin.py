"""xclbin: the container that XRT loads: sections with memories, kernels and the partition.

The structures are those of XRT's ``xclbin.h``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from itertools import pairwise
from struct import Struct
from typing import Any
from uuid import UUID

from toolchain.artifacts import kernels_xml, partition
from toolchain.artifacts.binary import Reader
from toolchain.artifacts.kernels_xml import Kernel
from toolchain.artifacts.partition import Partition

MAGIC = b"xclbin2\0"
_HEAD = Struct("<8si28s256sQ")
_HEADER = Struct("<QQQHBBHH16s64s16s16sI4x")
_SECTION = Struct("<I16s4xQQ")
_MEMORY = Struct("<BB6xQQ16s")
_IP = Struct("<IIQ64s")
_CONNECTION = Struct("<iii")
_COUNT = Struct("<i")
_MIRROR = b"XCLBIN_MIRROR_DATA_START"
_READ_FURTHER = {
    *("MEM_TOPOLOGY", "IP_LAYOUT", "CONNECTIVITY", "EMBEDDED_METADATA", "AIE_PARTITION"),
    *("ASK_GROUP_TOPOLOGY", "ASK_GROUP_CONNECTIVITY"),
}
_KERNEL_ID = 0xFFF << 16
"""The bits of a DPU kernel's properties that are its id."""

KINDS = {
    0: "BITSTREAM",
    1: "CLEARING_BITSTREAM",
    2: "EMBEDDED_METADATA",
    3: "FIRMWARE",
    4: "DEBUG_DATA",
    5: "SCHED_FIRMWARE",
    6: "MEM_TOPOLOGY",
    7: "CONNECTIVITY",
    8: "IP_LAYOUT",
    9: "DEBUG_IP_LAYOUT",
    10: "DESIGN_CHECK_POINT",
    11: "CLOCK_FREQ_TOPOLOGY",
    12: "MCS",
    13: "BMC",
    14: "BUILD_METADATA",
    15: "KEYVALUE_METADATA",
    16: "USER_METADATA",
    17: "DNA_CERTIFICATE",
    18: "PDI",
    19: "BITSTREAM_PARTIAL_PDI",
    20: "PARTITION_METADATA",
    21: "EMULATION_DATA",
    22: "SYSTEM_METADATA",
    23: "SOFT_KERNEL",
    24: "ASK_FLASH",
    25: "AIE_METADATA",
    26: "ASK_GROUP_TOPOLOGY",
    27: "ASK_GROUP_CONNECTIVITY",
    28: "SMARTNIC",
    29: "AIE_RESOURCES",
    30: "OVERLAY",
    31: "VENDER_METADATA",
    32: "AIE_PARTITION",
    33: "IP_METADATA",
    34: "AIE_RESOURCES_BIN",
    35: "AIE_TRACE_METADATA",
}
MEMORY_TYPES = (
    "MEM_DDR3",
    "MEM_DDR4",
    "MEM_DRAM",
    "MEM_STREAMING",
    "MEM_PREALLOCATED_GLOB",
    "MEM_ARE",
    "MEM_HBM",
    "MEM_BRAM",
    "MEM_URAM",
    "MEM_STREAMING_CONNECTION",
    "MEM_HOST",
    "MEM_PS_KERNEL",
)
IP_TYPES = (
    "IP_MB",
    "IP_KERNEL",
    "IP_DNASC",
    "IP_DDR4_CONTROLLER",
    "IP_MEM_DDR4",
    "IP_MEM_HBM",
    "IP_MEM_HBM_ECC",
    "IP_PS_KERNEL",
)


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section's place in the file; `sha256` is set where it is not read further."""

    kind: str
    name: str
    offset: int
    size: int
    sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A memory bank; `size` is in bytes."""

    tag: str
    type: str
    used: bool
    size: int
    base_address: int


@dataclass(frozen=True, kw_only=True)
class Ip:
    """A compute unit; `kernel_id` is set for DPU kernels, `properties` are the other bits."""

    name: str
    type: str
    kernel_id: int | None
    properties: int
    base_address: int


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Which memory an argument of a compute unit lies in, all by index."""

    argument: int
    ip: int
    memory: int


@dataclass(frozen=True, kw_only=True)
class Xclbin:
    """A whole xclbin.

    Attributes:
        version: Of the xclbinutil that wrote it.
        timestamp: Seconds since 1970.
        connections: Which memory XRT puts an argument into, by index.
        group_memories: The memories and, here, groups of them, where XRT is to choose;
            `group_connections` connects arguments to these.
    """

    uuid: UUID
    interface_uuid: UUID
    platform: str
    version: str
    mode: int
    timestamp: int
    unique_id: int
    sections: tuple[Section, ...]
    memories: tuple[Memory, ...]
    ips: tuple[Ip, ...]
    connections: tuple[Connection, ...]
    group_memories: tuple[Memory, ...]
    group_connections: tuple[Connection, ...]
    kernels: tuple[Kernel, ...]
    partitions: tuple[Partition, ...]


def is_xclbin(data: bytes) -> bool:
    """Whether `data` begins as an xclbin does."""
    return data.startswith(MAGIC)


def decode(data: bytes) -> Xclbin:
    """Read an xclbin file.

    Raises:
        UsageError: It is none, cut or damaged (NPU051), or its partition (NPU052), a PDI
            (NPU053) or a CDO (NPU054) in it is.
    """
    return read(Reader(data=data, what="xclbin", code="NPU051"))


def read(reader: Reader) -> Xclbin:
    """Read the xclbin that fills `reader`; raises as :func:`decode` does."""
    magic, _, _, _, unique = reader.unpack(_HEAD, 0, "xclbin magic and key block")
    if magic != MAGIC:
        raise reader.error(0, "it does not begin with xclbin2")
    header = reader.unpack(_HEADER, _HEAD.size, "xclbin header")
    if header[0] > len(reader):
        raise reader.error(
            _HEAD.size, f"the header says {header[0]} bytes and there are {len(reader)}"
        )
    sections = _read_sections(reader, header[12])
    parts = {
        kind: [
            reader.part(s.offset, s.size, f"section {kind}")
            for s in sections
            if s.kind == kind and s.size
        ]
        for kind in KINDS.values()
    }
    memories = tuple(m for part in parts["MEM_TOPOLOGY"] for m in _read_memories(part))
    ips = tuple(ip for part in parts["IP_LAYOUT"] for ip in _read_ips(part))
    connections = tuple(c for part in parts["CONNECTIVITY"] for c in _read_connections(part))
    kernels = tuple(
        kernel for part in parts["EMBEDDED_METADATA"] for kernel in kernels_xml.read(part)
    )
    partitions = tuple(
        partition.read(replace(part, code="NPU052")) for part in parts["AIE_PARTITION"]
    )
    group_memories = tuple(m for part in parts["ASK_GROUP_TOPOLOGY"] for m in _read_memories(part))
    group_connections = tuple(
        c for part in parts["ASK_GROUP_CONNECTIVITY"] for c in _read_connections(part)
    )
    _claim_rest(reader, sections)
    return Xclbin(
        uuid=UUID(bytes=header[10]),
        interface_uuid=UUID(bytes=header[8]),
        platform=reader.decode(header[9], _HEAD.size + 48, "platform"),
        version=f"{header[4]}.{header[5]}.{header[3]}",
        mode=header[6],
        timestamp=header[1],
        unique_id=unique,
        sections=sections,
        memories=memories,
        ips=ips,
        connections=connections,
        group_memories=group_memories,
        group_connections=group_connections,
        kernels=_with_memories(kernels, memories, ips, connections),
        partitions=partitions,
    )


def _read_sections(reader: Reader, count: int) -> tuple[Section, ...]:
    at = _HEAD.size + _HEADER.size
    if count * _SECTION.size > len(reader) - at:
        raise reader.error(at, f"{count} section headers do not fit the file")
    sections = []
    for number in range(count):
        place = at + number * _SECTION.size
        kind, name, offset, size = reader.unpack(_SECTION, place, "section header")
        title = KINDS.get(kind, f"kind {kind}")
        if offset + size > len(reader):
            raise reader.error(place, f"section {title} reaches beyond the file")
        content = reader.data[offset : offset + size]
        sections.append(
            Section(
                kind=title,
                name=reader.decode(name, place + 4, "section name"),
                offset=offset,
                size=size,
                sha256="" if title in _READ_FURTHER else hashlib.sha256(content).hexdigest(),
            )
        )
    ranges = sorted((s.offset, s.offset + s.size) for s in sections)
    for (_, end), (start, _) in pairwise(ranges):
        if start < end:
            raise reader.error(start, "two sections overlap")
    return tuple(sections)


def _claim_rest(reader: Reader, sections: tuple[Section, ...]) -> None:
    """Claim the sections that are not read further, and the JSON copy behind them all."""
    for section in sections:
        if section.sha256:
            reader.claim(section.offset, section.size, f"section {section.kind}")
    end = max((s.offset + s.size for s in sections), default=_HEAD.size + _HEADER.size)
    start = reader.data.find(_MIRROR, end)
    if start >= 0:
        reader.claim(start, len(reader) - start, "mirror data (a JSON copy of the headers)")


def _records(section: Reader, layout: Struct, at: int, name: str) -> list[tuple[int, Any]]:
    (count,) = section.unpack(_COUNT, 0, f"number of {name}")
    if not 0 <= count <= (len(section) - at) // layout.size:
        raise section.error(0, f"{count} {name} do not fit the section")
    places = [at + number * layout.size for number in range(count)]
    return [(place, section.unpack(layout, place, name)) for place in places]


def _read_memories(section: Reader) -> list[Memory]:
    return [
        Memory(
            tag=section.decode(tag, place, "memory tag"),
            type=MEMORY_TYPES[type_] if type_ < len(MEMORY_TYPES) else str(type_),
            used=bool(used),
            size=size * 1024,
            base_address=base,
        )
        for place, (type_, used, size, base, tag) in _records(section, _MEMORY, 8, "memories")
    ]


def _read_ips(section: Reader) -> list[Ip]:
    return [
        _ip(section.decode(name, place, "compute unit name"), type_, properties, base)
        for place, (type_, properties, base, name) in _records(section, _IP, 8, "compute units")
    ]


def _ip(name: str, type_: int, properties: int, base: int) -> Ip:
    is_dpu = type_ == IP_TYPES.index("IP_PS_KERNEL")
    return Ip(
        name=name,
        type=IP_TYPES[type_] if type_ < len(IP_TYPES) else str(type_),
        kernel_id=(properties & _KERNEL_ID) >> 16 if is_dpu else None,
        properties=properties & ~_KERNEL_ID if is_dpu else properties,
        base_address=base,
    )


def _read_connections(section: Reader) -> list[Connection]:
    return [
        Connection(argument=argument, ip=ip, memory=memory)
        for _, (argument, ip, memory) in _records(section, _CONNECTION, 4, "connections")
    ]


def _with_memories(
    kernels: tuple[Kernel, ...],
    memories: tuple[Memory, ...],
    ips: tuple[Ip, ...],
    connections: tuple[Connection, ...],
) -> tuple[Kernel, ...]:
    """Return the kernels with the memory that each buffer argument is connected to."""
    place = {
        (ips[c.ip].name.split(":")[0], c.argument): memories[c.memory].tag
        for c in connections
        if 0 <= c.ip < len(ips) and 0 <= c.memory < len(memories)
    }
    return tuple(
        replace(
            kernel,
            arguments=tuple(
                replace(argument, memory=place.get((kernel.name, argument.index), ""))
                for argument in kernel.arguments
            ),
        )
        for kernel in kernels
    )
