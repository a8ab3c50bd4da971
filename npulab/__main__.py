"""Entry point of ``npulab`` and ``python -m npulab``."""

import gc
import signal
import sys

COLLECT_AFTER = 50_000
"""Objects made between two looks for garbage in cycles. What starting makes stays: with Python's
700, a build that has nothing to do spends a twentieth of its time looking for what is not there."""


OWN = {"errors", "kernels", "npulab", "runtime", "simulator", "toolchain"}
"""The lab's packages: one of them that is not found is no package to install."""


def main() -> None:
    """Run the command line on the process's arguments and exit with its code."""
    gc.set_threshold(COLLECT_AFTER)
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        # Ends as by Ctrl-C: what was begun is removed, and what was started ends too.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from npulab.cli import cli

        cli(prog_name="npulab")
    except KeyboardInterrupt:  # before the command line could take it
        sys.exit(130)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not package or package in OWN:
            raise
        sys.stderr.write(
            f"error: this Python has no package {package}, which the lab needs: {sys.executable}\n"
            "  -> use the lab's own environment: nox makes one for each of its sessions (nox -l);\n"
            "     or python3 -m pip install -e . in an environment of yours\n"
        )
        sys.exit(3)


if __name__ == "__main__":
    main()
