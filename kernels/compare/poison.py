"""What outputs hold before a run, so that an output never written is told from a wrong one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.contract import Array

_COMMON = (0x00, 0x7F, 0x80, 0xFF)
"""Bytes that kernels often write: zero, both ends of int8, minus one. Poison has none."""


@dataclass(frozen=True)
class Poison:
    """A pseudo-random byte pattern; the same seed always gives the same bytes.

    Attributes:
        seed: Any integer that is not negative; another one in every run, so that a stale
            output of the last run is never taken for a fresh one.
    """

    seed: int

    def fill(self, array: Array) -> None:
        """Overwrite every byte of `array`, in place."""
        array[...] = self._pattern(array.nbytes).view(array.dtype).reshape(array.shape)

    def left_in(self, array: Array) -> NDArray[np.bool_]:
        """Return which elements of `array` still hold all their bytes of the pattern."""
        held = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        same = held == self._pattern(array.nbytes)
        left: NDArray[np.bool_] = same.reshape(array.size, -1).all(axis=1)
        return left.reshape(array.shape)

    def _pattern(self, size: int) -> NDArray[np.uint8]:
        alphabet = np.setdiff1d(np.arange(256, dtype=np.uint8), np.array(_COMMON, np.uint8))
        picks = np.random.default_rng(self.seed).integers(0, alphabet.size, size, dtype=np.uint8)
        return alphabet[picks]
