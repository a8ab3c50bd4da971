"""Arrays in .npy files: read against an argument's shape and dtype, written whole or not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from errors import UsageError
from kernels.contract import Arg, Array, bfloat16

_BFLOAT16_IN_NPY = np.dtype("V2")
"""What numpy calls a bfloat16 in a file: it has no name for it, only its two bytes."""


def read(path: Path, arg: Arg, any_sign: bool = False) -> Array:
    """Return the content of `path`, which must be the array that `arg` describes.

    Args:
        path: An .npy file.
        arg: What it must hold.
        any_sign: Take unsigned integers for signed ones too: an MLIR ``i8`` has no sign.

    Raises:
        UsageError: The file is missing, no .npy file, or holds another shape or dtype.
    """
    array = _load(path, arg)
    if array.dtype == _BFLOAT16_IN_NPY and arg.dtype == bfloat16:
        array = array.view(bfloat16)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if any_sign and arg.dtype.kind == "i" and array.dtype == np.dtype(f"u{arg.dtype.name}"):
        array = array.view(arg.dtype)
    if array.shape != arg.shape or array.dtype != arg.dtype:
        raise UsageError(
            f"{path} is not what argument {arg.name} takes",
            details=(
                f"expected  {_described(arg.shape, arg.dtype)}",
                f"found     {_described(array.shape, array.dtype)}",
            ),
            cure=_conversion(path, array, arg),
            code="NPU403",
        )
    return np.ascontiguousarray(array)


def read_any(path: Path) -> Array:
    """Return the content of an .npy file, whatever shape and dtype it has.

    Raises:
        UsageError: The file is missing, or no .npy file.
    """
    return _load(path, None)


def _load(path: Path, arg: Arg | None) -> Array:
    try:
        loaded = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise _unreadable(f"there is no file {path}", arg) from None
    except OSError as error:
        raise _unreadable(f"cannot read {path}: {error.strerror or error}".lower(), arg) from None
    except (ValueError, EOFError):
        raise _unreadable(f"{path} is not a whole .npy file of plain numbers", arg) from None
    if not isinstance(loaded, np.ndarray):
        loaded.close()
        raise _unreadable(f"{path} is an .npz archive of arrays, not one array", arg)
    return loaded


def _unreadable(problem: str, arg: Arg | None) -> UsageError:
    cure = "give a file that np.save wrote"
    if arg is not None:
        expected = _described(arg.shape, arg.dtype)
        cure = f"argument {arg.name} takes {expected}, saved with np.save"
    return UsageError(problem, cure=cure, code="NPU404")


def _described(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
    return f"{dtype.name}{list(shape)}"


def _conversion(path: Path, array: Array, arg: Arg) -> str:
    """Return the line of numpy that likely does what the user wants, if there is one."""
    if array.size != arg.size:
        return f"save an array of {_described(arg.shape, arg.dtype)} with np.save"
    text = "a"
    if array.shape != arg.shape:
        text += f".reshape({', '.join(map(str, arg.shape))})"
    if array.dtype != arg.dtype:
        name = "ml_dtypes.bfloat16" if arg.dtype == bfloat16 else f"np.{arg.dtype.name}"
        text += f".astype({name})"
    return f"np.save({str(path)!r}, {text})"


def check_writable(path: Path) -> None:
    """Refuse a `path` that cannot be written before any work is done for it.

    Raises:
        UsageError: Its folder is missing, no folder, or may not be written.
    """
    folder = path.parent
    if path.is_dir():
        problem = "it is a folder"
    elif not folder.exists():
        problem = f"there is no folder {folder}"
    elif not folder.is_dir():
        problem = f"{folder} is not a folder"
    elif not os.access(folder, os.W_OK):
        problem = f"the folder {folder} may not be written"
    else:
        return
    raise UsageError(f"cannot write {path}: {problem}", cure="take another path", code="NPU405")


def write(path: Path, array: Array) -> None:
    """Save `array` at `path`; a failure leaves what was there.

    Raises:
        UsageError: The folder or the disk refused.
    """
    check_writable(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as file:
            np.save(file, array)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UsageError(
            f"cannot write {path}: {(error.strerror or str(error)).lower()}",
            cure="free space or take another path",
            code="NPU405",
        ) from None
