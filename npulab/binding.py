"""Which file goes to which argument: ``--in x.npy``, ``--in lut=table.npy``, ``--out 2=y.npy``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from errors import UsageError, nearest
from kernels.contract import Arg, Role


@dataclass(frozen=True)
class Binding:
    """A call's arguments with the files that its inputs come from and its outputs go to.

    Attributes:
        args: Every argument in the order of the runtime sequence.
        inputs: File by argument name.
        outputs: File by argument name.
    """

    args: tuple[Arg, ...]
    inputs: dict[str, Path]
    outputs: dict[str, Path]


def bind_kernel(args: tuple[Arg, ...], given: Sequence[str], wanted: Sequence[str]) -> Binding:
    """Bind the files of a kernel, whose contract says what each argument is for.

    Files without a name go to the inputs in argument order, then to the params.

    Raises:
        UsageError: An unknown or doubly bound name, or more files than arguments.
    """
    fresh = [arg for arg in args if arg.role in (Role.IN, Role.INOUT)]
    params = [arg for arg in args if arg.role is Role.PARAM]
    written = [arg for arg in args if arg.role.is_written]
    inputs = _assign("--in", given, args, fresh + params)
    outputs = _assign("--out", wanted, args, written)
    for arg in args:
        if arg.name in inputs and not arg.role.is_read:
            raise _wrong_way("--in", arg, fresh + params)
        if arg.name in outputs and not arg.role.is_written:
            raise _wrong_way("--out", arg, written)
    return Binding(args, inputs, outputs)


def _wrong_way(option: str, arg: Arg, allowed: Sequence[Arg]) -> UsageError:
    return UsageError(
        f"{option} {arg.name}=...: the kernel's argument is {arg}",
        cure=f"{option} can bind: {'; '.join(map(str, allowed))}",
        code="NPU406",
    )


def bind_sequence(args: tuple[Arg, ...], given: Sequence[str], wanted: Sequence[str]) -> Binding:
    """Bind the files of a design without a contract, and so decide its arguments' roles.

    Named files first; then the inputs take the free arguments in order, then the outputs.
    An argument bound both ways is inout. One that is bound neither way is inout too, and
    without a file: scratch, which the caller zero-fills.

    Raises:
        UsageError: An unknown or doubly bound name, or more files than arguments.
    """
    named = [text for text in wanted if _key(text)]
    named_out = _assign("--out", named, args, args)
    inputs = _assign("--in", given, args, [arg for arg in args if arg.name not in named_out])
    free = [arg for arg in args if arg.name not in inputs and arg.name not in named_out]
    unnamed = [text for text in wanted if not _key(text)]
    outputs = named_out | _assign("--out", unnamed, args, free)
    return Binding(tuple(_with_role(arg, inputs, outputs) for arg in args), inputs, outputs)


def _with_role(arg: Arg, inputs: dict[str, Path], outputs: dict[str, Path]) -> Arg:
    is_input, is_output = arg.name in inputs, arg.name in outputs
    if is_input != is_output:
        return replace(arg, role=Role.IN if is_input else Role.OUT)
    return replace(arg, role=Role.INOUT)


def _assign(
    option: str, texts: Sequence[str], args: Sequence[Arg], candidates: Sequence[Arg]
) -> dict[str, Path]:
    """Give each text its argument: the one that it names, or the next of `candidates`."""
    bound: dict[str, Path] = {}
    for text in filter(_key, texts):
        arg = _named(option, _key(text), args)
        if arg.name in bound:
            raise UsageError(f"{option} binds argument {arg.name} twice", code="NPU406")
        bound[arg.name] = Path(text.partition("=")[2])
    free = [arg for arg in candidates if arg.name not in bound]
    for text in texts:
        if _key(text):
            continue
        if not free:
            raise UsageError(
                f"{option} {text} is one more than there are arguments for it",
                cure=f"{option} can bind: {'; '.join(map(str, candidates)) or 'none'}",
                code="NPU406",
            )
        bound[free.pop(0).name] = Path(text)
    return bound


def _key(text: str) -> str:
    """Return the name or index in front of ``=``, or nothing where `text` is just a path."""
    key, equals, _ = text.partition("=")
    return key if equals and key.isidentifier() | key.isdecimal() else ""


def _named(option: str, key: str, args: Sequence[Arg]) -> Arg:
    """Return the argument of that name or of that place in the runtime sequence."""
    if key.isdecimal() and int(key) < len(args):
        return args[int(key)]
    for arg in args:
        if arg.name == key:
            return arg
    raise UsageError(
        f"{option} {key}=...: there is no argument {key}" + nearest(key, [a.name for a in args]),
        cure=f"the arguments are: {'; '.join(map(str, args))}",
        code="NPU406",
    )
