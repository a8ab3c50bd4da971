"""How far an output may be from its golden model: a frozen object that says why."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.contract.arguments import Array

Errors = NDArray[np.float64]
Mask = NDArray[np.bool_]

SMALL = 1 / 8
"""Share of a tolerance's floor below which an element is small beside the errors that it may have:
steps between representable values say nothing of it.
"""


@dataclass(frozen=True)
class Tolerance(ABC):
    """Base of the tolerances.

    Attributes:
        reason: Where the number comes from, as a sentence.
    """

    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError("a tolerance says where it comes from: give a reason")
        if not (math.isfinite(self.limit) and self.limit >= 0):
            raise ValueError(f"a tolerance is finite and not negative, got {self.limit}")

    @abstractmethod
    def error(self, actual: Array, expected: Array) -> Errors:
        """Return each element's error in `unit` for arrays of one shape and dtype.

        NaN against NaN is 0, NaN against a number is infinite.
        """

    def small(self, expected: Array) -> Mask:
        """Return which elements are so small that only the absolute error counts; see `SMALL`."""
        return np.zeros_like(expected, np.bool_)

    def with_spread(self, spread: Array | None) -> Tolerance:  # noqa: ARG002
        """Return the tolerance of elements of such a spread; itself, unless it is a `Spread`."""
        return self

    @property
    @abstractmethod
    def limit(self) -> float:
        """The largest error that passes."""

    @property
    @abstractmethod
    def unit(self) -> str:
        """What `error` counts: ``steps``, ``ULP`` or ``relative``."""

    def suits(self, dtype: np.dtype[Any]) -> bool:
        """Return whether the tolerance means something for outputs of `dtype`."""
        return is_float(dtype)

    def __str__(self) -> str:
        return f"at most {self.limit:g} {self.unit} ({self.reason})"


@dataclass(frozen=True)
class Exact(Tolerance):
    """Bit for bit: -0.0 is not 0.0; only NaN matches NaN of any payload."""

    @property
    def limit(self) -> float:
        return 0.0

    @property
    def unit(self) -> str:
        return "steps"

    def suits(self, dtype: np.dtype[Any]) -> bool:
        return dtype.kind in "iub" or is_float(dtype)

    def error(self, actual: Array, expected: Array) -> Errors:
        return distance(actual, expected, signed_zeros=True)

    def __str__(self) -> str:
        return f"exact ({self.reason})"


@dataclass(frozen=True)
class IntSteps(Tolerance):
    """Integer outputs within `steps` of the golden value."""

    steps: int

    @property
    def limit(self) -> float:
        return float(self.steps)

    @property
    def unit(self) -> str:
        return "steps"

    def suits(self, dtype: np.dtype[Any]) -> bool:
        return dtype.kind in "iu"

    def error(self, actual: Array, expected: Array) -> Errors:
        return distance(actual, expected)


@dataclass(frozen=True)
class Ulps(Tolerance):
    """Float outputs within `ulps` representable values of the golden one; -0.0 is 0.0."""

    ulps: int

    @property
    def limit(self) -> float:
        return float(self.ulps)

    @property
    def unit(self) -> str:
        return "ULP"

    def error(self, actual: Array, expected: Array) -> Errors:
        return distance(actual, expected)


@dataclass(frozen=True)
class _Scaled(Tolerance):
    """Float outputs with |actual - expected| <= `rtol` * a scale of each element's own."""

    rtol: float

    @property
    def limit(self) -> float:
        return self.rtol

    @property
    def unit(self) -> str:
        return "relative"

    def error(self, actual: Array, expected: Array) -> Errors:
        with np.errstate(all="ignore"):
            wide_a, wide_e = actual.astype(np.float64), expected.astype(np.float64)
            error = np.abs(wide_a - wide_e) / self._scale(np.abs(wide_e))
        return _special(actual, expected, error)

    @abstractmethod
    def _scale(self, magnitude: Errors) -> Errors:
        """Return what errors are divided by, of elements with these expected magnitudes."""


@dataclass(frozen=True)
class Relative(_Scaled):
    """Float outputs with |actual - expected| <= `rtol` * max(|expected|, `floor`).

    The floor is positive: it says below which magnitude the error counts absolutely.
    """

    floor: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (math.isfinite(self.floor) and self.floor > 0):
            raise ValueError(f"the floor of a relative tolerance is positive, got {self.floor}")

    def _scale(self, magnitude: Errors) -> Errors:
        return np.maximum(magnitude, self.floor)

    def small(self, expected: Array) -> Mask:
        return _below(expected, SMALL * self.floor)


