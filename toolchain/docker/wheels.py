"""The second layer of an image: the lab's own Python packages.

pip of this environment downloads what the lock file names, by hash, and unpacks it for the
image's Python; nothing of it runs here and nothing is resolved.
"""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys
from collections.abc import Collection
from email.parser import HeaderParser
from pathlib import Path

from packaging.markers import Marker

from errors import CheckFailed
from toolchain.docker.debian import Package
from toolchain.docker.recipes import Recipe

GLIBC = range(5, 37)
"""Minor versions of the glibc 2 that wheels may ask for: bookworm has 2.36."""

_REQUIREMENT = re.compile(r"(?:.*\\\n)*.*\n?")


def unpack(recipe: Recipe, folder: Path) -> None:
    """Install the packages of a recipe's hash-pinned requirements into `folder`.

    Args:
        recipe: Names the files, as `uv pip compile --generate-hashes` writes them.
        folder: Takes the packages; goes on the image's Python's path.

    Raises:
        CheckFailed: pip failed: no network, a hash that differs, no wheel for that Python.
    """
    chosen = folder.parent / f"{folder.name}.txt"
    asked = (path.read_text(encoding="utf-8") for path in recipe.requirements)
    python = recipe.python
    chosen.write_text(select("".join(asked), python, recipe.without))
    abi = f"cp{python.replace('.', '')}"
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in reversed(GLIBC)]
    legacy = ("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64")
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--target", str(folder), "--no-deps", "--only-binary=:all:", "--no-compile"),
        "--ignore-requires-python",  # pip holds it against the Python that it runs on
        *("--require-hashes", "-r", str(chosen), "--python-version", python),
        *("--implementation", "cp", "--abi", abi, "--abi", "abi3", "--abi", "none"),
        *(f"--platform={platform}" for platform in (*platforms, *legacy)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CheckFailed(
            f"what {recipe.name} needs of Python packages does not install for Python {python}",
            cure="read pip's lines: it needs the network, or a cache that has every wheel",
            code="NPU097",
            details=tuple(done.stderr.splitlines()[-8:]),
        )
    for path in sorted(folder.rglob("*"), reverse=True):
        name = str(path.relative_to(folder))
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in recipe.leave_out):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def select(text: str, python: str, without: Collection[str] = ()) -> str:
    """Return the requirements that hold for `python`, each once and without its marker.

    pip judges markers by the Python that it runs on, not the one that it installs for.

    Args:
        text: Of one or more requirements files.
        python: Version of the Python that will use them, such as ``3.13``.
        without: Names of packages to leave out.
    """
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    environment |= {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    kept: dict[str, str] = {}
    for requirement in _REQUIREMENT.findall(text):
        head, *hashes = requirement.split("\n", 1)
        what, semicolon, marker = head.rstrip("\\ ").partition(" ; ")
        name = what.partition("==")[0]
        if name not in without and (not semicolon or Marker(marker).evaluate(environment)):
            kept[name] = "\n".join([f"{what} \\" if hashes and hashes[0] else what, *hashes])
    return "".join(kept.values())


def installed(folder: Path) -> list[Package]:
    """Return the packages in `folder`."""
    found = []
    for metadata in folder.glob("*.dist-info/METADATA"):
        fields = HeaderParser().parsestr(metadata.read_text(encoding="utf-8"), headersonly=True)
        found.append(Package(fields["Name"].lower(), fields["Version"]))
    return sorted(found)
