"""``npulab lock``: pin the AIE2 toolchain, move a pin, or compare the pins with upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from npulab.helping import ExampleCommand

if TYPE_CHECKING:
    from toolchain.pins.update import Finding


@click.command(
    "lock",
    cls=ExampleCommand,
    examples=(
        "npulab lock",
        "npulab lock --update mlir-aie=1.4.3",
        "npulab lock --update llvm-aie",
        "npulab lock --check",
    ),
)
@click.option(
    "--update",
    metavar="NAME[=VERSION]",
    multiple=True,
    help="Pin another version of mlir-aie or llvm-aie; the newest unless one is given.",
)
@click.option("--check", is_flag=True, help="Only say what is newer, gone or changed upstream.")
@click.option("--json", "as_json", is_flag=True, help="With --check: print one JSON document.")
@click.pass_context
def command(ctx: click.Context, update: tuple[str, ...], check: bool, as_json: bool) -> None:
    """Pin the AIE2 toolchain, or compare its pins with upstream.

    What is not yet pinned is downloaded and hashed, and written into the lock file.
    Its hash must be the one that its release publishes. Size and commit of the
    others are filled in where they lack. The change is printed; review it like
    code. --check exits 1 where a pinned wheel is gone or is another file now.
    """
    from errors import UsageError
    from npulab.console import stdout
    from npulab.fetching import FetchProgress
    from toolchain.pins import lockfile
    from toolchain.pins.releases import Releases
    from toolchain.pins.update import Updater, look
    from toolchain.storage.store import Store

    if check and update:
        raise click.UsageError("--check changes nothing: leave out --update", ctx)
    if as_json and not check:
        raise click.UsageError("--json goes with --check", ctx)
    lock = lockfile.load()
    if check:
        with FetchProgress() as progress:
            findings = look(lock, Releases(tell=progress.tell))
        ctx.exit(_tell(findings, as_json=as_json))
    names = sorted({wheel.name for wheel in lock.wheels})
    wanted = [asked.partition("=") for asked in update]
    for name, _, _ in wanted:
        if name not in names:
            raise UsageError(
                f"the lock has no {name}", cure=f"name one of: {', '.join(names)}", code="NPU048"
            )
    told: list[str] = []
    try:
        with FetchProgress() as progress:
            releases = Releases(tell=progress.tell)
            updater = Updater(Store(), releases, progress.tell, progress=progress)
            for name, _, version in wanted:
                difference = updater.update(lockfile.load(), name, version or None)
                told.append(difference or f"{name} is as it was")
            if not update:
                told.append(updater.complete(lock) or "everything is pinned")
    finally:  # what was written is shown, though the next one failed
        for text in told:
            stdout().print(text, soft_wrap=True)


def _tell(findings: list[Finding], *, as_json: bool) -> int:
    from npulab.console import Column, Rows, print_json, print_wrapped, stdout

    if as_json:
        print_json(
            [
                {
                    "name": finding.wheel.name,
                    "version": finding.wheel.version,
                    "python": finding.wheel.python,
                    "state": finding.state,
                    "text": finding.text,
                }
                for finding in findings
            ]
        )
    else:
        titles = [f"{finding.wheel.name} {finding.wheel.version}" for finding in findings]
        width = max(map(len, titles))
        console = stdout()
        rows = Rows(console, Column("wheel", width), Column("python", 6), Column("state", 8))
        rows.header()
        for title, finding in zip(titles, findings, strict=True):
            style = "red" if finding.bad else "green" if finding.state == "current" else "yellow"
            rows.row(title, finding.wheel.python, finding.state, styles=["", "", style])
            if finding.state != "current":
                print_wrapped(console, finding.text, indent=4)
    if any(finding.bad for finding in findings):
        return _failed(findings)
    return 0


def _failed(findings: list[Finding]) -> int:
    from errors import CheckFailed
    from npulab.console import print_error

    names = ", ".join(sorted({finding.wheel.file_name for finding in findings if finding.bad}))
    error = CheckFailed(
        f"upstream does not have what is pinned: {names}",
        cure="keep a mirror (npulab fetch --mirror DIR), or move the pin (npulab lock --update)",
        code="NPU049",
    )
    print_error(error)
    return error.exit_code
