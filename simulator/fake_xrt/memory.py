"""Buffers of the FAKE pyxrt: what the host sees and what the device sees are two memories."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.fake_xrt.enums import BoFlags, SyncDirection
from simulator.fake_xrt.faults import Step

_PAGE = 4096
_addresses = count(0x1_0000_0000, 1 << 24)


class BufferObject:
    """FAKE ``pyxrt.bo``. A sync copies, so that a forgotten one shows as stale data."""

    flags = BoFlags
    normal = BoFlags(0)
    cacheable = BoFlags(1 << 24)
    device_only = BoFlags(1 << 28)
    host_only = BoFlags(1 << 29)
    p2p = BoFlags(1 << 30)
    svm = BoFlags(1 << 27)

    def __init__(self, *args: Any, **named: Any) -> None:
        names = ("device", "size", "flags", "group")
        owner: Any = args[0] if args else named.get("device", named.get("hwctx"))
        if isinstance(owner, BufferObject):
            self._view(owner, *map(int, args[1:]))
            return
        given = dict(zip(names, args, strict=False)) | named
        if "group" not in given:
            given["group"] = given.pop("flags", 0)
        size = int(given["size"])
        owner._board.refuse(Step.BUFFER)
        if size <= 0:
            raise RuntimeError(
                "DRM_IOCTL_AMDXDNA_CREATE_BO IOCTL failed (err=-22): Invalid argument"
            )
        self._where = (given.get("flags", BoFlags(1 << 29)), int(given["group"]))
        self._host: NDArray[Any] = np.zeros(size, np.uint8)
        self._device: NDArray[Any] = np.zeros(size, np.uint8)
        self._address = next(_addresses)

    def _view(self, parent: BufferObject, size: int, offset: int) -> None:
        if size <= 0 or offset < 0 or offset + size > parent.size():
            raise RuntimeError("sub-buffer is outside of its parent")
        self._where = parent._where
        self._host = parent._host[offset : offset + size]
        self._device = parent._device[offset : offset + size]
        self._address = parent._address + offset

    @property
    def _group(self) -> int:
        return self._where[1]

    def write(self, arg0: Any, arg1: int, /) -> None:
        data = np.frombuffer(arg0, np.uint8)
        self._bounds(data.size, arg1)
        self._host[arg1 : arg1 + data.size] = data

    def read(self, arg0: int, arg1: int, /) -> NDArray[np.int8]:
        self._bounds(arg0, arg1)
        return self._host[arg1 : arg1 + arg0].view(np.int8).copy()

    def map(self) -> memoryview:
        if self._where[0] == self.device_only:
            raise RuntimeError("device only buffers cannot be mapped")
        return memoryview(self._host)  # type: ignore[arg-type]

    def sync(self, arg0: SyncDirection, arg1: int = -1, arg2: int = 0, /) -> None:
        size = len(self._host) - arg2 if arg1 < 0 else arg1
        self._bounds(size, arg2)
        part = slice(arg2, arg2 + size)
        if arg0 == SyncDirection.__members__["XCL_BO_SYNC_BO_TO_DEVICE"]:
            self._device[part] = self._host[part]
        elif arg0 == SyncDirection.__members__["XCL_BO_SYNC_BO_FROM_DEVICE"]:
            self._host[part] = self._device[part]
        else:
            raise RuntimeError("this direction is not supported on this device")

    def size(self) -> int:
        return int(self._host.size)

    def address(self) -> int:
        return self._address

    def _bounds(self, size: int, offset: int) -> None:
        if size < 0 or offset < 0 or offset + size > self._host.size:
            raise RuntimeError("access is outside of the buffer")
