"""The command group: commands load when they are called, errors end here."""

from __future__ import annotations

import errno
from importlib import import_module
from typing import IO, Any, NoReturn

import click

from errors import LabError, MissingEnvironment, nearest

COMMANDS = (
    "list",
    "show",
    "survey",
    "build",
    "demo",
    "run",
    "sim",
    "test",
    "report",
    "trace",
    "profile",
    "bench",
    "hw",
    "gate",
    "health",
    "new",
    "images",
    "repro",
    "fetch",
    "lock",
    "asm",
    "inspect",
    "diff",
    "doctor",
    "clean",
    "completion",
)
"""In the order of `--help`; each is the `command` of a module in `npulab.commands`."""

_MACHINE_SAYS_NO = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}


class Failed(click.ClickException):
    """A LabError on its way out: its text on stderr, its exit code."""

    def __init__(self, error: LabError) -> None:
        super().__init__(error.message)
        self.error = error

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """The error's own exit code."""
        return self.error.exit_code

    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002
        from npulab.console import print_error

        print_error(self.error)


class Interrupted(click.ClickException):
    """Ctrl-C, with the exit code that a shell expects of it."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("interrupted; what was finished is kept")

    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002
        click.echo(self.message, err=True)


class LabGroup(click.Group):
    """Finds commands by module name, and turns the lab's errors into one clear line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"npulab.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = nearest(args[0], list(COMMANDS))
            raise click.UsageError(f"there is no command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LabError as error:
            raise Failed(error) from error
        except KeyboardInterrupt:
            raise Interrupted from None
        except OSError as error:
            _refused_by_machine(error)


def _refused_by_machine(error: OSError) -> NoReturn:
    """A folder that may not be written or a full disk is the user's to cure; the rest are bugs."""
    if error.errno not in _MACHINE_SAYS_NO:
        raise error
    where = f": {error.filename}" if error.filename else ""
    raise Failed(
        MissingEnvironment(
            f"{(error.strerror or 'the system refused').lower()}{where}",
            cure="free space or take another folder; nothing half-written is left behind",
        )
    ) from error


@click.group(
    cls=LabGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="\b\nStart with         npulab demo\nOn trouble         npulab doctor\n"
    "More on a command  npulab COMMAND --help",
)
@click.version_option(package_name="npulab")
def cli() -> None:
    """Build, run and check NPU kernels for AMD Ryzen AI (Phoenix, AIE2).

    Each kernel is one C++ source, one dataflow design and one numpy golden
    model. Without an NPU its design runs on a simulated Phoenix array.

    Exit codes: 0 all right, 1 a check failed, 2 wrong input, 3 something is
    missing on this machine, 130 interrupted.
    """
