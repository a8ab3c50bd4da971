"""``KERNEL[/VARIANT]`` on the command line: parsing, completion, everything by default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from errors import UsageError

if TYPE_CHECKING:
    from kernels.contract import Kernel


Chosen = TypeVar("Chosen")

MERGED = "merged"
"""What stands for a kernel's name in a merged design's."""


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


class DesignSelector(Selector):
    """The same, or a merged design, ``merged/NAME``; ``merged`` means all of them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from kernels.merged import designs

        if not isinstance(value, str) or value.partition("/")[0] != MERGED:
            return super().convert(value, param, ctx)
        _, _, name = value.partition("/")
        return [designs.find(one) for one in ([name] if name else designs.names())]

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from kernels.merged import designs

        titles = [MERGED, *(f"{MERGED}/{name}" for name in designs.names())]
        merged = [CompletionItem(title) for title in titles if title.startswith(incomplete)]
        return [*super().shell_complete(ctx, param, incomplete), *merged]


def select(selected: Sequence[Sequence[Chosen]]) -> list[Chosen]:
    """Return what was selected, each once, or all variants of the lab if nothing was named.

    Raises:
        UsageError: The lab has no kernels.
    """
    from kernels import registry

    groups: Sequence[Sequence[Any]] = selected or [registry.find(n) for n in registry.names()]
    if not groups:
        raise UsageError("the lab has no kernels", cure="start one: npulab new NAME")
    return list(dict.fromkeys(one for group in groups for one in group))
