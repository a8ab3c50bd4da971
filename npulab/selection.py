"""``KERNEL[/VARIANT]`` on the command line: parsing, completion, everything by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from errors import UsageError

if TYPE_CHECKING:
    from kernels.contract import Kernel


class Selector(click.ParamType):  # type: ignore[type-arg]
    """One kernel (all its variants) or one variant, given as the contract objects it means."""

    name = "KERNEL[/VARIANT]"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,  # noqa: ARG002
        ctx: click.Context | None,  # noqa: ARG002
    ) -> list[Kernel]:
        from kernels import registry

        return value if isinstance(value, list) else registry.find(value)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        from kernels import registry

        name, slash, _ = incomplete.partition("/")
        if slash and name in registry.names():
            titles = [kernel.title for kernel in registry.find(name)]
        else:
            titles = registry.names()
        return [CompletionItem(title) for title in titles if title.startswith(incomplete)]


def select(selected: tuple[list[Kernel], ...]) -> list[Kernel]:
    """Return the variants selected, each once, or all of the lab's if none was named.

    Raises:
        UsageError: The lab has no kernels.
    """
    from kernels import registry

    groups = selected or tuple(registry.find(name) for name in registry.names())
    if not groups:
        raise UsageError("the lab has no kernels", cure="start one: npulab new NAME")
    return list(dict.fromkeys(kernel for group in groups for kernel in group))
