"""The unit of build: one design with the C++ sources behind the functions that it calls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UsageError, nearest

if TYPE_CHECKING:
    from kernels.contract import Arg, Function, Kernel
    from kernels.merged import Merged

_COMMENT = re.compile(r"//[^\n]*")
_LINK_WITH = re.compile(r'\blink_with\s*=\s*"([^"]+)"')


@dataclass(frozen=True, kw_only=True)
class ObjectSource:
    """An object that the design links with, and what it is compiled from.

    Attributes:
        name: The object's name in the design's ``link_with``, such as ``"kernel.o"``.
        source: The C++ file; headers beside it are found.
        defines: Preprocessor macros.
    """

    name: str
    source: Path
    defines: Mapping[str, int | str] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The object's name as one word of a file name: ``build/add.o`` gives ``build_add``."""
        return self.name.removesuffix(".o").replace("/", "_")


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What is built as one: a variant of a kernel, or a design from outside the lab.

    Attributes:
        name: First folder of the output, such as ``"gelu_int8"``.
        label: Second folder of the output, such as ``"512"``.
        design: MLIR text.
        source: The file that the design was read from; None for one that a kernel makes.
        objects: The objects that the design links with.
        functions: The entry points that the contract promises; empty without a contract.
        args: The contract's arguments in runtime-sequence order; None without a contract.
        sequences: The names of the runtime sequences where the design has several; the parts'
            contracts have their arguments.
    """

    name: str
    label: str
    design: str
    source: Path | None = None
    objects: tuple[ObjectSource, ...]
    functions: tuple[Function, ...] = ()
    args: tuple[Arg, ...] | None = None
    sequences: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """``name/label``, as reports and messages print it."""
        return f"{self.name}/{self.label}"

    @classmethod
    def from_kernel(cls, kernel: Kernel) -> Unit:
        """Return the unit of one variant of a kernel."""
        return cls(
            name=kernel.kernel_name(),
            label=kernel.label,
            design=kernel.design(),
            objects=(
                ObjectSource(name="kernel.o", source=kernel.source, defines=kernel.defines()),
            ),
            functions=kernel.functions(),
            args=kernel.args(),
        )

    @classmethod
    def of(cls, what: Kernel | Merged) -> Unit:
        """Return the unit of a variant of a kernel, or of a merged design."""
        from kernels.contract import Kernel

        return cls.from_kernel(what) if isinstance(what, Kernel) else cls.from_merged(what)

    @classmethod
    def from_merged(cls, merged: Merged) -> Unit:
        """Return the unit of several kernels in one design, each with its own object."""
        return cls(
            name="merged",
            label=merged.name,
            design=merged.design(),
            objects=tuple(
                ObjectSource(name=f"{name}.o", source=part.source, defines=part.defines())
                for name, part in merged.sequences.items()
            ),
            functions=merged.functions,
            sequences=tuple(merged.sequences),
        )

    @classmethod
    def from_files(cls, design: Path, links: Sequence[Path]) -> Unit:
        """Return the unit of a design file and the C++ files that it links with.

        A link file answers for the object of its own stem (``scale.cc`` for ``scale.o``); a
        single file answers for a single object of any name.

        Raises:
            UsageError: A file is missing or not text, or files and objects do not match.
        """
        text = _read(design)
        wanted = sorted(set(_LINK_WITH.findall(_COMMENT.sub("", text))))
        return cls(
            name=design.parent.resolve().name or "design",
            label=design.stem,
            design=text,
            source=design.absolute(),
            objects=_match(design, wanted, [link.resolve() for link in links]),
        )


def _read(design: Path) -> str:
    try:
        return design.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"cannot read the design {design}: {getattr(error, 'strerror', None) or 'not UTF-8'}",
            cure="give the path of an MLIR text file",
            code="NPU001",
        ) from error


def _match(design: Path, wanted: list[str], links: list[Path]) -> tuple[ObjectSource, ...]:
    """Pair every object of the design with exactly one link file."""
    for link in links:
        if not link.is_file():
            raise UsageError(f"no file {link}", cure="give the path of a C++ source", code="NPU002")
    if len(wanted) == 1 and len(links) == 1:
        return (ObjectSource(name=wanted[0], source=links[0]),)
    found = {f"{link.stem}.o": link for link in links}
    names = {name: name.rsplit("/", 1)[-1] for name in wanted}
    unmatched = [name for name in wanted if names[name] not in found]
    unused = [name for name in found if name not in names.values()]
    if unmatched or unused or len(found) < len(links):
        hint = nearest(unmatched[0], unused) if unmatched else ""
        raise UsageError(
            f"the link files do not match the objects of {design}{hint}",
            cure="give one source per object, named like it (scale.cc for scale.o)",
            code="NPU003",
            details=(
                f"the design links with: {', '.join(wanted) or 'nothing'}",
                f"given: {', '.join(str(link) for link in links) or 'nothing'}",
            ),
        )
    return tuple(ObjectSource(name=name, source=found[names[name]]) for name in wanted)
