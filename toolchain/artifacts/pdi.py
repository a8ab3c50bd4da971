"""PDI: the programmable device image that an xclbin's partition carries.

An NPU's PDI is a partial image (``PPDI``): bus-width words, image header table, image
headers, partition headers, partitions, one of them a CDO. A full image (``FPDI``) has a
boot header with a boot loader in front. The structures are those of AMD's bootgen
(``imageheadertable-versal.h``, ``partitionheadertable-versal.h``, ``bootheader-versal.h``);
offsets in them count 32-bit words from the start of the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from struct import Struct, unpack, unpack_from
from typing import Any

from toolchain.artifacts import cdo
from toolchain.artifacts.binary import Reader, checksum
from toolchain.artifacts.cdo import Cdo

_BUS_WIDTH = (0x000000DD, 0x11223344, 0x55667788, 0x99AABBCC)
_WIDTH_DETECTION = 0xAA995566
_IDENTIFICATION = 0x584C4E58
_TABLE_AT = 0x10
_BOOT_SIZE = 0xF80
_BOOT_CHECKED = 0xF20
_CDO_TYPE = 2
_WORD = 4

_BOOT = Struct("<13I")
_TABLE = Struct("<32I")
_IMAGE = Struct("<4I16s6I2HI")
_PARTITION = Struct("<4I2Q24I")
_HEADER_SIZES = 0x00201020
"""Words of a table, an image and a partition header, as the table states them."""

_TYPES = {0: "reserved", 1: "elf", 2: "cdo", 3: "cfi", 4: "cfi_gsc", 5: "raw"}


@dataclass(frozen=True, kw_only=True)
class BootHeader:
    """The boot header of a full image; sizes and offsets are in bytes."""

    plm_offset: int
    plm_size: int
    pmc_load_address: int
    pmc_size: int
    attributes: int
    table_offset: int


@dataclass(frozen=True, kw_only=True)
class Partition:
    """A partition. `cdo` is set where its type is ``cdo``, `data` is without padding."""

    type: str
    identifier: int
    offset: int
    load_address: int
    execution_address: int
    attributes: int
    data: bytes
    cdo: Cdo | None = None


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image: a name, an identifier and partitions."""

    name: str
    identifier: int
    attributes: int
    partitions: tuple[Partition, ...]


@dataclass(frozen=True, kw_only=True)
class Pdi:
    """A whole PDI."""

    version: int
    id_code: int
    extended_id_code: int
    identifier: int
    boot: BootHeader | None
    images: tuple[Image, ...]

    @property
    def cdos(self) -> tuple[Cdo, ...]:
        """The configuration, in the order in which it is applied."""
        return tuple(
            partition.cdo
            for image in self.images
            for partition in image.partitions
            if partition.cdo
        )


def is_pdi(data: bytes) -> bool:
    """Whether `data` begins as a PDI does."""
    if len(data) < _TABLE_AT + _TABLE.size:
        return False
    if unpack_from("<2I", data, _TABLE_AT) == (_WIDTH_DETECTION, _IDENTIFICATION):
        return True
    return data[_TABLE_AT + 0x28 : _TABLE_AT + 0x2C] == b"IDPP"


def decode(data: bytes) -> Pdi:
    """Read a PDI file.

    Raises:
        UsageError: It is none, cut or damaged (NPU053), or its CDO is (NPU054).
    """
    return read(Reader(data=data, what="PDI", code="NPU053"))


def read(reader: Reader) -> Pdi:
    """Read the PDI that fills `reader`.

    Raises:
        UsageError: It is none, cut or damaged (NPU053), or its CDO is (NPU054).
    """
    if not is_pdi(reader.data):
        raise reader.error(0, "it begins with neither a boot header nor an image header table")
    reader.take(0, _TABLE_AT, "bus width words")
    boot = _read_boot(reader)
    at = boot.table_offset if boot else _TABLE_AT
    table = _checked(reader, _TABLE, at, "image header table")
    if table[11] != _HEADER_SIZES:
        raise reader.error(at + 0x2C, f"header sizes {table[11]:#x} are not known")
    reader.take(at + _TABLE.size, table[22] * _WORD, "optional data")
    partitions = _read_partitions(reader, table[4] * _WORD, table[3])
    return Pdi(
        version=table[0],
        id_code=table[6],
        extended_id_code=table[17],
        identifier=table[8],
        boot=boot,
        images=_read_images(reader, table[2] * _WORD, table[1], table[4] * _WORD, partitions),
    )


