"""A new kernel from the templates: small, complete, passing."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

from errors import UsageError

TEMPLATES = Path(__file__).parent / "templates"
FILES = ("__init__.py", "kernel.cc", "kernel.py")


def create(name: str, kernels: Path) -> Path:
    """Write a kernel called `name` into the folder `kernels` and return its folder.

    Raises:
        UsageError: The name is no good, or taken.
    """
    _check(name, kernels)
    words = {"name": name, "Class": "".join(part.capitalize() for part in name.split("_"))}
    folder = kernels / name
    folder.mkdir()
    for file in FILES:
        template = Template((TEMPLATES / f"{file}.in").read_text(encoding="utf-8"))
        (folder / file).write_text(template.substitute(words), encoding="utf-8")
    return folder


def _check(name: str, kernels: Path) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise UsageError(
            f"{name!r} cannot name a kernel: it becomes a Python package and a C function",
            cure="use lower-case words, digits and single underscores, such as relu_int8",
        )
    for taken in (kernels / name, kernels / f"{name}.py"):
        if taken.exists():
            raise UsageError(
                f"there is {taken} already", cure="take another name, or change that one"
            )
