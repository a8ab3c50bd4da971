"""Whether a host of the NPU is fit for the next job; run before and after each one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from errors import LabError, MissingEnvironment, UsageError
from runtime.bench.conditions import other_users

GOING_SECONDS = 30.0
"""How long the container of a killed job may take to go, on a machine that has much to do."""


@dataclass(frozen=True)
class Sign:
    """One thing that was looked at.

    Attributes:
        ok: Whether it is as it should be.
        found: What it is.
    """

    name: str
    ok: bool
    found: str


def examine(canary: Callable[[], int], node: Path | None) -> list[Sign]:
    """Look at everything that a job can leave behind.

    Args:
        canary: Runs the canary, and returns how many elements it compared; all were right.
        node: The device's node; None for a device that has none.
    """
    containers = _containers()  # what goes now holds no NPU afterwards
    signs = [] if node is None else [_node(node), _users(node)]
    return [*signs, _canary(canary), containers]


def out_of_rotation(flag: Path, signs: list[Sign]) -> bool:
    """Write the reason into `flag` if anything is wrong, and tell whether it is there.

    Only a person takes it away: a host that was found ill does not declare itself well.

    Raises:
        UsageError: NPU405: the folder or the disk refused.
    """
    reasons = [f"{sign.name}: {sign.found}" for sign in signs if not sign.ok]
    if reasons and not flag.exists():
        try:
            flag.write_text("\n".join(reasons) + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"cannot write {flag}: {(error.strerror or str(error)).lower()}",
                cure="free space or take another path; this host is not well",
                code="NPU405",
            ) from None
    return flag.exists()


def _node(node: Path) -> Sign:
    if not node.exists():
        return Sign("node", False, f"{node} is not there")
    ok = os.access(node, os.R_OK | os.W_OK)
    return Sign("node", ok, str(node) if ok else f"{node} may not be opened by this user")


def _users(node: Path) -> Sign:
    users = other_users(node)
    held = f"held by processes {', '.join(map(str, users))}: contexts were left behind"
    return Sign("contexts", not users, held if users else "nobody holds the device")


def _canary(canary: Callable[[], int]) -> Sign:
    try:
        compared = canary()
    except LabError as error:
        code = f" [{error.code}]" if error.code else ""
        return Sign("canary", False, error.message + code)
    return Sign("canary", True, f"right in all {compared:,} elements")


def _containers() -> Sign:
    """Remove containers that outlived their job, and look for those that cannot be removed.

    That of a job that was killed a moment ago is on its way out: it is no sign of an ill host.
    Where there is no engine there are none.
    """
    from toolchain.docker import engine
    from toolchain.docker.container import abandoned, sweep

    try:
        found = engine.connect()
    except MissingEnvironment:
        return Sign("containers", True, "no container engine answers")
    try:
        end = time.monotonic() + GOING_SECONDS
        removed = len(sweep(found))
        while (left := abandoned(found)) and time.monotonic() < end:
            time.sleep(0.2)
            removed += len(sweep(found))
    finally:
        found.close()
    if left:
        names = " ".join(identity[:12] for identity in left)
        return Sign("containers", False, f"left behind, and cannot be removed: {names}")
    return Sign("containers", True, f"{removed} removed, none left" if removed else "none left")
