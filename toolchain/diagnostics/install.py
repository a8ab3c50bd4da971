"""Failures of the toolchain itself, whatever it was asked to build."""

from __future__ import annotations

import re

from toolchain.work.diagnose import Cause

_OTHER_RELEASE = "use the release that the lab pins: npulab fetch installs it"

CAUSES = (
    Cause(
        pattern=re.compile(r"module 'typing' has no attribute '_?ClassVar'"),
        message="this aiecc is an old one that does not run on this Python",
        cure=_OTHER_RELEASE,
        code="NPU070",
    ),
    Cause(
        pattern=re.compile(r"No module named '(?P<module>aie(?:\.[\w.]+)?)'"),
        message="the Python bindings are half installed: {module} is missing",
        cure=_OTHER_RELEASE,
        code="NPU071",
    ),
    Cause(
        pattern=re.compile(r"ImportError: cannot import name '(?P<name>\w+)' from 'aie\.[\w.]+'"),
        message="the Python bindings are of two different versions: {name} is missing",
        cure=_OTHER_RELEASE,
        code="NPU071",
    ),
    Cause(
        pattern=re.compile(
            r"xchesscc: command not found|\bchesscc: not found|xchesscc Failed"
            r"|Error running xchesscc_wrapper|chess-llvm-link(?: not found|: No such file)"
            r"|No such file or directory: '\S*chess-llvm-link'"
        ),
        message="aiecc wants the Chess compiler (xchesscc), which the lab does not use",
        cure="call aiecc with --no-xchesscc --no-xbridge, as the lab does; a pinned release "
        "that asks for Chess all the same cannot be used",
        code="NPU072",
    ),
    Cause(
        pattern=re.compile(r"version [`'](?P<version>GLIBC(?:XX)?_[\d.]+)' not found"),
        message="the C library of this machine is too old: {version} is missing",
        cure="build in a container of Debian bookworm or later",
        code="NPU073",
    ),
    Cause(
        pattern=re.compile(
            r"error while loading shared libraries: (?P<library>[^:\n]+): "
            r"cannot open shared object file"
        ),
        message="a shared library is missing: {library}",
        cure="install the package that has it; in the lab's images it is there",
        code="NPU073",
    ),
    Cause(
        pattern=re.compile(r"cannot execute binary file|Exec format error"),
        message="the toolchain was made for another processor",
        cure="build on x86-64, or for the simulator (--target host)",
        code="NPU073",
    ),
    Cause(
        pattern=re.compile(r"Could not find Peano compiler tools"),
        message="aiecc does not find Peano, or finds one of another version than it wants",
        cure="pin a mlir-aie and a llvm-aie that were released for each other",
        code="NPU074",
    ),
    Cause(
        pattern=re.compile(
            r"Unknown command line argument '(?P<option>[^']+)'"
            r"|unknown output selector '(?P<selector>[^']+)'"
        ),
        message="this aiecc does not know an option that the lab gives it",
        cure="the command line changed between releases: " + _OTHER_RELEASE,
        code="NPU074",
    ),
    Cause(
        pattern=re.compile(
            r"(?:invalid target|unknown target triple|unrecognized architecture) 'aie[\w-]*'"
        ),
        message="an LLVM that is not Peano was called: it knows no AI Engine",
        cure="call Peano's tools by path, as the lab does",
        code="NPU074",
    ),
    Cause(
        pattern=re.compile(r"cannot open \S*(?:libclang_rt\.builtins\.a|crt[01]\.o): No such file"),
        message="Peano's runtime library is not where the linker looks for it",
        cure="give the whole target, aie2-none-unknown-elf; pin releases that belong together",
        code="NPU074",
    ),
)
