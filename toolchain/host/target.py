"""Target host: kernel.cc becomes a shared library that the simulator's cores call.

The sources compile unchanged against `simulator/include`, whose aie_api computes on the
host what AIE2 computes. The library links with nothing, not even libc: what a core has no
library for is found here (`toolchain.static.symbols`), and the library loads wherever it is built.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolchain import packages
from toolchain.host import compiler
from toolchain.static import checks, symbols, tables
from toolchain.static import locals as local_arrays
from toolchain.static.locals import OPTIONS, LocalsStep
from toolchain.storage.places import WORK, Places
from toolchain.storage.store import Store
from toolchain.target import Plan
from toolchain.unit import ObjectSource, Unit
from toolchain.work.diagnose import Cause, Diagnosis
from toolchain.work.runner import Runner
from toolchain.work.steps import CommandStep, FunctionStep, Output, Step

FLAGS = (
    "-std=c++20",
    "-O2",
    "-g1",
    "-fPIC",
    "-DNDEBUG",
    # As on the core: no unwinder, no type information, no guard of the stack.
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-stack-protector",
    # Every host gives the same floats, whether or not it has fused multiply-add.
    "-ffp-contract=off",
    # The loop vectoriser of clang 20 to 22 (zig 0.15 to 0.17) reads wrong elements in nested
    # loops that index by c % N or c / N, N a power of two: tests/toolchain/test_miscompile.py.
    # The vectors of aie_api do not depend on it.
    "-fno-tree-vectorize",
    "-Wall",
    "-Wextra",
    "-Wno-unknown-pragmas",
    "-Wno-attributes",
    # As Peano's flags for aie_api have it.
    "-Wno-missing-template-arg-list-after-template-kw",
)
"""The core's dialect of C++, and line tables so that the linker can name lines."""

UNSIZED = ("-Werror=vla", "-Walloca")
"""No stack is known to hold what has no size before it runs; of an alloca only clang's text tells
its size (`toolchain.static.locals`)."""


