"""Making an xclbin the same bytes each time: uuids of its content, and no time of day.

xclbinutil gives every xclbin a random uuid and the time, once in the header (XRT's
``xclbin.h``, struct ``axlf``) and once in the JSON copy behind the sections. XRT tells
xclbins apart by the uuid, so that one made of the content keeps what it is for.
"""

from __future__ import annotations

import hashlib
import re
from uuid import UUID

from toolchain.artifacts import xclbin

_UNIQUE_ID = slice(296, 304)
_TIMESTAMP = slice(312, 320)
_UUID = slice(416, 432)
_MIRROR = b"XCLBIN_MIRROR_DATA_START"
_MIRRORED = re.compile(rb'("(UniqueID|TimeStamp|XclBinUUID)":")([^"]*)(")')


def normalise(data: bytes) -> bytes:
    """Return an xclbin with a uuid of its content, and without unique id and time.

    Raises:
        UsageError: NPU051 to NPU054, it is no whole xclbin.
    """
    before = xclbin.decode(data)
    blank = bytearray(data)
    for part in (_UNIQUE_ID, _TIMESTAMP, _UUID):
        blank[part] = bytes(part.stop - part.start)
    for partition in before.partitions:
        for entry in partition.pdis:
            _replace(blank, entry.uuid, _made_of(entry.image))
    _rewrite_mirror(blank, UUID(int=0))
    uuid = _made_of(bytes(blank))
    blank[_UUID] = uuid.bytes
    _rewrite_mirror(blank, uuid)
    return bytes(blank)


def _made_of(content: bytes) -> UUID:
    return UUID(bytes=hashlib.sha256(content).digest()[:16], version=5)


def _replace(data: bytearray, old: UUID, new: UUID) -> None:
    """Give a PDI its new uuid, unless it has none."""
    at = data.find(old.bytes) if old.int else -1
    if at >= 0:
        data[at : at + 16] = new.bytes


def _rewrite_mirror(data: bytearray, uuid: UUID) -> None:
    """Write the JSON copy's values anew, each in the length that it has."""
    start = data.find(_MIRROR)
    if start < 0:
        return

    def value(found: re.Match[bytes]) -> bytes:
        text = uuid.hex.encode() if found[2] == b"XclBinUUID" else b""
        return found[1] + text.rjust(len(found[3]), b"0") + found[4]

    data[start:] = _MIRRORED.sub(value, bytes(data[start:]))
