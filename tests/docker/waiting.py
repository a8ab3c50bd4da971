"""Waiting for what another process does, as long as a slow machine may take for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

SECONDS = 60.0
"""What the lab itself gives a container to start."""


def wait_until(
    condition: Callable[[], Any],
    hopeless: Callable[[], Any] = lambda: False,
    tell: Callable[[], object] = lambda: "",
) -> None:
    """Wait until a condition holds, and fail the test when it does not.

    Args:
        condition: What is waited for.
        hopeless: Whether it will never hold, because the one who works on it has ended.
        tell: Says what is known of the reason.
    """
    end = time.monotonic() + SECONDS
    while not condition():
        # Asked before the condition once more: it may have come true just before the end.
        if hopeless() and not condition():
            pytest.fail(f"waited in vain: its maker has ended. {tell()}")
        if time.monotonic() > end:
            pytest.fail(f"waited {SECONDS:g} s in vain. {tell()}")
        time.sleep(0.01)
