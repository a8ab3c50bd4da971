"""The vector unit: importing this module registers all its meanings."""

from __future__ import annotations

from simulator.aie2.execution import (
    float_adder,
    products,
    vector_arithmetic,
    vector_conversions,
    vector_moves,
)

PARTS = (float_adder, products, vector_arithmetic, vector_conversions, vector_moves)
