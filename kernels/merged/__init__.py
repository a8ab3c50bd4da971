"""Merged designs: several kernels in one hardware context, each with a sequence of its own."""

from kernels.merged.contract import Merged

__all__ = ["Merged"]
