"""The AIE_PARTITION section of an xclbin: PDIs, and what they are for.

The structures are those of XRT's ``xclbin.h``: fixed records whose arrays and strings lie
in the section, at offsets from its start.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct, unpack
from typing import NamedTuple
from uuid import UUID

from toolchain.artifacts import pdi
from toolchain.artifacts.binary import Reader
from toolchain.artifacts.pdi import Pdi

_PARTITION = Struct("<B3xII4xQQH6xII72xIII52x")
_PDI = Struct("<16sIIII64x")
_GROUP = Struct("<IB3xQIIII64x")

_MOST = 256
"""Most start columns or ids that a partition or a group may have."""

_GROUP_TYPES = {0: "", 1: "PRIMARY", 2: "LITE", 3: "PREPOST"}


@dataclass(frozen=True, kw_only=True)
class CdoGroup:
    """What a PDI serves: kernels by their DPU ids, and what must be loaded before."""

    name: str
    type: str
    pdi_id: int
    dpu_kernel_ids: tuple[int, ...]
    pre_cdo_groups: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class PartitionPdi:
    """A PDI of a partition; `image` is its file."""

    uuid: UUID
    image: bytes
    pdi: Pdi
    groups: tuple[CdoGroup, ...]


@dataclass(frozen=True, kw_only=True)
class Partition:
    """The columns that the design needs, where they may start, and the configuration."""

    name: str
    schema: int
    operations_per_cycle: int
    inference_fingerprint: int
    pre_post_fingerprint: int
    kernel_commit_id: str
    column_width: int
    start_columns: tuple[int, ...]
    pdis: tuple[PartitionPdi, ...]


class _Array(NamedTuple):
    """A count of elements and the offset of the first in the section."""

    length: int
    offset: int


def read(section: Reader) -> Partition:
    """Read the section.

    Raises:
        UsageError: It is cut or contradicts itself (NPU052), or a PDI (NPU053) or CDO
            (NPU054) in it does.
    """
    values = section.unpack(_PARTITION, 0, "AIE partition")
    schema, name, cycle, inference, pre_post, width = values[:6]
    columns, pdis, commit = _Array(*values[6:8]), _Array(*values[8:10]), values[10]
    return Partition(
        name=section.text(name, "partition name") if name else "",
        schema=schema,
        operations_per_cycle=cycle,
        inference_fingerprint=inference,
        pre_post_fingerprint=pre_post,
        kernel_commit_id=section.text(commit, "kernel commit id") if commit else "",
        column_width=width,
        start_columns=_numbers(section, columns, "H", "start columns"),
        pdis=_read_pdis(section, pdis),
    )


def _numbers(section: Reader, array: _Array, code: str, name: str) -> tuple[int, ...]:
    size = Struct(f"<{code}").size
    if array.length > _MOST:
        raise section.error(array.offset, f"{array.length} {name} are more than {_MOST}")
    raw = section.take(array.offset, array.length * size, name)
    return unpack(f"<{array.length}{code}", raw)


def _read_pdis(section: Reader, array: _Array) -> tuple[PartitionPdi, ...]:
    left = len(section)
    pdis = []
    for number in range(array.length):
        at = array.offset + number * _PDI.size
        uuid, *rest = section.unpack(_PDI, at, "PDI entry")
        image, groups = _Array(*rest[:2]), _Array(*rest[2:])
        left -= image.length + groups.length * _GROUP.size
        if left < 0:
            raise section.error(at, "the PDIs and their groups are larger than the section")
        part = section.part(image.offset, image.length, f"PDI {number}", code="NPU053")
        pdis.append(
            PartitionPdi(
                uuid=UUID(bytes=uuid),
                image=part.data,
                pdi=pdi.read(part),
                groups=tuple(
                    _read_group(section, groups.offset + i * _GROUP.size)
                    for i in range(groups.length)
                ),
            )
        )
    return tuple(pdis)


def _read_group(section: Reader, at: int) -> CdoGroup:
    name, type_, pdi_id, *rest = section.unpack(_GROUP, at, "CDO group")
    kernels, before = _Array(*rest[:2]), _Array(*rest[2:])
    return CdoGroup(
        name=section.text(name, "CDO group name") if name else "",
        type=_GROUP_TYPES.get(type_, str(type_)),
        pdi_id=pdi_id,
        dpu_kernel_ids=_numbers(section, kernels, "Q", "DPU kernel ids"),
        # xclbin.h says 32 bits; xclbinutil writes and reads 64.
        pre_cdo_groups=_numbers(section, before, "Q", "pre CDO groups"),
    )
