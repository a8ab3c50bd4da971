"""The lock file: its records, and a loader that lets nothing unpinned through."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import msgspec

from errors import LabError, MissingEnvironment, UsageError, nearest

SCHEMA = 1
PATH = Path(__file__).parent / "pins.toml"
UNPINNED = "not yet pinned"
"""What `sha256` says of a wheel whose hash nobody has checked yet."""

PYTHONS = ("3.11", "3.13")
"""The Python variants of the AIE2 toolchain."""

ANY = "any"
"""`python` of a wheel that serves every variant."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:-]*@sha256:[0-9a-f]{64}")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\.whl")


class Wheel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wheel of the toolchain.

    Attributes:
        name: ``mlir-aie`` or ``llvm-aie``.
        python: The variant that it serves, or ``any``.
        tag: The release of its repository that has it.
        commit: The commit that it was built from, as far as upstream tells.
        sha256: In hex, or `UNPINNED`.
        size: Bytes; None where it was never downloaded by this lab.
    """

    name: str
    version: str
    python: str
    tag: str
    url: str
    sha256: str
    commit: str | None = None
    size: int | None = None

    @property
    def file_name(self) -> str:
        """The wheel's own name, as the URL ends in it."""
        return unquote(PurePosixPath(urlsplit(self.url).path).name)

    @property
    def pinned(self) -> bool:
        """Whether its hash is known."""
        return self.sha256 != UNPINNED

    @property
    def pin(self) -> str:
        """Name, version and hash, as manifests record a tool."""
        return f"{self.name} {self.version} sha256:{self.sha256}"


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The Debian release whose own Python a variant uses.

    Attributes:
        image: The same release in a registry, as ``name:tag@sha256:...``.
    """

    python: str
    suite: str
    image: str | None = None


class Xrt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The runtime's Debian packages.

    Attributes:
        python: The suite's own Python, which pyxrt is built for.
    """

    suite: str
    python: str
    version: str
    packages: tuple[str, ...]


