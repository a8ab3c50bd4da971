"""The C++ compiler of target host: the pinned zig of this environment, or the user's $CXX.

A compiler is identified by its version and the hash of its binary. Both are asked for once
and kept in the cache under the binary's size and times, so that a build which has nothing to
do neither hashes 180 MB nor starts a process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from errors import CheckFailed, MissingEnvironment, UsageError
from toolchain import packages
from toolchain.storage import digest, disk, records
from toolchain.storage.store import Store
from toolchain.work.runner import Runner

SYSTEM_PATH = "/usr/bin:/bin"
"""Where a compiler of the system finds its assembler and linker."""

PROBE_TIMEOUT = 120.0

_X86_64_V3 = {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"}
"""What /proc/cpuinfo calls the features of x86-64-v3 (x86-64 psABI, "micro-architecture
levels"); abm is its name for LZCNT."""

_LINKING = ("-z", "defs", "--warn-unresolved-symbols", "-Bsymbolic", "--build-id=none")
"""Undefined symbols are reported with their lines and judged by `toolchain.static.symbols`; a
library's own definitions always win over those of another that is loaded."""

_PROBE = """
#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>
static_assert(__cplusplus >= 202002L);
template <std::integral T> T highest(T a, T b) { return std::max(a, b); }
extern "C" int probe(int a, int b) { return highest(a, std::bit_cast<int>(b)); }
"""


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """A C++20 compiler with its linker.

    Attributes:
        pin: Name, version and hash of the binary.
        compiling: Program and arguments that compile for this machine.
        linking: Program and arguments that make a shared library without any other.
        env: Whole environment of both.
        own: Folders of its own headers, for which the pin answers.
        llvm: Whether it writes LLVM's code as text.
    """

    pin: str
    compiling: tuple[str, ...]
    linking: tuple[str, ...]
    env: Mapping[str, str]
    own: Mapping[Path, str] = field(default_factory=dict)
    llvm: bool = False


class _Probed(msgspec.Struct, frozen=True):
    pin: str


def find(store: Store, runner: Runner) -> Compiler:
    """Return ``$CXX`` if it is set, else the zig that the environment has.

    Raises:
        UsageError: ``$CXX`` names no program.
        CheckFailed: ``$CXX`` does not compile C++20.
        MissingEnvironment: There is no zig in the environment, or it does not start, or this
            is not Linux.
    """
    if sys.platform != "linux":
        raise MissingEnvironment(
            f"target host builds ELF libraries, and this is {sys.platform}",
            cure="use a Linux machine or container",
            code="NPU018",
        )
    machine = os.uname().machine
    chosen = os.environ.get("CXX", "").strip()
    if chosen and not runner.tools:
        return _from_cxx(chosen, machine, store, runner)
    return _from_zig(machine, store, runner)


def _from_zig(machine: str, store: Store, runner: Runner) -> Compiler:
    tool = runner.tools.get("ziglang")
    folder = tool.folder if tool else packages.find("ziglang")
    if folder is None or not (tool or (folder / "zig").is_file()):
        raise MissingEnvironment(
            "the C++ compiler is missing: this Python environment has no ziglang",
            cure="install the lab's requirements again, or set CXX to a C++20 compiler",
            code="NPU005",
        )
    zig = str(folder / "zig")
    cpu = ("-mcpu=x86_64_v3",) if _is_x86_64_v3(machine) else ()
    # A named target keeps zig from searching this machine's headers. Caches are relative:
    # zig writes them into the folder of the step, so that no build depends on another's.
    env = {"ZIG_GLOBAL_CACHE_DIR": ".zig", "ZIG_LOCAL_CACHE_DIR": ".zig"}
    return Compiler(
        pin=tool.pin if tool else _pin(Path(zig), [zig, "version"], env, store, runner),
        compiling=(zig, "c++", "-target", f"{machine}-linux-gnu", *cpu, "-fno-sanitize=all"),
        linking=(zig, "ld.lld", "-shared", *_LINKING),
        env=env,
        own={folder: "zig"},
        llvm=True,
    )


def _from_cxx(chosen: str, machine: str, store: Store, runner: Runner) -> Compiler:
    import shlex
    import shutil

    try:
        program, *options = shlex.split(chosen)
    except ValueError:
        program, options = chosen, []
    found = shutil.which(program)
    if found is None:
        raise UsageError(
            f"CXX is set to {chosen!r}, and there is no such program",
            cure="set CXX to a C++20 compiler, or unset it to use the lab's own",
            code="NPU006",
        )
    path = str(Path(found).absolute())
    arch = ("-march=x86-64-v3",) if _is_x86_64_v3(machine) else ()
    env = {"PATH": f"{Path(path).parent}:{SYSTEM_PATH}", "LC_ALL": "C"}
    pin = _pin(Path(path).resolve(), [path, *options, "--version"], env, store, runner)
    # GNU's unique symbols are one per process: every library would share the first one's state.
    own_state = () if "clang" in pin else ("-fno-gnu-unique",)
    compiler = Compiler(
        pin=pin,
        compiling=(path, *options, *arch, *own_state),
        linking=(path, *options, "-shared", "-nostdlib", f"-Wl,{','.join(_LINKING)}"),
        env=env,
        llvm="clang" in pin,
    )
    _probe(compiler, chosen, store, runner)
    return compiler


def _is_x86_64_v3(machine: str) -> bool:
    if machine != "x86_64":
        return False
    with Path("/proc/cpuinfo").open() as lines:
        flags = next((line for line in lines if line.startswith("flags")), "")
    return set(flags.split()) >= _X86_64_V3


def _pin(binary: Path, ask: list[str], env: Mapping[str, str], store: Store, runner: Runner) -> str:
    """Return the first line of what the program says of its version, and the binary's hash."""
    status = binary.stat()
    identity = [str(binary), status.st_size, status.st_mtime_ns, status.st_ino, ask[1:]]
    known = _known(store, digest.of_json(identity))
    if probed := records.decode(disk.read_if_there(known), _Probed):
        return probed.pin
    with store.work() as work:
        log = work / "version.log"
        completed = runner.run(ask, cwd=work, env=env, timeout=PROBE_TIMEOUT, log=log)
        lines = log.read_text(errors="replace").strip().splitlines()
        if completed.exit_code or not lines:
            disk.refuse_full(work)
    if completed.exit_code or not lines:
        raise MissingEnvironment(
            f"the C++ compiler {binary} does not say its version",
            cure="install it again, or set CXX to another C++20 compiler",
            code="NPU007",
            details=(*lines[:5], f"repeat: {completed.repeat}"),
        )
    pin = f"{binary.name} {lines[0]} sha256:{digest.of_file(binary)}"
    disk.replace_file(known, msgspec.json.encode(_Probed(pin)))
    return pin


def _probe(compiler: Compiler, chosen: str, store: Store, runner: Runner) -> None:
    """Compile and link a few lines of C++20, once for each pin and set of options."""
    commands = (
        (*compiler.compiling, "-std=c++20", "-fPIC", "-c", "probe.cc", "-o", "probe.o"),
        (*compiler.linking, "probe.o", "-o", "probe.so"),
    )
    known = _known(store, digest.of_json([compiler.pin, commands, _PROBE]))
    if known.exists():
        return
    with store.work() as work:
        (work / "probe.cc").write_text(_PROBE)
        log = work / "probe.log"
        for command in commands:
            completed = runner.run(
                command, cwd=work, env=compiler.env, timeout=PROBE_TIMEOUT, log=log
            )
            if completed.exit_code or not (work / command[-1]).exists():
                disk.refuse_full(work)
                raise CheckFailed(
                    f"CXX is set to {chosen!r}, which does not build a C++20 library",
                    cure="set CXX to a C++20 compiler, or unset it to use the lab's own",
                    code="NPU008",
                    details=tuple(log.read_text(errors="replace").splitlines()[:10]),
                )
    disk.replace_file(known, msgspec.json.encode(_Probed(compiler.pin)))


def _known(store: Store, name: str) -> Path:
    return store.root / "tools" / name
