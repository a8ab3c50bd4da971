"""Numbers as people read them, at most nine characters wide."""

from __future__ import annotations


def seconds(value: float) -> str:
    """Return a time: ``850 ns``, ``12.3 us``, ``4.56 ms``, ``78.9 s``."""
    for unit, scale in (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3)):
        if value < 999.5 * scale:
            return f"{_three_digits(value / scale)} {unit}"
    return f"{_three_digits(value)} s"


def count(value: int) -> str:
    """Return a count: ``1,234,567``, ``123.5 M``, ``12.3 G``."""
    if value < 10_000_000:
        return f"{value:,}"
    return f"{value / 1e6:.1f} M" if value < 1_000_000_000 else f"{value / 1e9:.1f} G"


def number(value: int, noun: str) -> str:
    """Return a count with its noun: ``1 case``, ``1,234 cases``."""
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def size(value: int) -> str:
    """Return a size in bytes: ``512 B``, ``1.5 KiB``, ``3.2 MiB``."""
    if value < 1024:
        return f"{value} B"
    for unit, scale in (("KiB", 1 << 10), ("MiB", 1 << 20)):
        if value < 1024 * scale:
            return f"{value / scale:.1f} {unit}"
    return f"{value / (1 << 30):.1f} GiB"


def error(worst: float, limit: float, unit: str) -> str:
    """Return an error beside what is allowed: ``exact``, ``1/16 steps`` or ``66% of tol``.

    Args:
        worst: The error, in `unit`.
        limit: The largest that is right.
        unit: What both count.
    """
    if worst == limit == 0:
        return "exact"
    if 0 < limit < 1:
        return f"{worst / limit:.0%} of tol"
    return f"{worst:.3g}/{limit:.3g} {unit}"


def _three_digits(value: float) -> str:
    if value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"
