"""The shell line that runs a step again, in a container like the one in which it ran."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolchain.docker.container import Container

FLAGS = {
    "user": "user",
    "network_mode": "network",
    "cap_drop": "cap-drop",
    "security_opt": "security-opt",
    "read_only": "read-only",
    "tmpfs": "tmpfs",
    "mem_limit": "memory",
    "memswap_limit": "memory-swap",
    "cpu_shares": "cpu-shares",
    "pids_limit": "pids-limit",
    "ipc_mode": "ipc",
    "init": "init",
    "hostname": "hostname",
    "cgroup_parent": "cgroup-parent",
    "mounts": "mount",
    "devices": "device",
    "group_add": "group-add",
    "ulimits": "ulimit",
}
"""Flags of ``docker run`` by the SDK's names. Of the others, the environment is set by env(1)
inside, and the log is what the user sees."""


def shell_line(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], container: Container
) -> str:
    """Return a line that runs a command again, in any folder, to which its files then go.

    It mounts no folder that is not there, which the engine would make as root.

    Args:
        command: Program and arguments.
        cwd: The folder that it ran in, in whose place it finds the one where the line is run.
        env: Its whole environment.
        container: The one that it ran in.
    """
    from toolchain.docker.container import options

    spec, engine = container.spec, container.engine
    given = options(spec, engine)
    given["mounts"] = [mount for mount in given["mounts"] if mount.get("ReadOnly")]
    flags = [
        f"--{flag}" if value is True else f"--{flag}={value}"
        for name, flag in FLAGS.items()
        for value in _values(given.get(name, []))
    ]
    here = f'--mount="type=bind,source=$PWD,"{shlex.quote(f"target={cwd}")}'
    settings = [f"{name}={value}" for name, value in sorted(env.items())]
    inside = [f"--workdir={cwd}", "--entrypoint=/usr/bin/env", spec.image, "-i", *settings]
    start = shlex.join(["docker", f"--host={engine.address}", "run", "--rm", *flags])
    return f"{start} {here} {shlex.join([*inside, *command])}"


def _values(value: Any) -> Iterable[Any]:
    """Yield what a flag is given, each time that it is."""
    if isinstance(value, dict):
        yield from (f"{path}:{how}" for path, how in value.items())
    elif isinstance(value, list):
        yield from (_written(one) for one in value)
    else:
        yield value


def _written(one: Any) -> str:
    """Write a mount or a limit as the command line takes it; the rest is text."""
    if not isinstance(one, dict):
        return str(one)
    if "Soft" in one:
        return f"{one['Name']}={one['Soft']}:{one['Hard']}"
    return f"type=bind,source={one['Source']},target={one['Target']},readonly"
