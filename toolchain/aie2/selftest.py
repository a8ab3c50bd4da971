"""The self-test of a toolchain that was just unpacked: what is broken is found now, by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from errors import CheckFailed
from toolchain.aie2 import options, packer
from toolchain.diagnostics import install
from toolchain.work.diagnose import diagnose
from toolchain.work.runner import Runner

TIMEOUT = 120.0
"""Seconds for each question; a healthy tool answers in a few."""

KERNEL = """#include <aie_api/aie.hpp>
extern "C" void probe(int *value) { *value += 1; }
"""

_LOG_LINES = 12


@dataclass(frozen=True)
class Findings:
    """What the tools say of themselves; see `toolchain.aie2.environment.Installed`."""

    versions: dict[str, str]
    options: tuple[str, ...]


@dataclass(frozen=True)
class _Answer:
    exit_code: int
    text: str
    timed_out: bool
    repeat: str


class _Asker:
    """Runs the tools of one environment folder in its own work folder."""

    def __init__(self, folder: Path, runner: Runner) -> None:
        from toolchain.aie2.environment import TOOLS, variables

        self.folder = folder
        self.work = folder.parent / "self-test"
        self.work.mkdir()
        self._tools = {name: str(folder / "site" / path) for name, path in TOOLS.items()}
        self._tools["xclbinutil"] = str(folder / "bin" / "xclbinutil")
        self._env = variables(folder)
        self._runner = runner

    def try_(self, tool: str, *arguments: str) -> _Answer:
        log = self.work / "log"
        done = self._runner.run(
            [self._tools[tool], *arguments],
            cwd=self.work,
            env=self._env,
            timeout=TIMEOUT,
            log=log,
        )
        text = log.read_text(encoding="utf-8", errors="replace")
        return _Answer(done.exit_code, text, done.timed_out, done.repeat)

    def ask(self, tool: str, *arguments: str) -> str:
        """Return what a tool prints.

        Raises:
            CheckFailed: NPU036, or the code of the cause that its words tell: it failed.
        """
        answer = self.try_(tool, *arguments)
        if answer.exit_code or answer.timed_out:
            raise self.broken(tool, arguments, answer)
        return answer.text

    def ask_packer(self) -> str:
        """Return what xclbinutil says of its version; raises as :meth:`ask`."""
        answer = self.try_("xclbinutil", "--version")
        if answer.exit_code or answer.timed_out or not answer.text.strip():
            raise self._broken_packer(answer)
        return answer.text

    def broken(self, tool: str, arguments: Sequence[str], answer: _Answer) -> CheckFailed:
        found = diagnose(answer.text, install.CAUSES)
        what = "does not answer in time" if answer.timed_out else f"exits {answer.exit_code}"
        message = found.message if found else f"{tool} {' '.join(arguments[:2])} {what}"
        if found is None:
            return _failed(message, answer.text)
        return _failed(message, answer.text, found.cure, found.code)

    def _broken_packer(self, answer: _Answer) -> CheckFailed:
        """Return the error for the packer: it is the user's own, and no pin brings another."""
        program = (self.folder / "bin" / "xclbinutil").readlink()
        found = diagnose(answer.text, install.CAUSES)
        what = found.message if found else "it does not tell its version"
        return CheckFailed(
            f"{program} does not work as xclbinutil here: {what}",
            cure=found.cure
            if found
            else f"set {packer.SETTING} to the path of XRT's xclbinutil (Debian: libxrt-utils), "
            "or unset it where it is installed; nothing was installed",
            code=found.code if found else "NPU038",
            details=tuple(answer.text.rstrip().splitlines()[:_LOG_LINES]),
        )


def run(folder: Path, runner: Runner) -> Findings:
    """Ask each tool for its version, its options and a first piece of work.

    Raises:
        CheckFailed: NPU036 or a more precise code, something of it does not work.
    """
    asker = _Asker(folder, runner)
    versions = {
        "clang++": _first_line(asker.ask("clang++", "--version")),
        "aiecc": _first_line(asker.ask("aiecc", "--version")),
        "xclbinutil": _first_line(asker.ask_packer()),
    }
    if not re.search(r"^\s*aie2\s", asker.ask("clang++", "--print-targets"), re.MULTILINE):
        raise _failed("clang++ of the pinned llvm-aie knows no target aie2", "")
    _compile(asker)
    return Findings(versions, _options(asker))


def _compile(asker: _Asker) -> None:
    (asker.work / "probe.cc").write_text(KERNEL, encoding="utf-8")
    include = str(asker.folder / "site" / "mlir_aie" / "include")
    asker.ask("clang++", *options.COMPILE, "-I", include, "-c", "probe.cc", "-o", "probe.o")
    symbols = asker.ask("llvm-nm", "probe.o")
    if not re.search(r"\bT probe$", symbols, re.MULTILINE):
        raise _failed("clang++ compiles a kernel, and its object has not the function", symbols)


def _options(asker: _Asker) -> tuple[str, ...]:
    """Return the optional flags that this aiecc takes, after checking the others."""
    help_text = asker.ask("aiecc", "--help")
    needed = [option for option in options.required() if not option.startswith("--get-")]
    lacking = [option for option in (*needed, "--get") if not options.named(help_text, option)]
    if lacking:
        names = ", ".join(option.split("=")[0] for option in lacking)
        raise _failed(f"aiecc of the pinned mlir-aie has no option {names}", "")
    found = tuple(option for option in options.OPTIONAL if options.named(help_text, option))
    if not options.named(help_text, options.PLAN):
        return found
    asker.ask("aiecc", options.PLAN, *options.required(), *found)
    chosen = [
        selector
        for selector in options.SELECTORS
        if asker.try_("aiecc", options.PLAN, *options.required(), selector).exit_code == 0
    ]
    return (*found, *chosen)


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else ""


def _failed(
    message: str, log: str, cure: str | None = None, code: str | None = None
) -> CheckFailed:
    return CheckFailed(
        f"the pinned toolchain does not work here: {message}",
        cure=cure or "pin another version with npulab lock --update; nothing was installed",
        code=code or "NPU036",
        details=tuple(log.rstrip().splitlines()[:_LOG_LINES]),
    )