class HostTarget:
    """Builds for this machine."""

    name = "host"

    def __init__(self, store: Store, runner: Runner) -> None:
        """Find the compiler; see :func:`toolchain.host.compiler.find` for what it may raise."""
        self._compiler = compiler.find(store, runner)
        self._include = packages.folder("simulator") / "include"

    @property
    def pins(self) -> dict[str, str]:
        """The tools by name."""
        return {"compiler": self._compiler.pin}

    def plan(self, unit: Unit, check: Step, folder: Path) -> Plan:
        """Return the steps behind one unit's libraries; see :class:`toolchain.target.Target`."""
        files: dict[str, Output] = {}
        links: list[tuple[ObjectSource, Step]] = []
        arrays: list[tuple[ObjectSource, LocalsStep]] = []
        for source in unit.objects:
            compiled = self._compile(unit, source, check, folder)
            linked = self._link(unit, source, compiled, folder)
            links.append((source, linked))
            arrays.append((source, self._locals(unit, source, compiled, folder)))
            files[f"{source.stem}.so"] = Output(linked, f"{source.stem}.so")
            files[f"{source.stem}.log"] = Output(compiled, f"{source.stem}.log")
        if not self._compiler.llvm:
            arrays = []
        made = [self._check_symbols(unit, links, arrays, check)]
        if arrays:
            made.append(_check_locals(unit, arrays, check))
        return Plan(
            files=files,
            checks=tuple(made),
            libraries={source.name: f"{source.stem}.so" for source in unit.objects},
        )

    def _compile(self, unit: Unit, source: ObjectSource, check: Step, folder: Path) -> CommandStep:
        made = f"{source.stem}.o"
        return CommandStep(
            name=f"compile {source.source.name}",
            command=self._command(source, "-c", "-o", made),
            outputs=(made, f"{source.stem}.log"),
            log=f"{source.stem}.log",
            kept_log=folder / f"{source.stem}.log",
            **self._compiling(unit, source, check),
        )

    def _locals(self, unit: Unit, source: ObjectSource, compiled: Step, folder: Path) -> LocalsStep:
        name = f"{source.stem}.locals"
        return LocalsStep(
            name=f"read locals of {source.source.name}",
            command=self._command(source, *OPTIONS, "-w", "-o", f"{name}.o"),
            outputs=(f"{name}.json", f"{name}.log"),
            log=f"{name}.log",
            kept_log=folder / f"{name}.log",
            code=f"{name}.o",
            kept=f"{name}.json",
            **self._compiling(unit, source, compiled),
        )

    def _command(self, source: ObjectSource, *what: str) -> tuple[str, ...]:
        beside = source.source.parent
        maps = [f"-ffile-prefix-map={real}={name}" for real, name in self._places(source)]
        defines = [f"-D{name}={value}" for name, value in sorted(source.defines.items())]
        return (
            *(*self._compiler.compiling, *FLAGS, *UNSIZED, *maps, f"-ffile-prefix-map={WORK}=."),
            *("-I", str(beside), "-isystem", str(self._include), *defines),
            *("-MD", "-MF", "headers.d", "-x", "c++", str(source.source), *what),
        )

    def _compiling(self, unit: Unit, source: ObjectSource, before: Step) -> dict[str, Any]:
        """Return what the steps have in common that compile a source."""
        return {
            "unit": unit.title,
            "pin": self._compiler.pin,
            "env": self._compiler.env,
            "sources": (source.source,),
            "failure": Diagnosis(
                message=f"{source.source.name} does not compile",
                cure="mend what the first error line names, then build again",
                code="NPU010",
            ),
            "causes": _compile_causes,
            "headers": "headers.d",
            "pinned": tuple(self._compiler.own),
            "places": self._places(source),
            "search": (source.source.parent, self._include),
            "after": (before,),
        }

    def _places(self, source: ObjectSource) -> Places:
        beside = source.source.parent
        return Places({beside: "kernel", self._include: "include", **self._compiler.own})

    def _link(self, unit: Unit, source: ObjectSource, compiled: Step, folder: Path) -> CommandStep:
        library = f"{source.stem}.so"
        return CommandStep(
            unit=unit.title,
            name=f"link {library}",
            pin=self._compiler.pin,
            command=(*self._compiler.linking, f"{source.stem}.o", "-o", library),
            env=self._compiler.env,
            needs={f"{source.stem}.o": Output(compiled, f"{source.stem}.o")},
            outputs=(library, f"{source.stem}.link.log"),
            log=f"{source.stem}.link.log",
            kept_log=folder / f"{source.stem}.link.log",
            failure=Diagnosis(
                message=f"{library} does not link",
                cure="mend what the linker names, then build again",
                code="NPU011",
            ),
            causes=_link_causes,
        )

    def _check_symbols(
        self,
        unit: Unit,
        links: Sequence[tuple[ObjectSource, Step]],
        arrays: Sequence[tuple[ObjectSource, LocalsStep]],
        check: Step,
    ) -> FunctionStep:
        needs = {checks.RESOURCES: Output(check, checks.RESOURCES)}
        for source, linked in links:
            for name in (f"{source.stem}.so", f"{source.stem}.link.log"):
                needs[name] = Output(linked, name)
        kept = {source.name: step.kept for source, step in arrays}
        needs |= {step.kept: Output(step, step.kept) for _, step in arrays}

        def function(work: Path) -> None:
            inlined = {name: _read(work / file)["math"] for name, file in kept.items()}
            libraries = [
                symbols.Linked(
                    name=source.name,
                    source=source.source,
                    library=work / f"{source.stem}.so",
                    log=work / f"{source.stem}.link.log",
                    places=self._places(source),
                    inlined=inlined.get(source.name, ()),
                )
                for source, _ in links
            ]
            resources = _read(work / checks.RESOURCES)
            wanted = {called["symbol"]: called["objects"] for called in resources["functions"]}
            symbols.check(unit.title, libraries, wanted)
            tables.check(
                unit.title, {linked.name: linked.library for linked in libraries}, resources
            )

        return FunctionStep(
            unit=unit.title,
            name="check symbols",
            pin=f"{symbols.PIN}, {tables.PIN}",
            function=function,
            arguments=[source.name for source, _ in links],
            needs=needs,
        )


def _check_locals(
    unit: Unit, arrays: Sequence[tuple[ObjectSource, LocalsStep]], check: Step
) -> FunctionStep:
    """Return the step that holds the sources' local arrays against the cores' stacks."""
    needs = {checks.RESOURCES: Output(check, checks.RESOURCES)}
    needs |= {step.kept: Output(step, step.kept) for _, step in arrays}

    def function(work: Path) -> None:
        found = {source.name: _read(work / step.kept)["stacks"] for source, step in arrays}
        resources = _read(work / checks.RESOURCES)
        local_arrays.check(unit.title, found, resources)

    return FunctionStep(
        unit=unit.title,
        name="check stacks",
        pin=f"locals {local_arrays.VERSION}",
        function=function,
        arguments=[source.name for source, _ in arrays],
        needs=needs,
    )


def _read(path: Path) -> Any:
    return json.loads(path.read_bytes())


def _compile_causes() -> tuple[Cause, ...]:
    from toolchain.diagnostics import cxx

    return cxx.CAUSES


def _link_causes() -> tuple[Cause, ...]:
    from toolchain.diagnostics import cxx

    return (cxx.NO_SPACE,)
