"""Look into any artifact of a build: which kind it is, and all that it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import NamedTuple

from errors import UsageError
from toolchain.artifacts import cdo, elf, insts, pdi, xclbin
from toolchain.artifacts.binary import Ledger, Reader
from toolchain.artifacts.cdo import Cdo
from toolchain.artifacts.render import lines_of
from toolchain.artifacts.report import Content, Report, unnamed

MOST_BYTES = 256 << 20
"""Larger files are refused: no artifact of an NPU comes near."""

MOST_PROBLEMS = 50
"""Problems that a report shows; the others are counted."""


class Format(NamedTuple):
    """A kind of artifact: how it is recognised and read."""

    kind: str
    title: str
    code: str
    matches: Callable[[bytes], bool]
    read: Callable[[Reader], Content]


def _read_cdo(reader: Reader) -> Cdo:
    config, size = cdo.read(reader)
    if size != len(reader):
        raise reader.error(size, f"{len(reader) - size} bytes follow the commands")
    return config


FORMATS = (
    Format("xclbin", "xclbin", "NPU051", xclbin.is_xclbin, xclbin.read),
    Format("elf", "ELF", "NPU056", elf.is_elf, elf.read),
    Format("cdo", "CDO", "NPU054", cdo.is_cdo, _read_cdo),
    Format("pdi", "PDI", "NPU053", pdi.is_pdi, pdi.read),
    Format("insts", "NPU instructions", "NPU055", insts.is_transaction, insts.read),
)


def inspect_file(path: Path) -> Report:
    """Read an artifact and tell what is in it.

    Args:
        path: An xclbin, PDI, CDO, instruction or AIE ELF file.

    Raises:
        UsageError: The file cannot be read or is of no known kind (NPU050), or it is
            damaged (NPU051 to NPU056, by kind).
    """
    return inspect_bytes(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        UsageError: It cannot be read, is a pipe or a device, or is larger than any artifact
            (NPU050).
    """
    try:
        status = path.stat()
        if not (S_ISREG(status.st_mode) or S_ISDIR(status.st_mode)):
            raise UsageError(
                f"{path} is no regular file but a pipe or a device, which may have no end",
                cure="write what it gives into a file, and name that",
                code="NPU050",
            )
        if status.st_size > MOST_BYTES:
            raise UsageError(
                f"{path} has {status.st_size} bytes, more than any NPU artifact",
                cure="name an xclbin, PDI, CDO, insts.bin or AIE2 ELF file",
                code="NPU050",
            )
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}",
            cure="name an existing file that you may read",
            code="NPU050",
        ) from None


def inspect_bytes(data: bytes, name: str) -> Report:
    """Tell what is in an artifact that is at hand as bytes; raises as `inspect_file` does."""
    form = detect(data, name)
    ledger = Ledger()
    what = form.title if name == "" else f"{name}: {form.title}"
    content = form.read(Reader(data=data, what=what, code=form.code, ledger=ledger))
    problems: list[str] = []
    lines = tuple(lines_of(content, problems.append))
    spans = ledger.close(data)
    return Report(
        path=name,
        kind=form.kind,
        size=len(data),
        content=content,
        lines=lines,
        problems=_bounded(unnamed(spans) + problems),
        spans=spans,
    )


def detect(data: bytes, name: str) -> Format:
    """Return the format that `data` begins as.

    Raises:
        UsageError: It begins as none (NPU050).
    """
    found = next((form for form in FORMATS if form.matches(data)), None)
    if found is None:
        raise UsageError(
            f"{name} is no artifact of an NPU build{_guess(data)}",
            cure="name an xclbin, PDI, CDO, insts.bin or AIE2 ELF file",
            code="NPU050",
        )
    return found


def _guess(data: bytes) -> str:
    """Return what else the bytes look like, or how they begin."""
    if not data:
        return ": it is empty"
    if data.startswith(b"!<arch>"):
        return ": it is an archive of objects (extract them with `ar x`)"
    if data.startswith(b"version https://git-lfs"):
        return ": it is a Git LFS pointer, not the file itself"
    if len(data) >= 16 and data[:2] in (b"\x00\x01", b"\x01\x00"):
        size = int.from_bytes(data[12:16], "little")
        return f": it begins as NPU instructions of {size} bytes and has {len(data)}"
    return f": it begins with {data[:8].hex(' ')}"


def _bounded(problems: list[str]) -> tuple[str, ...]:
    distinct = list(dict.fromkeys(problems))
    if len(distinct) > MOST_PROBLEMS:
        more = len(distinct) - MOST_PROBLEMS
        distinct = [*distinct[:MOST_PROBLEMS], f"and {more} more"]
    return tuple(distinct)
