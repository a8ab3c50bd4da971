"""The base layer: a Debian system of a suite's packages, bootstrapped from a mirror.

It needs no image registry, only mmdebstrap and the Debian mirror that this machine already
uses. What came is held against the lock, so that a mirror that moved on is noticed, not
followed.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from errors import CheckFailed, MissingEnvironment
from toolchain.docker.recipes import Recipe

ROLLING = {"sid", "unstable"}
"""Suites whose Release file a mirror may keep past its date."""

TIMEOUT = 1800.0
"""Seconds that a bootstrap may take."""

GRACE = 30.0
"""Seconds that one which is told to end has to remove what it unpacked."""

_LINES = 12

LAB_USER = "lab:x:1000:1000:lab:/tmp:/bin/sh"

_CLEAN = """
set -e
echo '{user}' >> "$1/etc/passwd"
echo 'lab:x:1000:' >> "$1/etc/group"
rm -rf "$1"/var/log/* "$1"/var/cache/* "$1"/var/lib/apt/lists/* "$1"/etc/machine-id
rm -rf "$1"/var/lib/dpkg/*-old "$1"/etc/*- "$1"/etc/hostname "$1"/etc/resolv.conf
"""


@dataclass(frozen=True, order=True)
class Package:
    """A package of an image; `architecture` is empty for Python packages."""

    name: str
    version: str
    architecture: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.name, self.version, self.architecture) if part)


def bootstrap(recipe: Recipe, out: Path) -> None:
    """Write the base layer's tar to `out`.

    Raises:
        MissingEnvironment: There is no mmdebstrap.
        CheckFailed: It failed: no mirror, a package that the suite has not; or it took too long.
    """
    command = [
        *("mmdebstrap", "--variant=essential", "--format=tar", "--quiet"),
        f"--include={','.join(recipe.packages)}",
        '--aptopt=APT::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude={path}" for path in recipe.exclude),
        *(f"--dpkgopt=path-include={path}" for path in recipe.keep),
        "--hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr",
        f"--customize-hook={_CLEAN.format(user=LAB_USER)}",
    ]
    if recipe.suite in ROLLING:
        command.append('--aptopt=Acquire::Check-Valid-Until "false"')
    env = {**os.environ, "SOURCE_DATE_EPOCH": str(recipe.epoch), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    if shutil.which(command[0]) is None:
        raise MissingEnvironment(
            "images are bootstrapped with mmdebstrap, and it is not installed",
            cure="install the Debian package mmdebstrap (root, or unprivileged user namespaces)",
            code="NPU094",
        )
    try:
        with _scratch() as folder:
            _run([*command, recipe.suite, str(out), *mirror()], {**env, "TMPDIR": str(folder)})
    except subprocess.TimeoutExpired as error:
        raise CheckFailed(
            f"Debian {recipe.suite} does not bootstrap within {TIMEOUT:,.0f} s",
            cure="name a Debian mirror that answers faster in NPULAB_DEBIAN_MIRROR",
            code="NPU095",
        ) from error
    except subprocess.CalledProcessError as error:
        lines = error.stdout.decode(errors="replace").splitlines()
        raise CheckFailed(
            f"Debian {recipe.suite} does not bootstrap",
            cure="read mmdebstrap's lines; NPULAB_DEBIAN_MIRROR names another Debian mirror",
            code="NPU095",
            details=tuple(lines[-_LINES:]),
        ) from error


@contextmanager
def _scratch() -> Iterator[Path]:
    """Yield a folder for the system that is unpacked, and remove what is left in it.

    It is not in the cache's work folder: without root, mmdebstrap works as another user, who may
    not go there.
    """
    folder = Path(tempfile.mkdtemp(prefix="npulab-bootstrap-"))
    folder.chmod(0o1777)
    try:
        yield folder
    finally:
        # As root it mounts /proc and /dev of this machine in there until it ends by itself.
        if f" {folder}/" not in Path("/proc/self/mounts").read_text(encoding="utf-8"):
            shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], env: dict[str, str]) -> None:
    """Run mmdebstrap to its end; an interrupt or the timeout ends it with all that it started.

    Raises:
        subprocess.CalledProcessError: It failed.
        subprocess.TimeoutExpired: It took too long.
    """
    with subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=TIMEOUT)
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output=said)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process with its session, by force where it does not end by itself."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.communicate(timeout=GRACE)
    except BaseException as error:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise


def mirror() -> list[str]:
    """Return the mirror to ask: ``$NPULAB_DEBIAN_MIRROR``, this machine's, or mmdebstrap's."""
    if chosen := os.environ.get("NPULAB_DEBIAN_MIRROR"):
        return [chosen]
    form = "$(REPO_URI) $(ORIGIN) $(LABEL)"
    try:
        listed = subprocess.run(
            ["apt-get", "indextargets", "--format", form, "Created-By: Packages"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    except FileNotFoundError:
        return []
    found = re.findall(r"^(\S+) Debian Debian$", listed, re.MULTILINE)
    return found[:1]


def installed(layer: Path) -> list[Package]:
    """Return the Debian packages in a base layer, by dpkg's own record."""
    with tarfile.open(layer) as tar:
        member = next(one for one in tar if one.name.lstrip("./") == "var/lib/dpkg/status")
        content = tar.extractfile(member)
        if content is None:
            raise ValueError(f"{layer} has no dpkg status")
        return packages(content.read().decode())


def packages(status: str) -> list[Package]:
    """Return the packages in dpkg's own record, its file ``status``."""
    return sorted(_package(paragraph) for paragraph in status.strip().split("\n\n"))


def locked(recipe: Recipe) -> list[str]:
    """Return the lines of the recipe's lock; none where nothing is locked yet."""
    if not recipe.lock.is_file():
        return []
    lines = recipe.lock.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def drift(recipe: Recipe, found: Iterable[Package]) -> list[str]:
    """Return how what came differs from the lock: lines of a diff, none where it does not."""
    now = [str(package) for package in found]
    names = (recipe.lock.name, "mirror")
    lines = difflib.unified_diff(locked(recipe), now, *names, n=0, lineterm="")
    return [line for line in lines if not line.startswith("@@")]


def write_lock(recipe: Recipe, found: Iterable[Package]) -> None:
    """Lock what came."""
    head = f"# Every Debian package of image {recipe.name}; written by: npulab images --accept"
    recipe.lock.write_text("\n".join([head, *map(str, found)]) + "\n", encoding="utf-8")


def refuse_drift(recipe: Recipe, found: Iterable[Package]) -> None:
    """Raise where the mirror gave other packages than the lock has.

    Raises:
        CheckFailed: It did; the details are the diff.
    """
    if changes := drift(recipe, found):
        raise CheckFailed(
            f"the Debian mirror has other packages for {recipe.name} than {recipe.lock.name} locks",
            cure=f"accept and review them: npulab images {recipe.name}"
            f"{' --base registry' if recipe.registry else ''} --accept; or name a mirror that "
            "keeps the old ones in NPULAB_DEBIAN_MIRROR",
            code="NPU096",
            details=tuple(changes),
        )


def refuse_other_versions(recipe: Recipe, found: Iterable[Package]) -> None:
    """Raise where a package is of another version than toolchain/pins/pins.toml has it.

    Raises:
        CheckFailed: It is; a lock of packages must not say otherwise than the pins.
    """
    for package in found:
        pinned = recipe.versions.get(package.name)
        upstream = package.version.rpartition(":")[2]
        if pinned and not re.match(rf"{re.escape(pinned)}(?!\d)", upstream):
            raise CheckFailed(
                f"{package.name} of Debian {recipe.suite} is {package.version}, and pins.toml "
                f"pins {pinned}",
                cure="change the pin in toolchain/pins/pins.toml, or name a mirror that keeps the "
                "old packages in NPULAB_DEBIAN_MIRROR",
                code="NPU096",
            )


def _package(paragraph: str) -> Package:
    fields = dict(re.findall(r"^(Package|Version|Architecture): (.*)$", paragraph, re.MULTILINE))
    return Package(fields["Package"], fields["Version"], fields["Architecture"])
