"""What goes wrong on the device, named: ERT states, the driver's errnos, XRT's warnings.

The text of a cure is the catalogue's, so that a failure is explained in one place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from errors import CheckFailed, LabError, MissingEnvironment, UsageError, catalogue

_STATES = {
    "ERT_CMD_STATE_NEW": ("NPU436", "the command was never submitted"),
    "ERT_CMD_STATE_QUEUED": ("NPU436", "the command still waits in the queue"),
    "ERT_CMD_STATE_SUBMITTED": ("NPU436", "the command was submitted and is still running"),
    "ERT_CMD_STATE_ERROR": ("NPU431", "the device refused the command"),
    "ERT_CMD_STATE_ABORT": ("NPU432", "the command was aborted"),
    "ERT_CMD_STATE_TIMEOUT": ("NPU430", "the run did not end in time"),
    "ERT_CMD_STATE_NORESPONSE": ("NPU433", "the device does not answer"),
    "ERT_CMD_STATE_SKERROR": ("NPU434", "the kernel ended with an error"),
    "ERT_CMD_STATE_SKCRASHED": ("NPU435", "the kernel crashed"),
}
DONE = "ERT_CMD_STATE_COMPLETED"


@dataclass(frozen=True)
class _Words:
    """Words in an exception's text, and the failure that they mean; the first match counts."""

    pattern: str
    code: str
    message: str


_DRIVER = (
    _Words(r"No such device with index", "NPU410", "XRT finds no NPU"),
    _Words(r"0x2000003|NOAVAIL", "NPU420", "no hardware context is free"),
    _Words(r"CREATE_HWCTX.*err=-?(2|16|28)\b", "NPU420", "no hardware context is free"),
    _Words(r"CONFIG_HWCTX.*err=-?62\b", "NPU422", "the device did not take the configuration"),
    _Words(r"err=-?(1|13)\b|Permission denied", "NPU412", "this user may not use the NPU"),
    _Words(r"err=-?(11|12)\b|memlock|mmap", "NPU413", "no memory for the device"),
    _Words(r"err=-?95\b|not supported", "NPU414", "driver and XRT do not fit together"),
    _Words(r"err=-?(19|6|108)\b", "NPU438", "the NPU is gone"),
    _Words(r"EXEC_CMD.*err=-?5\b", "NPU437", "the driver could not hand the command over"),
    _Words(r"err=-?(5|62|110)\b", "NPU438", "the NPU does not react"),
    _Words(r"(CREATE|CONFIG)_HWCTX", "NPU421", "the driver refuses the design"),
    _Words(r"CREATE_BO", "NPU427", "the driver gives no buffer"),
    _Words(r"EXEC_CMD", "NPU437", "the driver could not hand the command over"),
    _Words(r"xclbin|No such kernel|No such file", "NPU424", "XRT cannot load the xclbin"),
)
_CLASSES: dict[str, type[LabError]] = {
    **dict.fromkeys(("NPU410", "NPU411", "NPU412", "NPU413", "NPU414"), MissingEnvironment),
    **dict.fromkeys(("NPU424", "NPU425", "NPU426"), UsageError),
}
BANK_WARNING = re.compile(r"no compute units with\s+connectivity|Reverting to host copy")


def failure(code: str, message: str, *details: str) -> LabError:
    """Return the error with a catalogue code: its class by exit code, its cure from there."""
    made = _CLASSES.get(code, CheckFailed)
    return made(message, cure=_cures()[code], code=code, details=details)


def of_state(state: str, what: str) -> LabError:
    """Return the failure that an ERT state means.

    Args:
        state: The state's name, anything but COMPLETED.
        what: What was run.
    """
    code, message = _STATES.get(state, ("NPU439", "the command ended in a state unknown here"))
    return failure(code, f"{what}: {message}", state)


def of_exception(error: BaseException, what: str) -> LabError:
    """Return the failure that an exception of pyxrt means; its text stays in the details.

    The exception loses its traceback, whose frames would keep the hardware context alive.
    """
    error.__traceback__ = None
    text = str(error).strip()
    if state := re.search(r"(?:ERT_CMD_)?(STATE_[A-Z]+)", text):
        return of_state(f"ERT_CMD_{state[1]}", what)
    for words in _DRIVER:
        if re.search(words.pattern, text, re.DOTALL):
            return failure(words.code, f"{what}: {words.message}", text)
    return failure("NPU439", f"{what}: XRT failed in a way unknown here", text)


def of_warnings(text: str, what: str) -> LabError | None:
    """Return the failure that XRT's printed warnings mean; None where they mean none."""
    if not BANK_WARNING.search(text):
        return None
    lines = tuple(line for line in text.splitlines() if line.strip())
    return failure(
        "NPU440", f"{what}: a buffer lies in a bank that the kernel cannot reach", *lines
    )


@cache
def _cures() -> dict[str, str]:
    section = next(one for one in catalogue.SECTIONS if one.file == "device.toml")
    return {code: entry.cure.strip() for code, entry in catalogue.load_section(section).items()}
