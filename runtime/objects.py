"""Objects that a surveyed design links, compiled from their C or C++ source for this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from errors import CheckFailed, UsageError
from toolchain import packages
from toolchain.host import compiler
from toolchain.host.target import FLAGS
from toolchain.storage.store import Store
from toolchain.work.runner import LocalRunner

_SECONDS = 120.0
_CPP_ONLY = ("-std=c++20", "-fno-rtti", "-Wno-missing-template-arg-list-after-template-kw")


def compile_objects(sources: Mapping[str, Sequence[Path]], folder: Path) -> dict[str, Path]:
    """Compile sources into `folder`; return a shared library for each object name.

    They see the headers beside them and those of ``simulator/include``, and are compiled with
    the flags of the host target. C++ knows the intrinsics that Peano knows without a header.

    Raises:
        UsageError: NPU309, there is no such source.
        MissingEnvironment: There is no compiler.
        CheckFailed: NPU010, NPU011: it does not compile or link.
    """
    libraries = {}
    for number, (name, parts) in enumerate(sources.items()):
        objects = [
            _compile(name, source, folder / f"object{number}_{part}.o")
            for part, source in enumerate(parts)
        ]
        library = libraries[name] = folder / f"object{number}.so"
        linking = (*_chosen().linking, *map(str, objects))
        _do(linking, library, f"what {name} is made of does not link", "NPU011")
    return libraries


def _chosen() -> compiler.Compiler:
    return compiler.find(Store(), LocalRunner())


def _compile(name: str, source: Path, made: Path) -> Path:
    if not source.is_file():
        raise UsageError(
            f"{source}: there is no such kernel source",
            cure="name the sources of [kernels] relative to the expectation",
            code="NPU309",
        )
    flags: tuple[str, ...] = FLAGS
    known: tuple[str, ...] = ("-include", "aie_api/aie.hpp")
    language = "c++"
    if source.suffix == ".c":
        flags, known, language = tuple(flag for flag in FLAGS if flag not in _CPP_ONLY), (), "c"
    include = packages.folder("simulator") / "include"
    searched = ("-I", str(source.resolve().parent), "-isystem", str(include), *known)
    path = str(source.resolve())
    command = (*_chosen().compiling, *flags, *searched, "-x", language, "-c", path)
    return _do(command, made, f"{source.name}, of which {name} is made, does not compile", "NPU010")


def _do(command: tuple[str, ...], output: Path, problem: str, code: str) -> Path:
    """Run a command that makes `output`, beside which its log goes."""
    log = output.with_suffix(".log")
    done = LocalRunner().run(
        (*command, "-o", str(output)),
        cwd=output.parent,
        env=_chosen().env,
        log=log,
        timeout=_SECONDS,
    )
    if done.exit_code:
        raise CheckFailed(
            problem,
            cure="correct the source, or survey the design without it",
            code=code,
            details=tuple(log.read_text(errors="replace").splitlines()[:20]),
        )
    return output
