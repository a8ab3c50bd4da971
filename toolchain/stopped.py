"""What ends work from outside, as Ctrl-C does: whoever waits or runs raises it and gives way."""

from __future__ import annotations


class Stopped(Exception):
    """The work was asked to end before it was done; what was finished is kept."""
