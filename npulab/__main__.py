"""Entry point of ``npulab`` and ``python -m npulab``."""

import sys


def main() -> None:
    """Run the command line on the process's arguments and exit with its code."""
    try:
        from npulab.cli import cli

        cli(prog_name="npulab")
    except KeyboardInterrupt:  # before the command line could take it
        sys.exit(130)


if __name__ == "__main__":
    main()
