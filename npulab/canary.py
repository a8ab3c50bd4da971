"""The canary on a device, in the XRT image where this Python has no pyxrt.

``python -m npulab.canary --device xrt`` is what runs there: it prints how many elements were right,
or what was wrong.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from io import BytesIO

from errors import CheckFailed, LabError
from kernels import registry
from npulab import hardware
from runtime.canary import CANARY, check_canary
from runtime.devices import DEVICES, open_device
from runtime.lock import device_lock


def run_canary(device: str, *, wait: float | None = None) -> int:
    """Run the canary when the device is free, and return how many elements were right.

    Args:
        device: Its name on the command line.
        wait: Seconds to wait for the device at most; for ever unless given. Who waits is told on
            stderr for whom.

    Raises:
        LabError: No device, no image, no turn; or the canary was wrong.
    """
    job = hardware.Job(what=hardware.JOBS["canary"], arguments=("--device", device))
    if hardware.in_container(job, "auto"):
        return _in_image(job, wait)
    turn = device_lock("npulab health", timeout=wait, on_wait=hardware.tell)
    with turn if device == "xrt" else nullcontext():
        return check_canary(open_device(device))


def _in_image(job: hardware.Job, wait: float | None) -> int:
    from toolchain.docker import image, recipes
    from toolchain.docker.device import npu_nodes
    from toolchain.storage.store import Store

    made = image.require(recipes.find(hardware.IMAGE), Store())
    out = BytesIO()
    kernels = registry.find(CANARY)[:1]
    code = hardware.run_in_container(job, made, npu_nodes(), kernels, out, wait=wait)
    # XRT may have printed warnings before: the last line is the canary's.
    lines = out.getvalue().decode(errors="replace").splitlines() or [f"exit code {code}"]
    if code or not lines[-1].isdigit():
        raise CheckFailed(
            f"in the XRT image: {lines[-1]}",
            cure="run it by hand: npulab hw tests -k passthrough",
            code="NPU442",
        )
    return int(lines[-1])


def main() -> int:
    """Check the canary with this Python, and return the exit code."""
    parser = argparse.ArgumentParser(description="Check the canary.")
    parser.add_argument("--device", choices=list(DEVICES), default="xrt")
    try:
        print(check_canary(open_device(parser.parse_args().device)))
    except LabError as error:
        print(f"{error.message} [{error.code}]")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
