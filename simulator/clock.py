"""The clock of the array, in one place for all that states times."""

from __future__ import annotations

CLOCK_HZ = 1_250_000_000
"""Cycles a second that modelled times assume, unless told otherwise.

A Phoenix runs its array at 0.8 to 1.6 GHz by power level (the `npu1_dpm_clk_table` of the amdxdna
driver: 800, 1024, 1309, 1600 MHz). At 1.25 GHz, cycles counted in machine code come to the times
that were measured on a Phoenix (`runtime.model.measured`), with a constant for dispatch.
"""
