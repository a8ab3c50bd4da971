"""A compiler for translated machine code."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.aie2.native.unit import Compile


@pytest.fixture(scope="session")
def compile_code(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Return a compiler that takes less long than the one that is used for runs."""
    folder = tmp_path_factory.mktemp("native")

    def compile_(text: str) -> Path:
        library = folder / f"{hashlib.sha256(text.encode()).hexdigest()}.so"
        if not library.exists():
            library.with_suffix(".cc").write_text(text)
            command = [sys.executable, "-m", "ziglang", "c++", "-shared", "-fPIC", "-O0", "-g0"]
            command += ["-fwrapv", "-fno-strict-aliasing", "-fno-sanitize=all"]
            command += [str(library.with_suffix(".cc")), "-o", str(library)]
            environment = {**os.environ, "ZIG_LOCAL_CACHE_DIR": str(folder / "zig")}
            subprocess.run(command, check=True, env=environment)
        return library

    return compile_
