"""The EMBEDDED_METADATA section of an xclbin: kernels and their arguments, as XML."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from toolchain.artifacts.binary import Reader


@dataclass(frozen=True, kw_only=True)
class Argument:
    """A kernel argument. `offset` and `size` are bytes in the call's argument record.

    `more` are the attributes that have no field here.
    """

    name: str
    index: int
    type: str
    offset: int
    size: int
    is_buffer: bool
    more: dict[str, str]
    memory: str = ""


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A kernel as XRT offers it; `more` are the attributes that have no field here."""

    name: str
    type: str
    dpu_kernel_id: int | None
    arguments: tuple[Argument, ...]
    instances: tuple[str, ...]
    more: dict[str, str]


@dataclass
class _Draft:
    name: str
    type: str
    more: dict[str, str]
    dpu_kernel_id: int | None = None
    arguments: list[Argument] = field(default_factory=list)
    instances: list[str] = field(default_factory=list)


def read(section: Reader) -> tuple[Kernel, ...]:
    """Read the kernels of the section's XML.

    Raises:
        UsageError: It is no well-formed XML, has entities, or numbers that are none (NPU051).
    """
    text = section.take(0, len(section), "kernel metadata (XML)").rstrip(b"\0")
    drafts: list[_Draft] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, attributes: _element(drafts, tag, attributes)
    parser.EntityDeclHandler = _refuse_entities
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise section.error(0, f"the kernel metadata cannot be read: {error!r}") from None
    return tuple(
        Kernel(
            name=draft.name,
            type=draft.type,
            dpu_kernel_id=draft.dpu_kernel_id,
            arguments=tuple(draft.arguments),
            instances=tuple(draft.instances),
            more=draft.more,
        )
        for draft in drafts
    )


def _refuse_entities(*_: object) -> None:
    raise ValueError("it declares entities")


def _element(drafts: list[_Draft], tag: str, attributes: dict[str, str]) -> None:
    if tag == "kernel":
        more = _without(attributes, "name", "type")
        drafts.append(_Draft(attributes["name"], attributes.get("type", ""), more))
    elif tag == "extended-data" and drafts:
        drafts[-1].dpu_kernel_id = int(attributes["dpu_kernel_id"], 0)
        drafts[-1].more |= _without(attributes, "dpu_kernel_id")
    elif tag == "instance" and drafts:
        drafts[-1].instances.append(attributes["name"])
    elif tag == "arg" and drafts:
        drafts[-1].arguments.append(
            Argument(
                name=attributes["name"],
                index=int(attributes["id"], 0),
                type=attributes.get("type", ""),
                offset=int(attributes["offset"], 0),
                size=int(attributes["size"], 0),
                is_buffer=attributes.get("addressQualifier") == "1",
                more=_without(attributes, "name", "id", "type", "offset", "size"),
            )
        )


def _without(attributes: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if name not in names}
