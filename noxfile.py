"""The lab's sessions: each chooses an environment and calls the command line or pytest.

`nox -l` is the table of contents. A session's environment is installed once from the
hash-pinned lock files in requirements/ and then left alone, so that a second run needs no
network.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["build_kernels"]
nox.options.error_on_external_run = True

ROOT = Path(__file__).parent


def install(session: nox.Session, *locks: str) -> None:
    """Install the lab and the given lock files, unless this environment has just these."""
    files = [ROOT / "requirements" / f"{lock}.txt" for lock in ("build", "lab", *locks)]
    content = b"".join(path.read_bytes() for path in [*files, ROOT / "pyproject.toml"])
    stamp = Path(session.virtualenv.location) / "installed"
    digest = hashlib.sha256(content).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return
    requirements = [arg for path in files for arg in ("-r", str(path))]
    session.install("--require-hashes", *requirements)
    session.install("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    stamp.write_text(digest)


@nox.session
def build_kernels(session: nox.Session) -> None:
    """Build every kernel and run it on real input; `-- --runner docker --python 3.13` to choose."""
    install(session)
    session.run("npulab", "build", *session.posargs)
    session.run("npulab", "demo")


@nox.session
def images(session: nox.Session) -> None:
    """Make the pinned images: the toolchain for Python 3.11 and 3.13, and XRT."""
    install(session)
    session.run("npulab", "images", *session.posargs)


@nox.session
def repro(session: nox.Session) -> None:
    """Build every kernel twice, in fresh containers of both variants; compare hash by hash."""
    install(session)
    session.run("npulab", "images", "toolchain-py3.11", "toolchain-py3.13")
    session.run("npulab", "repro", *session.posargs)


@nox.session
def sim_tests(session: nox.Session) -> None:
    """Every kernel, variant and data set on the simulated array."""
    install(session, "test")
    session.run("pytest", "simtests", *_workers(), *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests that need neither docker nor an NPU: the lab's own parts, then sim_tests."""
    install(session, "test")
    session.run("pytest", "tests", "simtests", *_workers(), *session.posargs)


@nox.session
def report(session: nox.Session) -> None:
    """Build and check every kernel, then write the page about it: build/report.html."""
    install(session)
    for command in ("demo", "test"):
        session.run("npulab", command, success_codes=[0, 1])  # the page tells what is wrong
    session.run("npulab", "report", "--strict", *session.posargs)


@nox.session
def sanitize(session: nox.Session) -> None:
    """Every kernel's cases with g++'s address and undefined-behaviour sanitizers: minutes."""
    install(session, "test")
    session.run("pytest", "tests/kernels/sanitizers", "-m", "slow", *_workers(), *session.posargs)


@nox.session
def hw_tests(session: nox.Session) -> None:
    """The same cases on this machine's NPU; `-- --device fake` or `sim` where there is none."""
    install(session, "test")
    on_npu(session, "tests")


@nox.session
def hw_bench(session: nox.Session) -> None:
    """Time every kernel on this machine's NPU, once its output is right."""
    install(session)
    on_npu(session, "bench")


@nox.session
def hw_gate(session: nox.Session) -> None:
    """Compare the newest timings of a store with those before; `-- STORE --help` for more."""
    install(session)
    session.run("npulab", "gate", *session.posargs)


@nox.session
def docker_tests(session: nox.Session) -> None:
    """Images, and builds inside them, on the container engine of this machine."""
    install(session, "test")
    session.run("pytest", "tests/docker", "-m", "docker", *session.posargs)


@nox.session(python=["3.11", "3.12", "3.13"])
def compat(session: nox.Session) -> None:
    """The tests on each supported Python that this machine has."""
    install(session, "test")
    session.run("pytest", "tests", "simtests", *_workers(), *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff, format, strict types, imports that run one way, and valid workflows."""
    install(session, "test", "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")
    workflows = sorted(str(path) for path in (ROOT / ".github" / "workflows").glob("*.yml"))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)


@nox.session
def bench(session: nox.Session) -> None:
    """Time the build and the simulator; prints ratios and writes pictures to build/bench."""
    install(session, "test")
    for script in sorted((ROOT / "bench").glob("*.py")):
        session.run("python", str(script), *session.posargs)


LOCKS = ("build", "lab", "test", "hw", "lint", "lock")
"""The lock files: `lab` holds the lab's own dependencies, the others one group each; `hw` is
what the XRT image needs beside them."""


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve the dependencies of pyproject.toml anew and rewrite requirements/."""
    install(session, "lock")
    compile_ = ("uv", "pip", "compile", "--universal", "--python-version", "3.11")
    style = ("--generate-hashes", "--no-header", "--no-annotate", "--quiet", "--no-emit-index-url")
    everything = [arg for name in LOCKS if name != "lab" for arg in ("--group", name)]
    together = Path(session.create_tmp()) / "together.txt"
    session.run(*compile_, *style, "pyproject.toml", *everything, "-o", str(together))
    for name in LOCKS:
        what = ("pyproject.toml",) if name == "lab" else ("--group", name)
        # One resolution for all, so that no two files ask for different versions.
        pinned = ("-c", str(together), "-o", f"requirements/{name}.txt")
        session.run(*compile_, *style, *what, *pinned)


def on_npu(session: nox.Session, job: str) -> None:
    """Run a job on the NPU, in the XRT image where need be; 3, no NPU, is nox's exit code too."""
    try:
        session.run("npulab", "hw", job, *session.posargs)
    except nox.command.CommandFailed as failed:
        if (failed.reason or "").startswith("Returned code 3"):
            raise SystemExit(3) from None
        raise


def _workers() -> list[str]:
    """Run tests on as many processes as there are cores, but not on one."""
    cores = os.cpu_count() or 1
    return ["-n", str(cores)] if cores > 1 else []
