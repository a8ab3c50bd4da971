"""Writes down the surface of a pyxrt, the real one or the fake, as JSON on stdout.

Rewrite the recorded surface where a real module is, with the Python that it was built for::

    python3 tests/fake_xrt/surface.py > tests/fake_xrt/pyxrt-2.25.json

It needs no device and nothing of the lab. Of each overload it keeps how many arguments it takes,
their names where they have any, and whether Python can call it at all: an argument whose C++
type is bound to nothing (``std::chrono``, ``std::function``) can never be given.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

SPECIAL = ("__call__", "__len__", "__iter__", "__getitem__", "__setitem__", "__delitem__")
_UNBOUND = re.compile(r"\bstd::")
_UNNAMED = re.compile(r"arg\d+$")


def surface(module: Any) -> dict[str, Any]:
    """Return what the real module shows: classes, enumerations, functions, numbers."""
    return {name: _one(getattr(module, name)) for name in _names(module)}


def _names(thing: Any) -> list[str]:
    return [name for name in dir(thing) if not name.startswith("_")]


def _one(thing: Any) -> Any:
    if isinstance(thing, type):
        return _enumeration(thing) if hasattr(thing, "__members__") else _class(thing)
    if type(thing).__name__ == "module":
        return surface(thing)
    if callable(thing):
        return {"overloads": overloads(thing.__doc__ or "")}
    if hasattr(thing, "value") and hasattr(thing, "name"):
        return {"member": thing.name, "value": int(thing)}
    return {"value": thing}


def _enumeration(cls: Any) -> dict[str, Any]:
    first = next(iter(cls.__members__.values()))
    return {
        "members": {name: int(member) for name, member in sorted(cls.__members__.items())},
        "compares_with_int": first == int(first),
        "combines": hasattr(cls, "__or__") and "__or__" in cls.__dict__,
        "prints": repr(first).split(":")[0],
    }


def _class(cls: Any) -> dict[str, Any]:
    special = [name for name in SPECIAL if name in cls.__dict__]
    methods = {name: _one(getattr(cls, name)) for name in (*_names(cls), *special)}
    return {"init": overloads(cls.__init__.__doc__ or ""), "members": methods}


def overloads(doc: str) -> list[dict[str, Any]]:
    """Read pybind11's docstring: one line ``name(arg: type, ...) -> type`` per overload."""
    lines = re.findall(r"^(?:\d+\. )?\w+\((.*)\)(?: -> .*)?$", doc, re.MULTILINE)
    found = [_overload(line) for line in lines if line != "*args, **kwargs"]
    return sorted(found, key=json.dumps)


def _overload(line: str) -> dict[str, Any]:
    depth, parts = 0, [""]
    for char in line:
        depth += (char in "[<(") - (char in "]>)")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    arguments = [part.strip() for part in parts if part.strip()]
    arguments = [part for part in arguments if not part.startswith("self: ")]
    names = [part.split(":")[0] for part in arguments]
    return {
        "arguments": ["" if _UNNAMED.match(name) else name for name in names],
        "callable": not _UNBOUND.search(line),
    }


if __name__ == "__main__":
    import pyxrt

    json.dump(surface(pyxrt), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
