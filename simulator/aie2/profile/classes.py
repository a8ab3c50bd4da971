"""Classes of instructions, as a profile counts them."""

from __future__ import annotations

from enum import StrEnum
from functools import cache

from simulator.aie2.execution.control import BRANCHES, waiting
from simulator.aie2.execution.schedule import timing
from simulator.aie2.execution.wording import plain
from simulator.aie2.instruction import Encoding


class Class(StrEnum):
    """What an instruction is for."""

    LOAD = "load"
    STORE = "store"
    PART_STORE = "part-word store"
    VECTOR_LOAD = "vector load"
    VECTOR_STORE = "vector store"
    POINTER = "pointer"
    MOVE = "move"
    ARITHMETIC = "arithmetic"
    MULTIPLY = "multiply"
    DIVISION = "division step"
    BRANCH = "branch"
    WAIT = "lock or stream"
    VECTOR = "vector arithmetic"
    VECTOR_MULTIPLY = "vector multiply"
    CONVERT = "vector conversion"
    VECTOR_MOVE = "vector move"
    NOP = "nop"


_PREFIXES = (
    (("vmul", "vmac", "vmsc", "vnegmul", "vnegmac", "vnegmsc", "vaddmac", "vsubmac"),
     Class.VECTOR_MULTIPLY),
    (("vups", "vsrs", "vconv", "vunpack", "vpack", "vfloor"), Class.CONVERT),
    (("vmov", "vshuffle", "vshift", "vextract", "vinsert", "vbcst", "vpush", "vclr", "vsel"),
     Class.VECTOR_MOVE),
    (("v",), Class.VECTOR),
    (("padd",), Class.POINTER),
    (("divs",), Class.DIVISION),
    (("mul",), Class.MULTIPLY),
    (("mov",), Class.MOVE),
)  # fmt: skip


@cache
def class_of(encoding: Encoding) -> Class:
    """Return the class of an encoding."""
    name = plain(encoding)
    if name.startswith("nop") or name in ("event", "done"):
        return Class.NOP
    if name in BRANCHES:
        return Class.BRANCH
    if waiting(encoding.mnemonic, encoding.layout) is not None:
        return Class.WAIT
    schedule = timing(encoding)
    if schedule is not None and schedule.memory:
        return _of_memory(name, len(schedule.memory))
    for prefixes, found in _PREFIXES:
        if name.startswith(prefixes):
            return found
    return Class.ARITHMETIC


def _of_memory(name: str, accesses: int) -> Class:
    if name.startswith("v"):
        return Class.VECTOR_STORE if name.startswith("vst") else Class.VECTOR_LOAD
    if name.startswith("st"):
        return Class.PART_STORE if accesses > 1 else Class.STORE
    return Class.LOAD
