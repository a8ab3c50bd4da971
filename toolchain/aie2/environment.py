"""The environment of target aie2: the pinned wheels, unpacked by the lab and called by path.

Layout, in the cache folder::

    toolchains/<key>/site/            the wheels: mlir_aie/, llvm-aie/
    toolchains/<key>/bin/xclbinutil   link to the packer; the first folder of the tools' PATH
    toolchains/<key>/files.json       every unpacked file as it was then
    toolchains/<key>/installed.json   what was installed and how it answered; comes last

The key is made of the wheels' hashes and the packer's, so that another pin is another
folder. Nothing is looked up on the user's ``PATH``, and no variable of the user's reaches a
tool: each runs with the environment that stands in `Environment.env`, and nothing else.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from errors import CheckFailed, MissingEnvironment
from toolchain.aie2 import glibc, packer
from toolchain.pins.lockfile import Wheel
from toolchain.storage import digest, disk, records
from toolchain.storage.store import Store
from toolchain.work.runner import Runner

VERSION = 2
"""Raise it when installing or the self-test changes: environments are then made anew."""

RECORD = "installed.json"
FILES = "files.json"
SYSTEM_PATH = "/usr/bin:/bin"
"""What a packer that is a shell script needs."""

TOOLS = {
    "aiecc": "mlir_aie/bin/aiecc",
    "clang++": "llvm-aie/bin/clang++",
    "llvm-nm": "llvm-aie/bin/llvm-nm",
}
"""The programs that the lab calls, below ``site``."""


class Stamp(msgspec.Struct, frozen=True):
    """A file as it was installed: its bytes, and when it was changed last, in nanoseconds."""

    size: int
    changed: int


class Files(msgspec.Struct, frozen=True):
    """What `files.json` says: the files below the environment's folder, by path."""

    files: dict[str, Stamp]


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """What `installed.json` says.

    Attributes:
        versions: What each tool says of its version, first line.
        options: The optional flags of `toolchain.aie2.options` that this aiecc takes.
        tools: By name; a tool that changed since makes the environment unusable.
    """

    version: int
    python: str
    wheels: dict[str, str]
    xclbinutil: str
    versions: dict[str, str]
    options: tuple[str, ...]
    tools: dict[str, Stamp]


@dataclass(frozen=True, kw_only=True)
class Environment:
    """An installed and tested toolchain.

    Attributes:
        folder: As in the module's layout.
        wheels: What it was made of.
    """

    folder: Path
    wheels: tuple[Wheel, ...]
    record: Installed

    @cached_property
    def site(self) -> Path:
        return self.folder / "site"

    @property
    def peano(self) -> Path:
        """The compiler's folder, which aiecc wants to know."""
        return self.site / "llvm-aie"

    @cached_property
    def include(self) -> Path:
        """The folder of ``aie_api/aie.hpp``."""
        return self.site / "mlir_aie" / "include"

    def tool(self, name: str) -> str:
        """Return a program's absolute path."""
        return f"{self.site}/{TOOLS[name]}"

    @cached_property
    def env(self) -> dict[str, str]:
        """The whole environment of every tool."""
        return variables(self.folder)

    def pin(self, name: str) -> str:
        """Return the pin of a wheel: name, version and hash."""
        return next(wheel.pin for wheel in self.wheels if wheel.name == name)

    @cached_property
    def pins(self) -> dict[str, str]:
        """Name, version and hash of all that makes the artifacts."""
        found = {wheel.name: wheel.pin for wheel in self.wheels}
        return {**found, "xclbinutil": self.record.xclbinutil}

    @cached_property
    def altered(self) -> str | None:
        """The first file that is not as it was installed, None where all are.

        It asks the disk for every file, some ten thousand: a build that has nothing to do must
        not.
        """
        record = records.decode(disk.read_if_there(self.folder / FILES), Files)
        if record is None:
            return FILES
        found = dict(_stamps(self.folder))
        if found == record.files:
            return None
        names = sorted(found.keys() | record.files)
        return next(name for name in names if found.get(name) != record.files.get(name))

    def check(self) -> None:
        """Check that every file is as it was installed, before a tool runs.

        Raises:
            MissingEnvironment: NPU069, one was changed, is gone or was added.
        """
        if self.altered is not None:
            raise MissingEnvironment(
                "the AIE2 toolchain was altered since it was installed: "
                f"{self.folder / self.altered}",
                cure="install it anew with: npulab fetch",
                code="NPU069",
            )


