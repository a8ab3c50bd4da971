"""Which kernels there are, by name: every folder of `kernels` that holds a kernel.cc."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path
from types import ModuleType

import kernels
from errors import UsageError, nearest
from kernels.contract import Kernel


def names() -> list[str]:
    """Return the names of all kernels, sorted."""
    folders = (Path(folder) for folder in kernels.__path__)
    return sorted({found.parent.name for folder in folders for found in folder.glob("*/kernel.cc")})


def load(name: str) -> type[Kernel]:
    """Return the class that ``kernels/<name>/kernel.py`` names ``KERNEL``.

    Raises:
        UsageError: There is no such kernel (NPU110), its kernel.py names none (NPU112), is
            missing or does not import (NPU114).
    """
    known = names()
    if name not in known:
        raise UsageError(
            f"there is no kernel {name!r}{nearest(name, known)}",
            cure=f"use one of: {', '.join(known)}",
            code="NPU110",
        )
    module = _import(name)
    kernel = getattr(module, "KERNEL", None)
    if not (isinstance(kernel, type) and issubclass(kernel, Kernel)):
        raise UsageError(
            f"{module.__file__} does not name its kernel",
            cure="end the file with KERNEL = <the subclass of kernels.contract.Kernel>",
            code="NPU112",
        )
    return kernel


def _import(name: str) -> ModuleType:
    """Import a kernel's contract; what is wrong with the user's file is told as its line."""
    try:
        return importlib.import_module(f"kernels.{name}.kernel")
    except Exception as error:
        *_, last = traceback.TracebackException.from_exception(error).format()
        raise UsageError(
            f"the contract of the kernel {name} does not import: {last.strip()}",
            cure="a kernel's folder holds kernel.cc and a kernel.py that imports; "
            f"see {_where(error, name)}",
            code="NPU114",
        ) from error


def _where(error: Exception, name: str) -> str:
    """Return the line of the user's code that failed, else the file that should be there."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename != __file__ and "importlib" not in frame.filename:
            return f"{frame.filename}:{frame.lineno}"
    return f"{name}/kernel.py"


def find(selector: str) -> list[Kernel]:
    """Return the variants that `selector` names: ``gelu_int8`` all, ``gelu_int8/512`` one.

    Raises:
        UsageError: There is no such kernel (NPU110) or no such variant (NPU111).
    """
    name, slash, label = selector.partition("/")
    variants = {variant.label: variant for variant in load(name).variants()}
    if not slash:
        return list(variants.values())
    if label not in variants:
        raise UsageError(
            f"the kernel {name} has no variant {label!r}{nearest(label, list(variants))}",
            cure=f"use one of: {', '.join(f'{name}/{known}' for known in variants)}",
            code="NPU111",
        )
    return [variants[label]]
