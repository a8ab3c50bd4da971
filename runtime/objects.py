"""Objects that a surveyed design links, compiled from their C or C++ source for this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from errors import CheckFailed, UsageError
from toolchain import compiler, packages
from toolchain.host import FLAGS
from toolchain.runner import LocalRunner
from toolchain.store import Store

_SECONDS = 120.0
_CPP_ONLY = ("-std=c++20", "-fno-rtti", "-Wno-missing-template-arg-list-after-template-kw")


def compile_objects(sources: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Compile sources into `folder`; return a shared library for each object name.

    They see the headers beside them and those of ``simulator/include``, and are compiled with
    the flags of the host target. C++ knows the intrinsics that Peano knows without a header.

    Raises:
        UsageError: NPU309, there is no such source.
        MissingEnvironment: There is no compiler.
        CheckFailed: NPU010, NPU011: it does not compile or link.
    """
    libraries = {}
    for number, (name, source) in enumerate(sources.items()):
        if not source.is_file():
            raise UsageError(
                f"{source}: there is no such kernel source",
                cure="name the sources of [kernels] relative to the expectation",
                code="NPU309",
            )
        libraries[name] = _compile(name, source.resolve(), folder / f"object{number}")
    return libraries


def _compile(name: str, source: Path, stem: Path) -> Path:
    store, runner = Store(), LocalRunner()
    chosen = compiler.find(store, runner)
    flags: tuple[str, ...] = FLAGS
    known: tuple[str, ...]
    language, known = "c++", ("-include", "aie_api/aie.hpp")
    if source.suffix == ".c":
        flags = tuple(flag for flag in FLAGS if flag not in _CPP_ONLY)
        language, known = "c", ()
    include = packages.folder("simulator") / "include"
    made, library = stem.with_suffix(".o"), stem.with_suffix(".so")
    searched = ("-I", str(source.parent), "-isystem", str(include), *known)
    steps = (
        ("NPU010", (*chosen.compiling, *flags, *searched, "-x", language, "-c", str(source))),
        ("NPU011", (*chosen.linking, str(made))),
    )
    for (code, command), output in zip(steps, (made, library), strict=True):
        log = stem.with_suffix(".log")
        done = runner.run(
            (*command, "-o", str(output)),
            cwd=stem.parent,
            env=chosen.env,
            log=log,
            timeout=_SECONDS,
        )
        if done.exit_code:
            lines = log.read_text(errors="replace").splitlines()
            raise CheckFailed(
                f"{source.name}, of which {name} is made, does not "
                f"{'compile' if code == 'NPU010' else 'link'}",
                cure="correct the source, or survey the design without it",
                code=code,
                details=tuple(lines[:20]),
            )
    return library