def _read_boot(reader: Reader) -> BootHeader | None:
    if unpack_from("<I", reader.data, _TABLE_AT)[0] != _WIDTH_DETECTION:
        return None
    raw = reader.take(_TABLE_AT, _BOOT_SIZE - _TABLE_AT, "boot header")
    words = unpack(f"<{_BOOT_CHECKED // _WORD + 1}I", raw[: _BOOT_CHECKED + _WORD])
    _check_sum(reader, _TABLE_AT, words, "boot header")
    values = _BOOT.unpack_from(raw)
    return BootHeader(
        plm_offset=values[3],
        pmc_load_address=values[4],
        pmc_size=values[6],
        plm_size=values[8],
        attributes=values[9],
        table_offset=unpack_from("<I", reader.data, 0xC4)[0],
    )


def _check_sum(reader: Reader, at: int, words: tuple[int, ...], name: str) -> None:
    if words[-1] != checksum(words[:-1]):
        raise reader.error(at, f"the {name}'s checksum is {words[-1]:#x}, not the sum of its words")


def _checked(reader: Reader, layout: Struct, at: int, name: str) -> tuple[Any, ...]:
    raw = reader.take(at, layout.size, name)
    _check_sum(reader, at, unpack(f"<{layout.size // _WORD}I", raw), name)
    return layout.unpack(raw)


def _read_images(
    reader: Reader, at: int, count: int, first: int, partitions: list[Partition]
) -> tuple[Image, ...]:
    images: list[Image] = []
    end = 0
    for number in range(count):
        place = at + number * _IMAGE.size
        values = _checked(reader, _IMAGE, place, "image header")
        begin, rest = divmod(values[0] * _WORD - first, _PARTITION.size)
        if rest or not end <= begin <= begin + values[1] <= len(partitions):
            raise reader.error(place, f"image {number} has partitions that are not its own")
        end = begin + values[1]
        images.append(
            Image(
                name=reader.decode(values[4], place + 0x10, "image name"),
                identifier=values[5],
                attributes=values[3],
                partitions=tuple(partitions[begin:end]),
            )
        )
    return tuple(images)


@dataclass(frozen=True)
class _Header:
    """What a partition's header says, in bytes."""

    size: int
    total: int
    execution: int
    load: int
    offset: int
    attributes: int
    identifier: int

    @property
    def type(self) -> int:
        return self.attributes >> 24 & 7


def _read_partitions(reader: Reader, at: int, count: int) -> list[Partition]:
    if count * _PARTITION.size > len(reader):
        raise reader.error(at, f"{count} partition headers do not fit the file")
    headers = [_read_header(reader, at + i * _PARTITION.size) for i in range(count)]
    ranges = sorted((header.offset, header.offset + header.total) for header in headers)
    for (_, end), (start, _) in pairwise(ranges):
        if start < end:
            raise reader.error(start, "two partitions overlap")
    return [_read_partition(reader, header) for header in headers]


def _read_header(reader: Reader, at: int) -> _Header:
    values = _checked(reader, _PARTITION, at, "partition header")
    encrypted, size, total = (length * _WORD for length in values[:3])
    if values[15] or size > total or encrypted > total:
        raise reader.error(at, "the partition is encrypted or its lengths contradict")
    return _Header(size, total, values[4], values[5], values[6] * _WORD, values[7], values[10])


def _read_partition(reader: Reader, header: _Header) -> Partition:
    part = reader.part(header.offset, header.total, f"PDI partition {header.identifier}")
    type_ = _TYPES.get(header.type, str(header.type))
    config = None
    if header.type == _CDO_TYPE:
        config, used = cdo.read(part.part(0, header.size, "CDO in the PDI", code="NPU054"))
        part.claim(used, header.size - used, "after the CDO")
    else:
        part.claim(0, header.size, f"{type_} partition")
    return Partition(
        type=type_,
        identifier=header.identifier,
        offset=part.base,
        load_address=header.load,
        execution_address=header.execution,
        attributes=header.attributes,
        data=part.data[: header.size],
        cdo=config,
    )
