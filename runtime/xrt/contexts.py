"""Hardware contexts: few, shared with every process of the machine, so kept and given back."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakSet

from errors import LabError
from runtime.xrt.failures import failure, of_exception
from runtime.xrt.stack import Stack

LIMIT = 4
"""Contexts that one process keeps. Phoenix has 6 for all processes together."""
_POOL_EMPTY = "NPU420"
_KERNEL = "MLIR_AIE"


class Holder(Protocol):
    """Something that holds runs or buffers of a context."""

    def release(self) -> None:
        """Let go of them: the context is about to be destroyed."""


class Loaded:
    """A context with its kernel.

    Attributes:
        buffers: How many buffers a call can take: more make XRT crash.
        busy: Runs that are under way: while there are any, the context is not given back.
    """

    def __init__(self, xrt: Any, device: Any, path: Path) -> None:
        try:
            xclbin = xrt.xclbin(str(path))
            kernels = [one for one in xclbin.get_kernels() if one.get_name().startswith(_KERNEL)]
        except RuntimeError as error:
            raise of_exception(error, str(path)) from error
        if not kernels:
            raise failure("NPU424", f"{path} has no kernel whose name starts with {_KERNEL}")
        self.buffers: int = kernels[0].get_num_args() - 3
        self.busy = 0
        self.holders: WeakSet[Holder] = WeakSet()
        device.register_xclbin(xclbin)
        self.context = xrt.hw_context(device, xclbin.get_uuid())
        try:
            self.kernel = xrt.kernel(self.context, kernels[0].get_name())
        except RuntimeError:
            # An exception's traceback refers to this object, and must not keep the context.
            self.context = None
            raise

    def close(self) -> None:
        """Give the context back: XRT destroys it with the last object that refers to it."""
        for holder in list(self.holders):
            holder.release()
        self.kernel = self.context = None


class Contexts:
    """The contexts of this process, by the content of their xclbin; the oldest go first.

    Args:
        limit: How many are kept at most.
    """

    def __init__(self, stack: Stack, device: Any, limit: int = LIMIT) -> None:
        self._xrt = stack.module
        self._device = device
        self._limit = limit
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()

    def __len__(self) -> int:
        return len(self._loaded)

    def get(self, key: str, path: Path) -> Loaded:
        """Return the context of an xclbin, made if need be.

        Args:
            key: What :meth:`key` says of it.
            path: The file.

        Where the pool is used up, contexts of this process are given back one by one and the
        creation tried again; those of others cannot be.

        Raises:
            LabError: NPU420 to NPU424.
        """
        if key not in self._loaded:
            while len(self._loaded) >= self._limit and self._evict():
                pass
            self._loaded[key] = self._create(path)
        self._loaded.move_to_end(key)
        return self._loaded[key]

    def discard(self, loaded: Loaded) -> None:
        """Destroy a context after a failure; the next call makes it anew."""
        for key, one in list(self._loaded.items()):
            if one is loaded:
                del self._loaded[key]
        loaded.close()

    def close(self) -> None:
        """Give all contexts back."""
        for loaded in list(self._loaded.values()):
            self.discard(loaded)

    @staticmethod
    def key(path: Path) -> str:
        """Return what tells one xclbin from another: its content, not its name or time."""
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise failure("NPU424", f"{path}: {error.strerror}") from error

    def _create(self, path: Path) -> Loaded:
        while True:
            try:
                return Loaded(self._xrt, self._device, path)
            except RuntimeError as error:
                named: LabError = of_exception(error, str(path))
                if named.code != _POOL_EMPTY or not self._evict():
                    raise named from error

    def _evict(self) -> bool:
        """Give back the oldest context on which nothing runs; tell whether there was one."""
        for key, loaded in self._loaded.items():
            if not loaded.busy:
                del self._loaded[key]
                loaded.close()
                return True
        return False