@dataclass(frozen=True)
class Spread(_Scaled):
    """Means of values that may cancel: |actual - expected| <= `rtol` * (|expected| + `share` * s).

    The spread s is each element's own, from `Kernel.spreads`: how far apart the values are whose
    mean it is. So the tolerance follows the data, up and down. An |expected| below the `floor`
    counts as that: it is positive, and covers what is lost of subnormal numbers.

    Attributes:
        spread: Of the elements that are looked at; see `with_spread`.
    """

    share: float
    floor: float
    spread: Array | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in (("share", self.share), ("floor", self.floor)):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"the {name} of a tolerance of spreads is positive, got {value}")

    def _scale(self, magnitude: Errors) -> Errors:
        scale: Errors = np.maximum(magnitude, self.floor) + self._part()
        return scale

    def small(self, expected: Array) -> Mask:
        return _below(expected, SMALL * np.maximum(self._part(), self.floor))

    def with_spread(self, spread: Array | None) -> Tolerance:
        return replace(self, spread=spread)

    def _part(self) -> Array:
        if self.spread is None:
            raise ValueError("this tolerance needs each element's spread: hand it Kernel.spreads")
        return self.share * self.spread


def is_float(dtype: np.dtype[Any]) -> bool:
    """Return whether `dtype` is a floating-point type, those of ml_dtypes included."""
    return dtype.kind == "f" or dtype.name.startswith(("bfloat", "float"))


def distance(actual: Array, expected: Array, *, signed_zeros: bool = False) -> Errors:
    """Return how many representable values lie between the elements of two arrays.

    For integers that is the difference, for floats the error in units in the last place. Both
    are exact in 64 bits before they become float64, so that a difference is never rounded away.

    Args:
        actual: One array.
        expected: Another of the same shape and dtype.
        signed_zeros: Count -0.0 and 0.0 as one step apart, not as one value.
    """
    if not is_float(expected.dtype):
        return _gap(_widened(actual), _widened(expected))
    steps = _gap(_ordered(actual, signed_zeros), _ordered(expected, signed_zeros))
    return _special(actual, expected, steps)


def _widened(values: Array) -> Array:
    """Return integers as 64-bit ones of the same sign, booleans as 0 and 1."""
    return values.astype(np.int64 if values.dtype.kind == "i" else np.uint64)


def _ordered(values: Array, signed_zeros: bool) -> Array:
    """Map float bits to integers whose order and distance are those of the values.

    A negative float's integer is that of its magnitude, negated; where zeros are signed, one
    further, which makes room for -0.0 below 0.0.
    """
    raw = values.view(f"i{values.dtype.itemsize}")
    lowest = np.iinfo(raw.dtype).min
    wide = raw.astype(np.int64)
    with np.errstate(over="ignore"):  # only where the value is not taken
        return np.where(wide < 0, lowest - wide - int(signed_zeros), wide)


def _gap(left: Array, right: Array) -> Errors:
    """Return |left - right| of 64-bit integers: unsigned wrap-around makes it exact."""
    low, high = np.minimum(left, right), np.maximum(left, right)
    gap: Errors = (high.view(np.uint64) - low.view(np.uint64)).astype(np.float64)
    return gap


def _below(values: Array, bound: float | Array) -> Mask:
    """Return which numbers are nearer to 0 than `bound`; NaN is not."""
    with np.errstate(invalid="ignore"):
        below: Mask = np.abs(values.astype(np.float64)) < bound
    return below


def _special(actual: Array, expected: Array, error: Array) -> Errors:
    """Give NaN and infinity their due: equal kinds are 0 apart, different kinds infinitely."""
    with np.errstate(invalid="ignore"):  # what a signalling NaN raises
        nan_a, nan_e = np.isnan(actual), np.isnan(expected)
        inf_a, inf_e = np.isinf(actual), np.isinf(expected)
        same = (nan_a & nan_e) | (inf_a & inf_e & (actual == expected))
    different = (nan_a ^ nan_e) | ((inf_a | inf_e) & ~same)
    return np.where(same, 0.0, np.where(different, np.inf, error))
