"""Every kernel's source under the address and undefined-behaviour sanitizers, on its cases.

The pinned compiler has neither runtime; g++ has both, so that the sources also pass -Wall and
-Wextra of a second compiler here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kernels import registry
from kernels.contract import Kernel
from toolchain import packages

SCRIPT = Path(__file__).with_name("guarded.py")

FLAGS = (
    "-std=c++20",
    # Not -O2: the vectors of aie_api are classes, and instrumented they take minutes there.
    "-O1",
    "-g1",
    "-fPIC",
    "-shared",
    "-DNDEBUG",
    "-ffp-contract=off",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-threadsafe-statics",
    "-fno-gnu-unique",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unknown-pragmas",
    "-Wno-attributes",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
)

COMPILER = shutil.which("g++")

RUNTIMES = ("libasan.so", "libubsan.so")

pytestmark = pytest.mark.slow


def gxx(*arguments: str) -> str:
    assert COMPILER
    done = subprocess.run([COMPILER, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-5000:]
    return done.stdout


def runtimes() -> list[str]:
    """Return the sanitizers' runtimes; the compiler names one that it lacks without a folder."""
    return [gxx(f"-print-file-name={name}").strip() for name in RUNTIMES] if COMPILER else []


@pytest.fixture(autouse=True)
def available() -> None:
    """Skip where there is no g++, or none with sanitizers."""
    if not COMPILER or not all(Path(path).is_absolute() for path in runtimes()):
        pytest.skip("no g++ with sanitizers on this machine")


def library(kernel: Kernel, folder: Path) -> Path:
    """Compile a variant with sanitizers."""
    made = folder / f"{kernel.label}.so"
    include = packages.folder("simulator") / "include"
    defines = [f"-D{name}={value}" for name, value in kernel.defines().items()]
    gxx(*FLAGS, "-isystem", str(include), *defines, str(kernel.source), "-o", str(made))
    return made


def sanitised(*command: str) -> subprocess.CompletedProcess[str]:
    """Run Python under both sanitizers; their first finding ends it."""
    return subprocess.run(
        [sys.executable, *command],
        env={
            **os.environ,
            "LD_PRELOAD": " ".join(runtimes()),
            "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0",
            "UBSAN_OPTIONS": "print_stacktrace=1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


@pytest.mark.parametrize("name", registry.names())
def test_no_case_makes_the_source_leave_its_buffers_or_the_language(
    name: str, tmp_path: Path
) -> None:
    libraries = {kernel: library(kernel, tmp_path) for kernel in registry.find(name)}
    pairs = [f"{kernel.title}={made}" for kernel, made in libraries.items()]
    done = sanitised(str(SCRIPT), *pairs)
    assert done.returncode == 0, done.stderr[-5000:]
    smallest = {getattr(k, "version", ""): k.title for k in reversed(libraries)}.values()
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    cases = [(kernel.title, len(list(kernel.cases()))) for kernel in libraries]
    assert [(title, count) for title, count, *_ in reports] == cases
    for title, count, sanitised_calls, calls, elements in reports:
        assert count <= sanitised_calls <= calls, title
        assert elements > 0, title
        if title in smallest:
            assert sanitised_calls == calls, f"{title} is the smallest of its version"
        print(f"{title}: {count} cases, {sanitised_calls:,} of {calls:,} calls")


FAULTY = {
    "a byte beyond the buffer": ("out[n] = 1", "heap-buffer-overflow"),
    "an overflow": ("out[0] = (n + 2147483647) >> 1", "signed integer overflow"),
    "a shift by the width": ("out[0] = 1 << (n + 28)", "shift exponent 32 is too large"),
}


@pytest.mark.parametrize(("statement", "finding"), FAULTY.values(), ids=list(FAULTY))
def test_a_fault_is_found(statement: str, finding: str, tmp_path: Path) -> None:
    """Proof that the runtimes are awake in a process such as the one above."""
    source, made = tmp_path / "faulty.cc", tmp_path / "faulty.so"
    source.write_text(f'extern "C" void faulty(signed char* out, int n) {{ {statement}; }}\n')
    gxx(*FLAGS, str(source), "-o", str(made))
    code = (
        f"import ctypes, sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); import guarded; "
        f"function = ctypes.CDLL({str(made)!r}).faulty; "
        "function.argtypes = [ctypes.c_void_p, ctypes.c_int]; "
        "room = ctypes.create_string_buffer(64); "
        "guarded.Guard(function, [4, 0])(ctypes.addressof(room), 4)"
    )
    done = sanitised("-c", code)
    assert done.returncode != 0
    assert finding in done.stderr
