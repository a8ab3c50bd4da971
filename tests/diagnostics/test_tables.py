"""Every matcher of every table finds its failure in text that a tool really printed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import catalogue
from toolchain.diagnostics import compile as compiling
from toolchain.diagnostics import design, install
from toolchain.work.diagnose import Cause, diagnose

TABLES = {
    "install": install.CAUSES,
    "compile": (*install.CAUSES, *compiling.CAUSES),
    "design": (*install.CAUSES, *design.CAUSES),
}
"""The tables as they are used: the toolchain's own failures come first."""

OWN = {"install": install.CAUSES, "compile": compiling.CAUSES, "design": design.CAUSES}
CASES = tomllib.loads((Path(__file__).parent / "cases.toml").read_text(encoding="utf-8"))
THREAD = re.compile(r"[\w-]+/[\w.-]+#\d+")
EACH = [(table, case) for table, cases in CASES.items() for case in cases]


def first(table: str, text: str) -> Cause:
    return next(cause for cause in TABLES[table] if cause.pattern.search(text))


@pytest.mark.parametrize(
    ("table", "case"), EACH, ids=[f"{table}: {case['source']}" for table, case in EACH]
)
def test_real_text_is_named(table: str, case: dict[str, Any]) -> None:
    log = f"some tool says:\n{case['text']}\nand goes on\n"
    found = diagnose(log, TABLES[table])
    assert found is not None
    assert found.code == case["code"]
    assert case["says"] in found.message
    assert "None" not in found.message
    assert "{" not in found.message


@pytest.mark.parametrize("table", OWN)
def test_every_matcher_has_real_text(table: str) -> None:
    hit = {id(first(table, case["text"])) for case in CASES[table]}
    assert [cause.message for cause in OWN[table] if id(cause) not in hit] == []


def test_there_are_thirty_at_least() -> None:
    assert sum(map(len, OWN.values())) >= 30


def test_most_texts_come_from_public_threads() -> None:
    threads = {thread for _, case in EACH for thread in THREAD.findall(case["source"])}
    assert len(threads) >= 40


@pytest.mark.parametrize("cause", [cause for table in OWN.values() for cause in table])
def test_every_code_is_in_the_catalogue_and_every_cure_is_one(cause: Cause) -> None:
    assert cause.code in catalogue.load()
    assert cause.cure


@pytest.mark.parametrize(
    "text",
    [
        "",
        "warning: unused variable 'x'",
        "kernel.cc:3:1: error: expected ';' after expression",
        "warning: Not all requested buffers fit in the available memory.",
        "warning: Bank-aware allocation failed, trying basic sequential allocation.",
    ],
)
@pytest.mark.parametrize("table", TABLES)
def test_what_is_none_of_these_is_not_named(table: str, text: str) -> None:
    assert diagnose(text, TABLES[table]) is None


@pytest.mark.parametrize(
    "says",
    [
        "llc: error: error: invalid target 'NAME'.",
        "error: unknown target triple 'NAME'",
        "opt: unrecognized architecture 'NAME' provided.",
    ],
)
@pytest.mark.parametrize("name", ["aie", "aie2", "aie2-none-unknown-elf", "aie2p-none-elf"])
def test_whoever_knows_no_ai_engine_is_not_peano(says: str, name: str) -> None:
    found = diagnose(says.replace("NAME", name), install.CAUSES)
    assert found is not None
    assert found.code == "NPU074"
    assert diagnose(says.replace("NAME", "riscv32-unknown-elf"), install.CAUSES) is None


@settings(deadline=2000, max_examples=100)
@given(st.text(max_size=4000))
def test_no_text_is_too_odd(text: str) -> None:
    for table in TABLES.values():
        diagnose(text, table)