def variables(folder: Path) -> dict[str, str]:
    """Return the environment for the tools of an environment folder."""
    return {
        "PATH": f"{folder / 'bin'}:{SYSTEM_PATH}",
        "PEANO_INSTALL_DIR": str(folder / "site" / "llvm-aie"),
        "LC_ALL": "C",
        # Tools that stamp the time into what they write stamp this one.
        "SOURCE_DATE_EPOCH": "0",
        # Nor does using the toolchain alter it.
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def find(store: Store, wheels: tuple[Wheel, ...]) -> Environment | None:
    """Return the environment of some wheels if it is installed, its tools as they were then.

    Raises:
        MissingEnvironment: NPU038, there is no packer.
    """
    program = packer.find()
    folder = _folder(store, wheels, program)
    record = records.decode(disk.read_if_there(folder / RECORD), Installed)
    if record is None or record.tools != _tools(folder / "site"):
        return None
    # A cache may have another's toolchains by a link: containers see them where they really are.
    return Environment(folder=folder.resolve(), wheels=wheels, record=record)


def install(store: Store, runner: Runner, python: str, files: Mapping[Wheel, Path]) -> Environment:
    """Unpack wheels, test what came out, and return it; or return what was installed before.

    Args:
        store: Takes the environment.
        runner: Runs the self-test.
        python: The variant that the wheels are for.
        files: The wheels, verified.

    Raises:
        CheckFailed: NPU035, a wheel is no safe archive; NPU036, the toolchain does not work.
        MissingEnvironment: NPU037, it is for other machines; NPU038, there is no packer; or
            the disk refuses.
    """
    wheels = tuple(files)
    glibc.check(wheels)
    program = packer.find()
    folder = _folder(store, wheels, program)
    with store.lock(f"toolchain-{folder.name}"):
        if (found := find(store, wheels)) and found.altered is None:
            return found
        with store.work() as work:
            made = work / "made"
            record = _make(made, runner, python, files, program)
            with disk.writing(folder.parent):
                folder.parent.mkdir(parents=True, exist_ok=True)
                remove(folder)
                made.rename(folder)
    return Environment(folder=folder, wheels=wheels, record=record)


def _make(
    made: Path, runner: Runner, python: str, files: Mapping[Wheel, Path], program: Path
) -> Installed:
    from toolchain.aie2 import selftest
    from toolchain.fetch.unpack import unpack

    with disk.writing(made.parent):
        for path in files.values():
            unpack(path, made / "site")
        (made / "bin").mkdir(parents=True)
        (made / "bin" / "xclbinutil").symlink_to(program)
    files_now = Files(dict(_stamps(made)))
    _refuse_incomplete(made / "site", files)
    found = selftest.run(made, runner)
    record = Installed(
        version=VERSION,
        python=python,
        wheels={wheel.name: wheel.pin for wheel in files},
        xclbinutil=_packer_pin(program),
        versions=found.versions,
        options=found.options,
        tools=_tools(made / "site") or {},
    )
    disk.replace_file(made / FILES, msgspec.json.encode(files_now))
    disk.replace_file(made / RECORD, msgspec.json.format(msgspec.json.encode(record), indent=2))
    return record


def remove(folder: Path) -> None:
    """Remove an environment, its record first: without it the rest counts for nothing."""
    with suppress(FileNotFoundError):
        (folder / RECORD).unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _refuse_incomplete(site: Path, files: Mapping[Wheel, Path]) -> None:
    names = ", ".join(f"{wheel.name} {wheel.version}" for wheel in files)
    for path in (*TOOLS.values(), "mlir_aie/include/aie_api/aie.hpp"):
        if not (site / path).is_file():
            raise CheckFailed(
                f"the pinned toolchain has no {path}",
                cure="the wheels are of another make than this lab knows: pin another version "
                "with npulab lock --update",
                code="NPU036",
                details=(f"wheels: {names}",),
            )
        if path in TOOLS.values() and not os.access(site / path, os.X_OK):
            raise CheckFailed(
                f"{path} of the pinned toolchain is not executable",
                cure="pin another version with npulab lock --update",
                code="NPU036",
                details=(f"wheels: {names}",),
            )


def missing(wheels: tuple[Wheel, ...]) -> MissingEnvironment:
    """Return the error for a build without an installed toolchain."""
    names = " and ".join(f"{wheel.name} {wheel.version}" for wheel in wheels)
    return MissingEnvironment(
        f"target aie2 needs {names}, which are not installed",
        cure="install them with: npulab fetch (about 400 MB; NPULAB_MIRROR works offline), or "
        "build for the simulator (--target host)",
        code="NPU039",
    )


def _folder(store: Store, wheels: tuple[Wheel, ...], program: Path) -> Path:
    hashes = sorted(wheel.sha256 for wheel in wheels)
    key = digest.of_json([VERSION, hashes, str(program), _packer_pin(program)])
    return store.root / "toolchains" / key[:20]


def _packer_pin(program: Path) -> str:
    return f"xclbinutil sha256:{digest.of_file(program)}"


def _stamps(folder: Path) -> Iterator[tuple[str, Stamp]]:
    """Yield every file and link that was unpacked into an environment's folder."""
    for part in ("site", "bin"):
        for place, _, names in os.walk(folder / part):
            for name in names:
                status = os.lstat(f"{place}/{name}")
                path = f"{place[len(str(folder)) + 1 :]}/{name}"
                yield path, Stamp(size=status.st_size, changed=status.st_mtime_ns)


def _tools(site: Path) -> dict[str, Stamp] | None:
    """Return the tools as they stand, None if one is gone."""
    found = {}
    for name, path in TOOLS.items():
        try:
            status = (site / path).stat()
        except OSError:
            return None
        found[name] = Stamp(size=status.st_size, changed=status.st_mtime_ns)
    return found
