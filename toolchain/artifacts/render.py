"""Artifacts as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from toolchain.artifacts import writes
from toolchain.artifacts.cdo import Cdo
from toolchain.artifacts.elf import Elf, Section
from toolchain.artifacts.insts import Transaction
from toolchain.artifacts.kernels_xml import Kernel
from toolchain.artifacts.listing import Problem, list_cdo, list_transaction
from toolchain.artifacts.partition import Partition
from toolchain.artifacts.pdi import Pdi
from toolchain.artifacts.report import Content, date
from toolchain.artifacts.state import State
from toolchain.artifacts.writes import RegisterWrite
from toolchain.artifacts.xclbin import Memory, Xclbin

PROGRAM_MEMORY = 0x4000


def lines_of(content: Content, problem: Problem) -> Iterator[str]:
    """Yield the lines of an artifact."""
    match content:
        case Xclbin():
            yield from _xclbin(content, problem)
        case Pdi():
            yield from _pdi(content, problem)
        case Cdo():
            yield f"CDO version {content.version:#x}, {len(content.commands)} commands"
            yield from list_cdo(content, problem)
            yield from _state(writes.of_cdos([content]))
        case Transaction():
            yield from _transaction(content, problem)
        case Elf():
            yield from _elf(content)


def _indent(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _xclbin(content: Xclbin, problem: Problem) -> Iterator[str]:
    yield f"uuid {content.uuid}, interface {content.interface_uuid}"
    yield f"written by xclbinutil {content.version} at {date(content.timestamp)}"
    if content.platform:
        yield f"platform {content.platform}"
    yield "sections"
    for section in content.sections:
        place = f"{section.size:8} bytes at {section.offset:#x} {section.name}"
        yield f"  {section.kind:24} {place}".rstrip()
    yield from _memories("memories", content.memories)
    yield from _memories("groups of memories", content.group_memories)
    yield "compute units"
    for ip in content.ips:
        number = "" if ip.kernel_id is None else f" DPU kernel {ip.kernel_id:#x}"
        yield f"  {ip.name} {ip.type}{number}"
    yield from _group_connections(content)
    for kernel in content.kernels:
        yield from _kernel(kernel)
    for partition in content.partitions:
        yield from _partition(partition, problem)


def _memories(title: str, memories: Sequence[Memory]) -> Iterator[str]:
    if memories:
        yield title
    for memory in memories:
        unused = "" if memory.used else ", not used"
        place = f"{memory.size} bytes at {memory.base_address:#x}"
        yield f"  {memory.tag:8} {memory.type} {place}{unused}"


def _group_connections(content: Xclbin) -> Iterator[str]:
    """Yield what XRT may choose from for each argument, by name where there is one."""
    names = [ip.name for ip in content.ips]
    tags = [memory.tag for memory in content.group_memories]
    if content.group_connections:
        yield "groups that arguments are connected to"
    for c in content.group_connections:
        ip = names[c.ip] if 0 <= c.ip < len(names) else f"compute unit {c.ip}"
        memory = tags[c.memory] if 0 <= c.memory < len(tags) else f"group {c.memory}"
        yield f"  argument {c.argument} of {ip}: {memory}"


def _kernel(kernel: Kernel) -> Iterator[str]:
    number = "" if kernel.dpu_kernel_id is None else f" DPU kernel {kernel.dpu_kernel_id:#x}"
    yield f"kernel {kernel.name} type {kernel.type}{number}, as {', '.join(kernel.instances)}"
    for arg in kernel.arguments:
        where = f" in {arg.memory or 'no memory'}" if arg.is_buffer else ""
        yield (
            f"  {arg.index} {arg.name:8} {arg.type:10} {arg.size} bytes at {arg.offset:#x}{where}"
        )


def _partition(partition: Partition, problem: Problem) -> Iterator[str]:
    yield (
        f"AIE partition {partition.name!r}: {partition.column_width} columns wide, starts at"
        f" column {' or '.join(map(str, partition.start_columns))},"
        f" {partition.operations_per_cycle} operations per cycle"
    )
    for entry in partition.pdis:
        yield f"  PDI {entry.uuid}, {len(entry.image)} bytes"
        for group in entry.groups:
            kernels = ", ".join(map(hex, group.dpu_kernel_ids)) or "none"
            name = f"{group.name} {group.type}".rstrip()
            yield f"    group {name} id {group.pdi_id:#x} kernels {kernels}"
        yield from _indent(_indent(_pdi(entry.pdi, problem)))


def _pdi(content: Pdi, problem: Problem) -> Iterator[str]:
    yield (
        f"PDI version {content.version:#x} for id code {content.id_code:#x}"
        f" {content.extended_id_code:#x}{', with boot header' if content.boot else ''}"
    )
    for image in content.images:
        yield f"image {image.name} id {image.identifier:#x}"
        for part in image.partitions:
            yield f"  partition {part.identifier} {part.type}, {len(part.data)} bytes"
            if part.cdo:
                yield from _indent(list_cdo(part.cdo, problem))
    yield from _state(writes.of_cdos(content.cdos))


def _transaction(content: Transaction, problem: Problem) -> Iterator[str]:
    major, minor = content.version
    yield (
        f"transaction {major}.{minor} for generation {content.generation},"
        f" {content.columns} columns x {content.rows} rows,"
        f" {len(content.operations)} operations"
    )
    yield from list_transaction(content, problem)


def _state(done: Iterable[RegisterWrite]) -> Iterator[str]:
    """Yield what a configuration leaves behind: routes, and how much of each memory."""
    state = State.of(done)
    yield "routes"
    yield from _indent(map(str, state.routes()))
    yield "memories written"
    for spot, words in sorted(state.memories.items()):
        yield f"  {spot}: {4 * len(words)} bytes from {min(words):#x} to {max(words) + 4:#x}"


def _elf(content: Elf) -> Iterator[str]:
    yield f"{content.architecture} {content.kind}, entry {content.entry:#x}"
    yield f"program {content.program_size} of {PROGRAM_MEMORY} bytes"
    yield f"data {content.data_size} bytes"
    yield "segments"
    for segment in content.segments:
        yield f"  {segment.address:#8x} {segment.memory_size:8} bytes, flags {segment.flags:#x}"
    yield "sections"
    yield from (f"  {_section(section)}" for section in content.sections if section.type)
    yield "functions"
    for function in content.functions:
        stack = content.stack_sizes.get(function.name)
        note = "" if stack is None else f", stack {stack} bytes"
        yield f"  {function.value:#8x} {function.size:8} bytes{note}  {function.name}"
    if content.undefined:
        yield "undefined symbols"
    for name, users in content.undefined.items():
        yield f"  {name}" + (f", needed by {', '.join(users)}" if users else "")


def _section(section: Section) -> str:
    kind = "code" if section.is_code else "data" if section.is_data else "-"
    return f"{section.address:#8x} {section.size:8} bytes {kind:5} {section.name}"
