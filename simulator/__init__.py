"""A Phoenix NPU array in software.

The public API; what it needs is imported when it is first used, for MLIR is heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.array.host import Limits
    from simulator.mlir.resources import Resources, check
    from simulator.simulation import Run, Simulation

__all__ = ["Limits", "Resources", "Run", "Simulation", "check"]

_HOMES = {
    "Limits": "simulator.array.host",
    "Resources": "simulator.mlir.resources",
    "Run": "simulator.simulation",
    "Simulation": "simulator.simulation",
    "check": "simulator.mlir.resources",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
