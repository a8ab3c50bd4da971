"""Entry point of ``npulab`` and ``python -m npulab``."""

import gc
import sys

COLLECT_AFTER = 50_000
"""Objects made between two looks for garbage in cycles. What starting makes stays: with Python's
700, a build that has nothing to do spends a twentieth of its time looking for what is not there."""


def main() -> None:
    """Run the command line on the process's arguments and exit with its code."""
    gc.set_threshold(COLLECT_AFTER)
    try:
        from npulab.cli import cli

        cli(prog_name="npulab")
    except KeyboardInterrupt:  # before the command line could take it
        sys.exit(130)


if __name__ == "__main__":
    main()
