"""npulab show --model."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from npulab.cli import cli


def show(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(
        cli, ["show", *arguments], prog_name="npulab", env={"COLUMNS": "80"}
    )
    return result.exit_code, result.output


@pytest.mark.parametrize("title", ["gelu_int8", "mel_int16", "matmul_int8_array/512x512x512-i8"])
def test_it_prints_a_model_in_80_columns(title: str) -> None:
    code, text = show(title, "--model")
    assert code == 0
    assert max(map(len, text.splitlines())) <= 80
    assert not [line for line in text.splitlines() if line != line.rstrip()]
    assert "modelled at 1.25 GHz" in text
    assert "nothing measured" in text


def test_it_says_what_binds() -> None:
    _, text = show("matmul_int8_array/512x512x512-i8", "--model")
    assert "dispatch; on the array core compute, 83% of the cycles" in text
    assert "72.9% of 16 cores" in text
    _, text = show("mel_int16", "--model")
    assert "none stated for this element type" in text


def test_json_says_that_it_is_modelled() -> None:
    code, text = show("gelu_int8/512", "--model", "--clock", "1", "--json")
    document = json.loads(text)
    assert code == 0
    assert document["basis"] == "modelled"
    assert document["clock_hz"] == 1e9
    assert document["calls"] == {"gelu_int8_vector": 1}
    assert document["bounds"][0]["kind"] == document["array_binds"] == "core compute"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--clock", "1"], "--clock goes with --model"),
        (["--model", "--design"], "two different answers"),
        (["--model", "--clock", "0"], "0.1<=x<=3.0"),
        (["--model", "--clock", "nan"], "nan is not a finite number"),
        (["--model", "--clock", "inf"], "0.1<=x<=3.0"),
    ],
)
def test_options_that_do_not_go_together(arguments: list[str], message: str) -> None:
    code, text = show("gelu_int8", *arguments)
    assert code == 2
    assert message in text
