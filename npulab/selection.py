"""``KERNEL[/VARIANT]`` on the command line: parsing, completion, everything by default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from errors import UsageError

if TYPE_CHECKING:
    from kernels.contract import Kernel
    from kernels.merged import Merged


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

        if isinstance(value, list):
            return value
        if value.partition("/")[0] == MERGED:
            raise _not_a_kernel(value)
        return registry.find(value)

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
        if not isinstance(value, str) or value.partition("/")[0] != MERGED:
            return super().convert(value, param, ctx)
        return _merged(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from kernels.merged import designs

        titles = [MERGED, *(f"{MERGED}/{name}" for name in designs.names())]
        merged = [CompletionItem(title) for title in titles if title.startswith(incomplete)]
        return [*super().shell_complete(ctx, param, incomplete), *merged]


def _merged(title: str) -> list[Merged]:
    """Return the merged design of that title, or all of them.

    Raises:
        UsageError: There is none of that name (NPU110).
    """
    from kernels.merged import designs

    _, _, name = title.partition("/")
    return [designs.find(one) for one in ([name] if name else designs.names())]


def _not_a_kernel(title: str) -> UsageError:
    parts = ", ".join(part.title for design in _merged(title) for part in design.parts)
    return UsageError(
        f"{title} is several kernels in one design, and this command takes a kernel by itself",
        cure=f"name one of its parts: {parts}; build, show, test and demo take merged designs",
        code="NPU110",
    )


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
