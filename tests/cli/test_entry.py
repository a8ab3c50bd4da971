"""The way in: help, wrong commands, errors and interrupts, as another process sees them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from errors import CheckFailed, LabError, MissingEnvironment, UsageError
from npulab.cli import COMMANDS, LabGroup, cli

Npulab = Callable[..., subprocess.CompletedProcess[str]]


def test_help_lists_every_command_and_the_exit_codes() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    assert [line.split()[0] for line in _commands(result.output)] == list(COMMANDS)
    assert "1 a check failed" in result.output
    assert "..." not in result.output.replace("[ARGS]...", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_fits_80_columns_and_has_an_example(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
    if name not in ("doctor", "clean"):
        assert f"npulab {name}" in result.output


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from npulab.cli import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'ml_dtypes', 'xdsl', 'rich', 'msgspec', 'kernels', 'simulator'}\n"
        "sys.exit(f'loaded {heavy & set(sys.modules)}' if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["bild"], "there is no command 'bild'; did you mean build?"),
        (["show", "gelu_int9"], "there is no kernel 'gelu_int9'; did you mean gelu_int8?"),
        (["show", "gelu_int8/511"], "no variant '511'; did you mean 512?"),
        (["build", "gelu_int8/511"], "no variant '511'; did you mean 512?"),
        (["test", "gelu"], "there is no kernel 'gelu'"),
        (["demo", "gelu_int8/"], "no variant ''"),
        (["run", "matmul_int8"], "matmul_int8 has 6 variants"),
        (["build", "--target", "aie"], "'aie' is not one of"),
        (["build", "-j", "0"], "0 is not in the range"),
        (["list", "more"], "unexpected extra argument"),
    ],
)
def test_wrong_words_exit_2_on_stderr_with_the_nearest(
    npulab: Npulab, arguments: list[str], says: str
) -> None:
    done = npulab(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_another_process_sees_the_same(npulab_process: Npulab) -> None:
    done = npulab_process("show", "gelu_int9")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: [NPU110] there is no kernel 'gelu_int9'; did you mean")
    done = npulab_process("--version")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_target_that_this_machine_lacks_exits_3(npulab: Npulab) -> None:
    done = npulab("build", "--target", "aie2", NPULAB_PYTHON="3.11", NPULAB_CACHE="/nowhere")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: [NPU03")


def _group(raised: BaseException) -> LabGroup:
    """Return a group of one command that ends with `raised`."""
    group = LabGroup("npulab")

    @click.command("list")
    def command() -> None:
        raise raised

    group.get_command = lambda ctx, name: command  # type: ignore[method-assign]  # noqa: ARG005
    return group


@pytest.mark.parametrize(
    ("kind", "exit_code"), [(CheckFailed, 1), (UsageError, 2), (MissingEnvironment, 3)]
)
def test_a_lab_error_is_printed_whole_on_stderr(kind: type[LabError], exit_code: int) -> None:
    error = kind("x is wrong", cure="mend [bold]x[/]", code="NPU999", details=("one", "two"))
    result = CliRunner().invoke(_group(error), ["list"])
    assert result.exit_code == exit_code
    assert result.stdout == ""
    assert result.stderr == ("error: [NPU999] x is wrong\n    one\n    two\n  -> mend [bold]x[/]\n")


def test_a_full_disk_is_told_with_its_file_and_exits_3() -> None:
    result = CliRunner().invoke(_group(OSError(28, "No space left on device", "/x/y")), ["list"])
    assert result.exit_code == 3
    assert result.stderr.startswith("error: no space left on device: /x/y\n")


@pytest.mark.parametrize("bug", [ValueError("a bug"), OSError(2, "No such file", "/x")])
def test_a_bug_keeps_its_traceback(bug: Exception) -> None:
    result = CliRunner().invoke(_group(bug), ["list"])
    assert result.exception is bug


def test_an_interrupt_exits_130_and_says_so() -> None:
    result = CliRunner().invoke(_group(KeyboardInterrupt()), ["list"])
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr.strip().startswith("interrupted")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_ctrl_c_and_kill_exit_130_without_a_traceback(tmp_path: Path, name: str) -> None:
    """The command waits for a pipe to be written; the signal comes once it has opened it."""
    pipe = tmp_path / "x.npy"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [sys.executable, "-m", "npulab", "run", "passthrough/1024", "--in", str(pipe)],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        writer = _opened(pipe, process)
        process.send_signal(signal.Signals[name])
        # A signal just before the read would not end it; the end of the file does.
        os.close(writer)
        _, stderr = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert stderr == "interrupted; what was finished is kept\n"


def _opened(pipe: Path, process: subprocess.Popen[str]) -> int:
    """Open the pipe for writing once the process has opened it for reading."""
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)


def _commands(text: str) -> list[str]:
    listed = text.partition("Commands:\n")[2].partition("\n\n")[0]
    return [line for line in listed.splitlines() if line[:3].strip()]
