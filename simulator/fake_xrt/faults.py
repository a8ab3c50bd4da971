"""What can be scripted to go wrong on the FAKE, each as a lab has seen it on real hardware."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """A call of the driver that can be refused, by the ioctl that its message names."""

    CONTEXT = "DRM_IOCTL_AMDXDNA_CREATE_HWCTX"
    CONFIGURE = "DRM_IOCTL_AMDXDNA_CONFIG_HWCTX"
    BUFFER = "DRM_IOCTL_AMDXDNA_CREATE_BO"
    EXECUTE = "DRM_IOCTL_AMDXDNA_EXEC_CMD"


@dataclass(frozen=True)
class Refused:
    """The driver refuses `step` with an errno, and XRT raises its usual text.

    Attributes:
        errno: Positive; what the shim prints with a minus.
        status: The firmware's answer, appended where it is not 0 (0x2000003 is NOAVAIL).
    """

    step: Step
    errno: int
    status: int = 0


@dataclass(frozen=True)
class Ends:
    """The next run ends in `state`, an `ert_cmd_state` by name, and computes nothing."""

    state: str


class Spoiled(StrEnum):
    """The next run completes, and its outputs are not what the design computes."""

    ZERO = "every output is zero: data went to no core"
    STALE = "no output is touched: the device wrote elsewhere, or nothing at all"
    BANK = "XRT warns of a bank mismatch and works on copies: no output is touched"


Fault = Refused | Ends | Spoiled
