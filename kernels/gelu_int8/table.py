"""The table that makes the look-up a GELU: exact, in float64, rounded once."""

from __future__ import annotations

import math

import numpy as np

from kernels.contract import Array

SCALE = 1 / 32
"""One int8 step of the activations, in and out alike: they span [-4, 3.97], where GELU leaves
its asymptotes (0 and x) by less than half a step at both ends."""


def gelu(x: float) -> float:
    """Return x * Phi(x), the exact Gaussian error linear unit (Hendrycks and Gimpel, 2016).

    The complementary error function keeps Phi's relative precision where x is very negative.
    """
    return x * 0.5 * math.erfc(-x / math.sqrt(2))


def gelu_table() -> Array:
    """Return 256 int8: entry b is GELU of the int8 value whose byte is b, rounded to even.

    Entries 0 to 127 are thus GELU of 0 to 127 steps, entries 128 to 255 of -128 to -1.
    """
    steps = np.arange(256, dtype=np.uint8).view(np.int8)
    exact = np.array([gelu(step * SCALE) / SCALE for step in steps.tolist()])
    table: Array = np.clip(np.rint(exact), -128, 127).astype(np.int8)
    return table
