"""Target aie2: kernel.cc and the design become what an NPU runs.

Per object Peano compiles ``kernel.o``; its symbols, code and stack are checked before aiecc
sees it. aiecc then makes ``design.xclbin``, ``insts.bin`` and a program per core of the very
design text that the simulator runs; the programs are held against their tiles.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from toolchain.aie2 import aiecc, cores, environment, objects, options
from toolchain.aie2.aiecc import AieccStep
from toolchain.aie2.environment import Environment
from toolchain.pins import lockfile
from toolchain.static import checks
from toolchain.storage import disk
from toolchain.storage.places import WORK, Places
from toolchain.storage.store import Store
from toolchain.target import Plan
from toolchain.unit import ObjectSource, Unit
from toolchain.work.diagnose import Cause, Diagnosis
from toolchain.work.runner import Runner
from toolchain.work.steps import CommandStep, FunctionStep, Output, Step

OBJECTS, USAGE = "objects.json", "usage.json"
"""What the checks counted: of the objects, and of the linked programs."""

Compiled = Sequence[tuple[ObjectSource, Step]]
"""The objects of a unit, each with the step that compiles it."""

AIECC_TIMEOUT = 1800.0
"""Seconds for a whole design."""


def find(store: Store, python: str | None = None) -> Environment:
    """Return the installed environment of the lock's variant.

    Raises:
        MissingEnvironment: NPU024, the variant is not yet pinned; NPU038, there is no
            packer; NPU039, it is not installed.
        UsageError: The lock is wrong.
    """
    wheels = lockfile.load().variant(python)
    found = environment.find(store, wheels)
    if found is None:
        raise environment.missing(wheels)
    return found


class Aie2Target:
    """Builds for the NPU."""

    name = "aie2"

    def __init__(self, store: Store, runner: Runner) -> None:
        """Find the toolchain; see :func:`find` for what it may raise."""
        self._environment = find(store, runner.python)

    @property
    def pins(self) -> dict[str, str]:
        """The tools by name."""
        return self._environment.pins

    def plan(self, unit: Unit, check: Step, folder: Path) -> Plan:
        """Return the steps behind one unit's artifacts; see :class:`toolchain.target.Target`."""
        compiled = [(source, self._compile(unit, source, check, folder)) for source in unit.objects]
        checked = _check_objects(unit, compiled, check)
        tiles = tuple(cores.of_design(unit.design))
        lowered = self._lower(unit, compiled, check, checked, tiles, folder)
        usage = _check_cores(unit, lowered, check, tiles)
        files = {name: Output(lowered, name) for name in lowered.outputs}
        files |= {OBJECTS: Output(checked, OBJECTS), USAGE: Output(usage, USAGE)}
        for _, step in compiled:
            files |= {name: Output(step, name) for name in step.outputs}
        return Plan(
            files=files,
            libraries={source.name: f"{source.stem}.o" for source in unit.objects},
        )

    def _compile(self, unit: Unit, source: ObjectSource, check: Step, folder: Path) -> CommandStep:
        env, beside, stem = self._environment, source.source.parent, source.stem
        places = Places({beside: "kernel", env.site: "toolchain"})
        maps = [f"-ffile-prefix-map={real}={name}" for real, name in places]
        defines = [f"-D{name}={value}" for name, value in sorted(source.defines.items())]
        return CommandStep(
            unit=unit.title,
            name=f"compile {source.source.name}",
            pin=f"{env.pin('llvm-aie')}, {env.pin('mlir-aie')}",
            command=(
                *(env.tool("clang++"), *options.COMPILE),
                *(*maps, f"-ffile-prefix-map={WORK}=."),
                *("-I", str(beside), "-I", str(env.include), *defines),
                *("-fsave-optimization-record", f"-foptimization-record-file={stem}.remarks.yaml"),
                *("-MD", "-MF", "headers.d", "-c", str(source.source), "-o", f"{stem}.o"),
            ),
            env=env.env,
            sources=(source.source,),
            outputs=(f"{stem}.o", f"{stem}.remarks.yaml", f"{stem}.log"),
            log=f"{stem}.log",
            kept_log=folder / f"{stem}.log",
            failure=Diagnosis(
                message=f"{source.source.name} does not compile",
                cure="mend what the first error line names, then build again",
                code="NPU010",
            ),
            causes=_compile_causes,
            headers="headers.d",
            pinned=(env.site,),
            ready=env.check,
            places=places,
            search=(beside, env.include),
            after=(check,),
        )

    def _lower(
        self,
        unit: Unit,
        compiled: Compiled,
        check: Step,
        checked: Step,
        tiles: tuple[cores.Tile, ...],
        folder: Path,
    ) -> AieccStep:
        env = self._environment
        needs = {checks.DESIGN: Output(check, checks.DESIGN)}
        for source, step in compiled:
            needs[f"{source.stem}.o"] = Output(step, f"{source.stem}.o")
        programs = tuple(cores.file_name(tile) for tile in tiles)
        return AieccStep(
            unit=unit.title,
            name="aiecc",
            pin=", ".join(env.pins.values()),
            command=(
                *(env.tool("aiecc"), *options.required(bool(unit.sequences)), *env.record.options),
                checks.DESIGN,
            ),
            env=env.env,
            timeout=AIECC_TIMEOUT,
            needs=needs,
            after=(checked,),
            outputs=(
                *(options.XCLBIN, *map(options.instructions, unit.sequences or ("",))),
                *(aiecc.LOWERED, "aiecc.log"),
                *programs,
            ),
            log="aiecc.log",
            kept_log=folder / "aiecc.log",
            failure=Diagnosis(
                message="aiecc does not build the design",
                cure="read its first error line; the log has them all",
                code="NPU042",
            ),
            causes=_design_causes,
            ready=env.check,
            objects={f"{source.stem}.o": source.name for source, _ in compiled},
            programs=tiles,
            sequences=unit.sequences,
        )


