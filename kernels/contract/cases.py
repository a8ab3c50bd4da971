"""Input data for a kernel: edges first, then seeded random."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np

from kernels.contract.arguments import Arg, Array, Role
from kernels.contract.tolerance import is_float


@dataclass(frozen=True)
class Case:
    """One set of inputs, by argument name, and the name that tests and reports print."""

    name: str
    inputs: Mapping[str, Array] = field(repr=False)

    def __str__(self) -> str:
        return self.name


def standard_cases(
    args: tuple[Arg, ...],
    seed: int,
    random_cases: int = 3,
    params: Mapping[str, Array] | None = None,
) -> Iterator[Case]:
    """Yield zeros, both extremes, ramps, special floats where the dtype has them, random.

    Edge data goes to the inputs, and to parameters that have no default; the random cases
    draw every argument, parameters too, so that a kernel which ignores one is found.

    The same seed always gives the same data: streams are keyed by case and argument name, so
    adding an argument changes no other's data.

    Args:
        args: The kernel's arguments; those that are read get data.
        seed: Any integer that is not negative.
        random_cases: How many random cases end the list.
        params: The kernel's default parameters, by name.
    """
    read = [arg for arg in args if arg.role.is_read]
    floats = any(is_float(arg.dtype) for arg in read if arg.role is not Role.PARAM)
    for name, fill in (_FILLS | _FLOAT_FILLS if floats else _FILLS).items():
        yield Case(name, {arg.name: (params or {}).get(arg.name, fill(arg)) for arg in read})
    for index in range(random_cases):
        name = f"random-{index}"
        yield Case(name, {arg.name: random_array(arg, f"{name}/{arg.name}", seed) for arg in read})


def random_array(arg: Arg, stream: str, seed: int) -> Array:
    """Return reproducible data for `arg`: the whole range of an integer dtype, a standard
    normal for a float.
    """
    rng = np.random.default_rng([seed, zlib.crc32(stream.encode())])
    if is_float(arg.dtype):
        return rng.standard_normal(arg.shape).astype(arg.dtype)
    info = np.iinfo(arg.dtype)
    return rng.integers(info.min, info.max, arg.shape, dtype=arg.dtype, endpoint=True)


def _full(arg: Arg, value: float) -> Array:
    return np.full(arg.shape, value, arg.dtype)


def _alternating(arg: Arg) -> Array:
    """Both extremes in turn: the largest differences between neighbours."""
    low, high = _range(arg.dtype)
    return _spread(arg, [low, high])


def _ramp(arg: Arg) -> Array:
    """Every element tells its place, so that a shuffled or shifted output shows.

    The ramp starts at the dtype's lowest value (at 0 for floats) and its period is a prime, so
    that no shift by a power of two maps it to itself.
    """
    steps = np.arange(arg.size) % _PERIODS.get(arg.dtype.itemsize * 8, _LONG_PERIOD)
    if is_float(arg.dtype):
        return (steps % _FLOAT_PERIOD).astype(arg.dtype).reshape(arg.shape)
    return (steps + int(np.iinfo(arg.dtype).min)).astype(arg.dtype).reshape(arg.shape)


def _impulse(arg: Arg) -> Array:
    """One element of 1 in zeros, off centre: shows which outputs an input reaches."""
    flat = np.zeros(arg.size, arg.dtype)
    flat[arg.size // 3 : arg.size // 3 + 1] = 1
    return flat.reshape(arg.shape)


def _tiny(arg: Arg) -> Array:
    """Signed zeros, subnormals and the smallest normal numbers, of both signs."""
    if not is_float(arg.dtype):
        return _full(arg, 0)
    info = ml_dtypes.finfo(arg.dtype)  # type: ignore[no-untyped-call]
    normal, least = float(info.smallest_normal), float(info.smallest_subnormal)
    return _spread(arg, [0.0, -0.0, least, -least, normal - least, least - normal, normal, -normal])


def _nan(arg: Arg) -> Array:
    return _sprinkled(arg, [np.nan])


def _inf(arg: Arg) -> Array:
    return _sprinkled(arg, [np.inf, -np.inf])


def _spread(arg: Arg, values: list[float]) -> Array:
    """Return `values` over and over, in the argument's shape."""
    return np.resize(np.array(values, arg.dtype), arg.shape)


def _sprinkled(arg: Arg, values: list[float]) -> Array:
    """Return random data with every seventh element one of `values` (floats only)."""
    data = random_array(arg, f"special/{arg.name}", 0)
    if is_float(arg.dtype):
        places = data.reshape(-1)[::7]
        places[:] = np.resize(np.array(values, arg.dtype), places.shape)
    return data


def _range(dtype: np.dtype[Any]) -> tuple[float, float]:
    if is_float(dtype):
        info = ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
        return float(info.min), float(info.max)
    integer = np.iinfo(dtype)
    return integer.min, integer.max


_PERIODS = {8: 251, 16: 65521}
"""The largest prime below the number of values of a narrow integer, by its bits."""

_LONG_PERIOD = 2**31 - 1

_FLOAT_PERIOD = 251
"""bfloat16 holds every integer up to 256."""

_FILLS: dict[str, Callable[[Arg], Array]] = {
    "zeros": lambda arg: _full(arg, 0),
    "lowest": lambda arg: _full(arg, _range(arg.dtype)[0]),
    "highest": lambda arg: _full(arg, _range(arg.dtype)[1]),
    "alternating": _alternating,
    "ramp": _ramp,
    "impulse": _impulse,
}

_FLOAT_FILLS: dict[str, Callable[[Arg], Array]] = {"tiny": _tiny, "nan": _nan, "inf": _inf}
