"""Outputs against their golden model, by a comparator that wrong outputs cannot fool."""

from kernels.compare.check import compare
from kernels.compare.histogram import Histogram, histograms
from kernels.compare.poison import Poison
from kernels.compare.result import Comparison, Element, Finding, OutputResult

__all__ = [
    "Comparison",
    "Element",
    "Finding",
    "Histogram",
    "OutputResult",
    "Poison",
    "compare",
    "histograms",
]
