"""Both engines on the same program: what they did, to be compared."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from errors import LabError
from simulator.aie2.execution.pipeline import Pipeline
from simulator.aie2.machine import ProgramMemory, Symbols
from simulator.aie2.native.engine import NativePipeline
from simulator.aie2.native.unit import Compile, Unit, source, unit_of
from simulator.array.core import Acquire, CascadeRead, CoreRequest, Delay, StreamRead
from tests.execution.machine import Core


@dataclass(frozen=True)
class Outcome:
    """How a program ended, what it asked of the array, and what it left."""

    end: str
    asked: list[str]
    scalars: list[int]
    vectors: bytes
    bypassed: bytes
    memory: bytes
    events: list[tuple[str, int, int]]


def outcome(
    code: ProgramMemory,
    setup: Mapping[str, int | bytes],
    compile_: Compile | None,
    *,
    cycles: int,
    data: bytes = b"",
) -> Outcome:
    """Run a program for at most about `cycles` by one engine: native with `compile_`."""
    core = Core()
    core.memory[: len(data)] = np.frombuffer(data, np.uint8)
    pipeline: Pipeline
    if compile_ is None:
        pipeline = Pipeline(core.context, code, 0, Symbols(), None)
    else:
        pipeline = NativePipeline(core.context, code, 0, Symbols(), compile_)
    for name, value in setup.items():
        pipeline.state.write(name, value)
    asked: list[str] = []
    try:
        asked += _served(pipeline, cycles)
        end = "done" if "limit" not in asked else "limit"
    except LabError as refusal:
        end = f"{refusal.code} {refusal.message}"
    except (ValueError, IndexError) as fault:
        end = f"{type(fault).__name__} {fault}"
    state = pipeline.state
    return Outcome(
        end,
        asked,
        list(state.scalar),
        bytes(state.vector),
        bytes(state.bypassed),
        core.memory.tobytes(),
        core.events,
    )


def _served(pipeline: Pipeline, cycles: int) -> Iterator[str]:
    run, passed, reply = pipeline.run(), 0, None
    while passed < cycles:
        try:
            request: CoreRequest = run.send(reply)
        except StopIteration:
            return
        yield _shown(request)
        passed += request.cycles if isinstance(request, Delay) else 1
        reply = None
        if isinstance(request, StreamRead | CascadeRead):
            reply = np.arange(16, dtype=np.uint32) + passed
    yield "limit"


def _shown(request: CoreRequest) -> str:
    if isinstance(request, Delay | Acquire | StreamRead | CascadeRead):
        return str(request)
    return f"{type(request).__name__} {request.data.tolist()}"


class Batch:
    """Compiles the code of many programs at once, and what else they reach one by one."""

    def __init__(self, programs: Collection[ProgramMemory], compile_: Compile) -> None:
        found = [unit_of(bytes(code.data), code.extent, 0) for code in programs]
        units: dict[str, Unit] = {unit.key: unit for unit in found if unit is not None}
        self._keys = set(units)
        self._compile = compile_
        self._library = compile_(source(list(units.values())))
        self.single = 0

    def __call__(self, text: str) -> Path:
        key = re.search(r"entries_(\w+)\[", text)
        if key is not None and key[1] in self._keys:
            return self._library
        self.single += 1
        return self._compile(text)
