"""The host's C compiler, for loops in core bodies that are too long for Python."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from errors import CheckFailed
from toolchain.host import compiler
from toolchain.storage.store import Store
from toolchain.work.runner import LocalRunner

_FLAGS = ("-O2", "-g0", "-x", "c++", "-fwrapv", "-ffp-contract=off", "-fno-strict-aliasing")
_SECONDS = 60.0


@cache
def compile_loops(source: str) -> Path:
    """Return a shared library of C source; one that was made before comes from the cache.

    Raises:
        MissingEnvironment: There is no compiler.
        CheckFailed: NPU010, it does not compile: a fault of the front end.
    """
    store, runner = Store(), LocalRunner()
    chosen = compiler.find(store, runner)
    key = hashlib.sha256("\0".join((chosen.pin, *_FLAGS, source)).encode()).hexdigest()
    kept = store.root / "loops" / f"{key}.so"
    if kept.is_file():
        return kept
    with store.work() as folder:
        (folder / "loops.cc").write_text(source)
        for command in (
            (*chosen.compiling, *_FLAGS, "-c", "loops.cc", "-o", "loops.o"),
            (*chosen.linking, "loops.o", "-o", "loops.so"),
        ):
            done = runner.run(
                command, cwd=folder, env=chosen.env, log=folder / "log", timeout=_SECONDS
            )
            if done.exit_code:
                raise CheckFailed(
                    "the C source of a core's loops does not compile",
                    cure="report it with the design",
                    code="NPU010",
                    details=tuple((folder / "log").read_text().splitlines()),
                )
        kept.parent.mkdir(parents=True, exist_ok=True)
        (folder / "loops.so").replace(kept)
    return kept
