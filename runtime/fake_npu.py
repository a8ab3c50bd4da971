"""The FAKE NPU of a program that ``npulab sim`` started: a board that runs real binaries."""

from __future__ import annotations

import atexit
import sys

from runtime.binary import ArtifactReader
from simulator.fake_xrt.board import Board, install


def start() -> Board:
    """Let pyxrt's devices be of a board that loads real xclbins; report when Python ends."""
    board = install(Board(reader=ArtifactReader()))
    atexit.register(report, board)
    return board


def report(board: Board) -> None:
    """Print to stderr what ran, and what was found wrong."""
    commands = f"{board.runs} command{'s' * (board.runs != 1)}"
    lines = [f"{commands} on the simulated array, {board.seconds * 1e3:.3f} ms, all modelled"]
    lines += [line for finding in board.findings for line in str(finding).splitlines()]
    sys.stderr.writelines(f"npulab sim: {line}\n" for line in lines)
