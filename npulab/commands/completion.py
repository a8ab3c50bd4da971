"""``npulab completion``: the script that makes a shell complete npulab's words."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from npulab.helping import ExampleCommand


@click.command(
    "completion",
    cls=ExampleCommand,
    examples=(
        "npulab completion bash >> ~/.bash_completion",
        "npulab completion zsh > ~/.zfunc/_npulab      # with ~/.zfunc in fpath",
        "npulab completion fish > ~/.config/fish/completions/npulab.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print a script that completes commands, kernels and variants."""
    completion = get_completion_class(shell)
    if completion is None:
        raise click.UsageError(f"this version of click completes no {shell}", ctx)
    root = ctx.find_root()
    click.echo(completion(root.command, {}, "npulab", "_NPULAB_COMPLETE").source())
