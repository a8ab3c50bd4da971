"""The C++ sources of these tests, compiled once a session, and calls into them."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent
sys.path.append(str(HERE))  # for aie2_models, which all tests here compare with
INCLUDE = HERE.parents[1] / "simulator" / "include"
COMPILE = ("-std=c++20", "-O2", "-fPIC", "-fno-sanitize=all", "-Wall", "-Wextra", "-Werror")


@dataclass(frozen=True)
class Compiler:
    """The zig of the running environment, with caches of this session's own."""

    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run zig in the session's folder and return what it said."""
        caches = {"ZIG_GLOBAL_CACHE_DIR": "zig", "ZIG_LOCAL_CACHE_DIR": "zig"}
        return subprocess.run(
            [sys.executable, "-m", "ziglang", *arguments],
            cwd=self.folder,
            env={**os.environ, **caches},
            capture_output=True,
            text=True,
            check=False,
        )

    def compile(self, source: Path) -> subprocess.CompletedProcess[str]:
        """Compile one source to an object beside it, warnings being errors."""
        return self.run(
            "c++", *COMPILE, f"-I{INCLUDE}", "-c", str(source), "-o", f"{source.stem}.o"
        )

    def library(self, source: Path) -> ctypes.CDLL:
        """Compile and link one source and load the library."""
        compiled = self.compile(source)
        assert compiled.returncode == 0, compiled.stderr
        library = self.folder / f"{source.stem}.so"
        linked = self.run(
            "cc", "-shared", "-nostdlib", "-Wl,-Bsymbolic", f"{source.stem}.o", "-o", str(library)
        )
        assert linked.returncode == 0, linked.stderr
        return ctypes.CDLL(str(library))


class Functions:
    """Functions of a compiled source; arrays are passed by address, integers as int."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library = library

    def __call__(self, name: str, *arguments: Any) -> None:
        getattr(self.library, name)(*[self._argument(value) for value in arguments])

    @staticmethod
    def _argument(value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return ctypes.c_int(int(value))
        assert value.flags.c_contiguous
        return ctypes.c_void_p(value.ctypes.data)


@pytest.fixture(scope="session")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    """The compiler, with a folder for what it makes."""
    return Compiler(tmp_path_factory.mktemp("aie_api"))


@pytest.fixture(scope="session")
def functions(compiler: Compiler) -> Callable[[str], Functions]:
    """Give the functions of `sources/<name>.cc`, compiled at the first request."""
    made: dict[str, Functions] = {}

    def of(name: str) -> Functions:
        if name not in made:
            made[name] = Functions(compiler.library(HERE / "sources" / f"{name}.cc"))
        return made[name]

    return of
