"""``npulab hw``: jobs of the NPU, in the XRT image where this Python has no pyxrt."""

from __future__ import annotations

import sys

import click

from npulab.helping import ExampleCommand
from npulab.running import RUNNERS


@click.command(
    "hw",
    cls=ExampleCommand,
    examples=(
        "npulab hw tests",
        "npulab hw tests -k gelu_int8 --junit-xml hwtests.xml",
        "npulab hw --runner docker tests --device sim -k passthrough/1024",
        "npulab hw bench --strict",
    ),
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option(
    "--runner",
    type=click.Choice(RUNNERS),
    default="auto",
    show_default=True,
    envvar="NPULAB_RUNNER",
    help="docker: in the XRT image. local: with this Python. auto: docker where there is an NPU "
    "and this Python has no pyxrt.",
)
@click.argument("job", type=click.Choice(("tests", "bench")))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(ctx: click.Context, runner: str, job: str, arguments: tuple[str, ...]) -> None:
    """Test or time every kernel on the NPU of this machine.

    ARGUMENTS go to pytest, or to npulab bench. Kernels are built first. In the
    image the job sees the NPU, the lab and the builds, read-only, and no network.
    """
    from npulab import hardware
    from npulab.selection import select
    from toolchain.docker import image, recipes
    from toolchain.docker.device import npu_nodes, refuse_none
    from toolchain.storage.store import Store

    chosen = hardware.Job(what=hardware.JOBS[job], arguments=arguments)
    if not hardware.in_container(chosen, runner):
        hardware.run_here(chosen)
    nodes = npu_nodes() if chosen.device == "xrt" else []
    if chosen.device == "xrt":
        refuse_none(nodes)
    made = image.require(recipes.find(hardware.IMAGE), Store())
    sys.stdout.flush()
    ctx.exit(hardware.run_in_container(chosen, made, nodes, select(()), out=sys.stdout.buffer))
