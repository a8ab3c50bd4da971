"""Dependency files as compilers write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolchain.work import depfile

NAME = st.text("abc/._- #$", min_size=1, max_size=12).filter(lambda name: name.strip("/. ") != "")


def escape(name: str) -> str:
    """Escape a name as GCC and clang do (GNU make's rules)."""
    return name.replace("$", "$$").replace(" ", "\\ ").replace("#", "\\#")


@given(names=st.lists(NAME, max_size=6), newline=st.sampled_from(["\n", "\r\n"]))
def test_names_come_back(names: list[str], newline: str) -> None:
    separator = f" \\{newline}  "
    rule = f"kernel.o: {separator.join(map(escape, names))}{newline}"
    assert depfile.parse(rule) == names


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("kernel.o: a.cc b.h\nb.h:\n", ["a.cc", "b.h"]),
        ("kernel.o: \\\n a.cc\n", ["a.cc"]),
        ("kernel.o:\n", []),
        ("", []),
    ],
)
def test_only_the_first_rule_counts(text: str, paths: list[str]) -> None:
    assert depfile.parse(text) == paths
