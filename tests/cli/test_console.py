"""Prose at 80 columns: no line too long, none with blanks at its end, no word lost."""

from __future__ import annotations

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from npulab.console import fold, print_hanging, print_json, print_note, print_wrapped

WORDS = st.lists(st.text("abcdefgh-./", min_size=1, max_size=30), min_size=1, max_size=40)


def console() -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, width=80, highlight=False, markup=False, emoji=False), stream


def check(words: list[str], printed: str) -> None:
    assert printed.split() == words
    assert all(len(line) <= 80 and line == line.rstrip() for line in printed.splitlines())


@given(WORDS, st.integers(0, 40))
def test_wrapped(words: list[str], indent: int) -> None:
    target, stream = console()
    print_wrapped(target, " ".join(words), indent)
    check(words, stream.getvalue())


@given(WORDS)
def test_hanging(words: list[str]) -> None:
    target, stream = console()
    target.print("-" * 27, end="")
    print_hanging(target, " ".join(words), 27)
    first, *others = stream.getvalue().splitlines()
    assert all(line.startswith(" " * 27) for line in others)
    check(words, "\n".join([first[27:], *others]))


@pytest.mark.parametrize("length", [78, 79, 80, 81])
def test_a_line_that_is_just_full_has_no_blank_at_its_end(length: int) -> None:
    target, stream = console()
    print_wrapped(target, "a" * length + " b")
    assert not [line for line in stream.getvalue().splitlines() if line != line.rstrip()]


@given(st.integers(0, 20), WORDS, st.sampled_from([" ", ", "]), st.integers(60, 100))
def test_folded(indent: int, words: list[str], between: str, width: int) -> None:
    line = " " * indent + between.join(words)
    first, *others = fold(line, width)
    assert " ".join([first, *others]).split() == line.split()
    assert all(part == part.rstrip() and len(part) <= width for part in (first, *others))
    assert first.startswith(" " * indent)
    assert all(part.startswith(" " * (indent + 4)) for part in others)


def test_a_line_is_folded_after_a_comma_and_not_within_a_word() -> None:
    line = "  3 write  DMA_BD0.length = 256, .valid_bd = 1"
    assert list(fold(line, 44)) == ["  3 write  DMA_BD0.length = 256,", "      .valid_bd = 1"]
    assert list(fold(line, 46)) == [line]
    assert list(fold("a" * 50 + " b", 20)) == ["a" * 50, "    b"]
    assert list(fold("", 20)) == [""]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_has_no_word_for_nan(number: float, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json({"a": [number]})
    assert not capsys.readouterr().out


class TestNote:
    def test_elsewhere_it_is_plain_and_80_columns_wide(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("COLUMNS", raising=False)
        print_note("target aie2 " + "wheel " * 30)
        printed = capsys.readouterr().err
        check(["target", "aie2", *["wheel"] * 30], printed)
        assert "\x1b" not in printed

    @pytest.mark.parametrize(("term", "dim"), [("xterm", True), ("dumb", False)])
    def test_on_a_terminal_it_is_dim_and_as_wide_as_that(
        self,
        term: str,
        dim: bool,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("COLUMNS", "40")
        monkeypatch.setenv("TERM", term)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        print_note("word " * 30)
        printed = capsys.readouterr().err
        assert printed.startswith("\x1b[2m") is printed.endswith("\x1b[0m\n") is dim
        bare = printed.replace("\x1b[2m", "").replace("\x1b[0m", "")
        assert {len(line) for line in bare.splitlines()[:-1]} == {39}
        assert bare.split() == ["word"] * 30
