"""Runs commands inside the container: the container's main process, fed by the lab.

This file is handed to the image's Python as text, so it uses nothing but the standard
library. Requests come in on stdin, a JSON object per line, and answers go out on stdout the
same way. When stdin ends, because the lab closed it or died, everything ends with it:
no container outlives its lab.

A command takes no round trip through the engine: starting one costs what it costs outside.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 100
"""Looks for room to start something in, before that counts as a failure."""

LOOK_SECONDS = 0.1
"""How often a running command is held against the limit on processes."""

COUNTERS = (
    ("memory", "oom_kill", ("memory.events", "memory/memory.oom_control")),
    ("processes", "max", ("pids.events", "pids/pids.events")),
)
"""What the kernel counts of this container's excesses: the line's first word and the file below
/sys/fs/cgroup that has it, in version 2 and in version 1."""


def serve() -> None:
    """Start every command asked for, until stdin ends."""
    answering = threading.Lock()
    limit = int(sys.argv[1])
    answer(answering, {"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        patiently(threading.Thread(target=run, args=(request, limit, answering), daemon=True).start)
    os._exit(0)


def patiently(start: Callable[[], T]) -> T:
    """Start a thread or process, again while a runaway command leaves no room for it."""
    for _ in range(PATIENCE):
        try:
            return start()
        except (RuntimeError, BlockingIOError):
            time.sleep(LOOK_SECONDS)
    return start()


def answer(answering: threading.Lock, document: dict[str, object]) -> None:
    """Write one answer, whole."""
    with answering:
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()


def run(request: dict[str, Any], limit: int, answering: threading.Lock) -> None:
    """Run one command to its end, and answer with what became of it."""
    before = excesses()
    try:
        with Path(request["log"]).open("ab") as log:
            process = patiently(lambda: start(request, log.fileno()))
    except OSError as error:
        answer(answering, {"id": request["id"], "error": error.strerror})
        return
    stopped = wait(process, request["timeout"], limit)
    if stopped is None and process.returncode:
        stopped = next((limit for limit, n in excesses().items() if n > before[limit]), None)
    answer(answering, {"id": request["id"], "exit": process.returncode, "stopped": stopped})


def start(request: dict[str, Any], log: int) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own."""
    return subprocess.Popen(
        request["command"],
        cwd=request["cwd"],
        env=request["env"],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def wait(process: subprocess.Popen[bytes], timeout: float, limit: int) -> str | None:
    """Wait for the end; why it was ended by force, if it was."""
    end = time.monotonic() + timeout
    stopped = None
    while process.poll() is None:
        try:
            process.wait(max(0.0, min(LOOK_SECONDS, end - time.monotonic())))
        except subprocess.TimeoutExpired:
            if members(process.pid) >= limit:
                stopped = "processes"
            elif time.monotonic() >= end:
                stopped = "time"
            if stopped:
                kill_group(process.pid)
                process.wait()
    kill_group(process.pid)
    return stopped


def kill_group(group: int) -> None:
    """End what is left of a command's process group."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def members(session: int) -> int:
    """Return the number of processes in a session; threads count, as for the kernel."""
    count = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            count += int(fields[17])
    return count


def excesses() -> dict[str, int]:
    """Return how often the container went over each of its limits."""
    counts = {}
    for limit, word, names in COUNTERS:
        for name in names:
            with suppress(OSError):
                lines = (Path("/sys/fs/cgroup") / name).read_text().splitlines()
                counts[limit] = sum(int(x.split()[1]) for x in lines if x.startswith(f"{word} "))
    return counts


if __name__ == "__main__":
    serve()
