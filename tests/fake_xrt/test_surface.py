"""The fake pyxrt has the surface of the real one, no less and no more."""

from __future__ import annotations

import importlib.util
import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.fake_xrt import pyxrt

HERE = Path(__file__).parent
RECORDED: dict[str, Any] = json.loads((HERE / "pyxrt-2.25.json").read_text())
SCOPES = [("pyxrt", pyxrt, RECORDED), ("ext", pyxrt.ext, RECORDED["ext"])]
ENTRIES = [
    pytest.param(getattr(scope, name), entry, id=f"{title}.{name}")
    for title, scope, entries in SCOPES
    for name, entry in entries.items()
    if name != "ext" and hasattr(scope, name)
]


def public(thing: Any) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def test_the_names_are_the_same() -> None:
    assert set(pyxrt.__all__) == set(RECORDED)
    assert public(pyxrt.ext) == set(RECORDED["ext"])
    assert len(RECORDED) == 30


@pytest.mark.parametrize(("fake", "entry"), ENTRIES)
def test_each_thing_is_the_same(fake: Any, entry: dict[str, Any]) -> None:
    compare(fake, entry)


def compare(fake: Any, entry: dict[str, Any]) -> None:
    """Hold one thing of the fake against what was recorded, and all that is in it."""
    if "compares_with_int" in entry:
        compare_enumeration(fake, entry)
    elif "init" in entry:
        compare_class(fake, entry)
    elif "overloads" in entry:
        compare_calls(fake, entry["overloads"], named=True)
    elif "member" in entry:
        assert (fake.name, int(fake)) == (entry["member"], entry["value"])
    else:
        assert fake == entry["value"]


def compare_enumeration(fake: Any, entry: dict[str, Any]) -> None:
    members = {name: int(member) for name, member in fake.__members__.items()}
    assert members == entry["members"]
    for name, value in members.items():
        member = getattr(fake, name)
        assert member == fake.__members__[name] == fake(value)
        assert (member == value) is entry["compares_with_int"]
        assert hash(member) == hash(value)
        assert repr(fake(value)).startswith("<" + entry["prints"].partition(".")[0][1:] + ".")
    assert any("__or__" in cls.__dict__ for cls in fake.__mro__) is entry["combines"]


def compare_class(fake: Any, entry: dict[str, Any]) -> None:
    names = {name for name in entry["members"] if not name.startswith("_")}
    assert public(fake) == names
    compare_calls(fake, entry["init"], named=True)
    for name, member in entry["members"].items():
        value = inspect.getattr_static(fake, name)
        if inspect.isfunction(value):
            compare_calls(
                getattr(fake, name), member["overloads"], named=name in names, bound=False
            )
        else:
            compare(getattr(fake, name), member)


def compare_calls(
    fake: Callable[..., Any], overloads: list[dict[str, Any]], *, named: bool, bound: bool = True
) -> None:
    """Every overload can be called as the real one can."""
    signature = inspect.signature(fake)
    first = () if bound else (None,)
    for overload in overloads:
        arguments = [name for name in overload["arguments"] if not name.startswith("*")]
        signature.bind(*first, *arguments)
        if named and overload["callable"] and all(arguments):
            signature.bind(*first, **dict.fromkeys(arguments))
    most = max((len(overload["arguments"]) for overload in overloads), default=0)
    variadic = any(kind.kind is kind.VAR_POSITIONAL for kind in signature.parameters.values())
    if not variadic:
        with pytest.raises(TypeError):
            signature.bind(*first, *range(most + 1))


@pytest.mark.parametrize(
    "call",
    [
        lambda: pyxrt.runlist().wait(timeout=1),
        lambda: pyxrt.run().wait2(1),
        lambda: pyxrt.run().add_callback(pyxrt.ert_cmd_state(4), print, None),
    ],
)
def test_what_python_cannot_call_it_cannot_call_here_either(call: Callable[[], None]) -> None:
    with pytest.raises(TypeError, match="incompatible function arguments"):
        call()


def test_the_record_knows_what_cannot_be_called() -> None:
    (wait,) = [
        one for one in RECORDED["runlist"]["members"]["wait"]["overloads"] if one["arguments"]
    ]
    assert not wait["callable"]


def test_a_real_module_still_has_the_recorded_surface() -> None:
    """Where XRT is installed for this Python, its surface is what is recorded."""
    if importlib.util.find_spec("pyxrt") is None:
        pytest.skip("this Python has no pyxrt")
    script = [sys.executable, str(HERE / "surface.py")]
    found = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert json.loads(found) == RECORDED