class Host(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The compiler of target host."""

    compiler: str
    version: str


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: int
    wheel: tuple[Wheel, ...]
    base: tuple[Base, ...]
    xrt: Xrt
    host: Host


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A lock file that was checked.

    Attributes:
        path: Where it was read from.
    """

    path: Path
    wheels: tuple[Wheel, ...]
    bases: tuple[Base, ...]
    xrt: Xrt
    host: Host

    def variant(self, python: str | None = None) -> tuple[Wheel, ...]:
        """Return the wheels of one Python variant, all of them pinned.

        Args:
            python: One of `PYTHONS`; that of this process, or the first where it has none.

        Raises:
            UsageError: NPU025, there is no such variant.
            MissingEnvironment: NPU024, a wheel of it is not yet pinned.
        """
        python = python or own_variant()
        if python not in PYTHONS:
            raise UsageError(
                f"the AIE2 toolchain has no variant for Python {python}",
                cure=f"set --python or NPULAB_PYTHON to one of: {', '.join(PYTHONS)}",
                code="NPU025",
            )
        wheels = tuple(wheel for wheel in self.wheels if wheel.python in (python, ANY))
        for wheel in wheels:
            if not wheel.pinned:
                raise MissingEnvironment(
                    f"{wheel.name} {wheel.version} for Python {python} is not yet pinned: "
                    "nobody has checked its hash",
                    cure="pin it with: npulab lock (needs the network), then review pins.toml"
                    + self._another(),
                    code="NPU024",
                )
        return wheels

    def _another(self) -> str:
        """Return the words that name a variant with every hash, none where there is none."""
        lacking = {wheel.python for wheel in self.wheels if not wheel.pinned}
        whole = [python for python in PYTHONS if not lacking & {python, ANY}]
        return f"; or use another variant: --python or NPULAB_PYTHON {whole[0]}" if whole else ""


def own_variant() -> str:
    """Return ``$NPULAB_PYTHON``, or the variant of this Python, or the first where it has none."""
    if chosen := os.environ.get("NPULAB_PYTHON"):
        return chosen
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    return own if own in PYTHONS else PYTHONS[0]


def load(path: Path | None = None) -> Lock:
    """Read and check a lock file: the one given, or ``$NPULAB_PINS``, or the lab's own.

    Raises:
        UsageError: NPU022, it cannot be read or says what no lock says; NPU023, a wheel has
            no hash, or is not fetched over HTTP.
    """
    path = path or Path(os.environ.get("NPULAB_PINS") or PATH)
    try:
        return parse(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise _wrong(path, f"cannot be read: {why}") from error


@cache
def parse(text: str, path: Path) -> Lock:
    """Check the text of a lock file; raises as :func:`load` does."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(path, f"is not TOML: {error}") from error
    _refuse_hashless(path, tables)
    try:
        document = msgspec.convert(tables, _Document)
    except msgspec.ValidationError as error:
        raise _wrong(path, f"is no lock of this lab: {error}{_hint(str(error))}") from error
    if document.schema != SCHEMA:
        raise _wrong(path, f"has schema {document.schema}, and this lab reads {SCHEMA}")
    for wheel in document.wheel:
        _check_wheel(path, wheel)
    for base in document.base:
        if base.image is not None and not _IMAGE.fullmatch(base.image):
            raise _unpinned(path, f"the image {base.image} has no digest of sha256")
    _check_variants(path, document.wheel)
    return Lock(
        path=path,
        wheels=document.wheel,
        bases=document.base,
        xrt=document.xrt,
        host=document.host,
    )


def _refuse_hashless(path: Path, tables: dict[str, object]) -> None:
    """Name a URL without a hash before anything else that may be wrong."""
    wheels = tables.get("wheel")
    for table in wheels if isinstance(wheels, list) else ():
        if isinstance(table, dict) and "url" in table and "sha256" not in table:
            raise _unpinned(path, f"{table['url']} has no sha256")


def _check_wheel(path: Path, wheel: Wheel) -> None:
    what = f"{wheel.name} {wheel.version}"
    if wheel.pinned and not _SHA256.fullmatch(wheel.sha256):
        raise _unpinned(path, f"the sha256 of {what} is not 64 lower-case hexadecimal digits")
    parts = urlsplit(wheel.url)
    if parts.scheme not in ("https", "http") or not parts.netloc:
        raise _unpinned(path, f"the url of {what} is not one of https: {wheel.url}")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1"):
        raise _unpinned(path, f"the url of {what} is not encrypted: {wheel.url}")
    if not _FILE_NAME.fullmatch(wheel.file_name):
        raise _wrong(path, f"has a url that does not end in a wheel's name: {wheel.url}")
    if wheel.python not in (*PYTHONS, ANY):
        raise _wrong(path, f"has {what} for Python {wheel.python}, which is no variant")
    if wheel.size is not None and wheel.size <= 0:
        raise _wrong(path, f"gives {what} a size of {wheel.size} bytes")


def _check_variants(path: Path, wheels: tuple[Wheel, ...]) -> None:
    """Check that each variant has each wheel exactly once."""
    names = sorted({wheel.name for wheel in wheels})
    if names != ["llvm-aie", "mlir-aie"]:
        raise _wrong(path, f"pins {', '.join(names) or 'nothing'}, not llvm-aie and mlir-aie")
    for python in PYTHONS:
        for name in names:
            found = [w for w in wheels if w.name == name and w.python in (python, ANY)]
            if len(found) != 1:
                raise _wrong(path, f"has {len(found)} wheels of {name} for Python {python}")


def _hint(complaint: str) -> str:
    """Return the known key nearest to an unknown one that msgspec complains of."""
    unknown = re.search(r"unknown field `([^`]*)`", complaint)
    known = [*Wheel.__struct_fields__, *_Document.__struct_fields__, *Xrt.__struct_fields__]
    return nearest(unknown[1], known) if unknown else ""


def _wrong(path: Path, what: str) -> LabError:
    return UsageError(
        f"the lock file {path} {what}",
        cure="mend it, or take it back from version control",
        code="NPU022",
    )


def _unpinned(path: Path, what: str) -> LabError:
    return UsageError(
        f"the lock file {path} would install what nobody has checked: {what}",
        cure=f'give every wheel an https url and its sha256, or sha256 = "{UNPINNED}", and '
        "every image its digest",
        code="NPU023",
    )