def _compile_causes() -> tuple[Cause, ...]:
    from toolchain.diagnostics import compile as compiling
    from toolchain.diagnostics import install as installing

    return (*installing.CAUSES, *compiling.CAUSES)


def _design_causes() -> tuple[Cause, ...]:
    from toolchain.diagnostics import design as designing
    from toolchain.diagnostics import install as installing

    return (*installing.CAUSES, *designing.CAUSES)


def _check_objects(unit: Unit, compiled: Compiled, check: Step) -> FunctionStep:
    needs = {checks.RESOURCES: Output(check, checks.RESOURCES)}
    for source, step in compiled:
        needs[f"{source.stem}.o"] = Output(step, f"{source.stem}.o")

    def function(work: Path) -> None:
        files = [(source, work / f"{source.stem}.o") for source, _ in compiled]
        resources = json.loads((work / checks.RESOURCES).read_bytes())
        found = objects.check(unit.title, files, resources)
        disk.replace_file(work / OBJECTS, _pretty(found))

    return FunctionStep(
        unit=unit.title,
        name="check objects",
        pin=objects.PIN,
        function=function,
        arguments=[source.name for source, _ in compiled],
        needs=needs,
        outputs=(OBJECTS,),
    )


def _check_cores(
    unit: Unit, lowered: Step, check: Step, tiles: tuple[cores.Tile, ...]
) -> FunctionStep:
    needs = {checks.RESOURCES: Output(check, checks.RESOURCES)}
    needs |= {cores.file_name(tile): Output(lowered, cores.file_name(tile)) for tile in tiles}

    def function(work: Path) -> None:
        programs = {tile: work / cores.file_name(tile) for tile in tiles}
        resources = json.loads((work / checks.RESOURCES).read_bytes())
        disk.replace_file(work / USAGE, _pretty(cores.check(unit.title, programs, resources)))

    return FunctionStep(
        unit=unit.title,
        name="check cores",
        pin=cores.PIN,
        function=function,
        arguments=[list(tile) for tile in tiles],
        needs=needs,
        outputs=(USAGE,),
    )


def _pretty(value: object) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"
