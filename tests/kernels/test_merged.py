"""Merged designs: how texts are put together, and what is refused."""

from __future__ import annotations

import re

import pytest

from errors import UsageError
from kernels import registry
from kernels.merged import Merged, combine, designs


def parts(*titles: str) -> tuple[registry.Kernel, ...]:
    return tuple(registry.find(title)[0] for title in titles)


@pytest.mark.parametrize("name", designs.names())
def test_every_part_lies_in_columns_of_its_own(name: str) -> None:
    merged = designs.find(name)
    text = merged.design()
    taken = [
        {int(column) for column in re.findall(rf"%{part}_\w+ = aie\.tile\((\d), \d\)", text)}
        for part in merged.sequences
    ]
    assert all(taken)
    assert sum(map(len, taken)) == len(set().union(*taken)) <= 4
    assert [min(columns) for columns in taken] == list(merged.columns.values())


@pytest.mark.parametrize("name", designs.names())
def test_sequences_and_objects_bear_the_kernels_names(name: str) -> None:
    merged = designs.find(name)
    text = merged.design()
    assert re.findall(r"aie\.runtime_sequence @(\w+)\(", text) == list(merged.sequences)
    assert set(re.findall(r'link_with = "(\w+)\.o"', text)) == set(merged.sequences)
    for function in merged.functions:
        assert f"@{function.symbol}(" in text


def test_a_placed_design_is_the_kernels_own_but_for_names_and_columns() -> None:
    (kernel,) = parts("gelu_bf16/512")
    placed = combine.place(kernel.design(), "part", 2)
    back = placed.replace("part_", "").replace("part.o", "kernel.o").replace(" @part", "")
    own = "\n".join(line.strip() for line in kernel.design().splitlines()[2:-2])
    moved = re.sub(r"tile\(2,", "tile(0,", back)
    assert "\n".join(line.strip() for line in moved.splitlines()) == own


def test_comments_stay_as_they_are() -> None:
    text = "module {\n  aie.device(npu1_1col) {\n    // 50 %a @b\n    %a = aie.tile(0, 2)\n  }\n}\n"
    assert combine.place(text, "p", 3) == "// 50 %a @b\n%p_a = aie.tile(3, 2)"


@pytest.mark.parametrize(("device", "columns"), [("npu1_1col", 1), ("npu1_3col", 3), ("npu1", 4)])
def test_a_device_says_its_columns(device: str, columns: int) -> None:
    assert combine.columns(f"module {{\n  aie.device({device}) {{\n    %a\n  }}\n}}\n") == columns


@pytest.mark.parametrize(
    ("titles", "why"),
    [
        (("matmul_int8_array/256x256x256-i32", "gelu_bf16/512"), "they take 5 columns"),
        (("gelu_bf16/512", "gelu_bf16/2048"), "two of them are called gelu_bf16"),
    ],
)
def test_parts_that_do_not_fit_are_refused(titles: tuple[str, ...], why: str) -> None:
    with pytest.raises(UsageError) as caught:
        Merged("odd", parts(*titles))
    assert caught.value.message == (
        f"the parts of merged/odd do not fit into one design: {why}"
        + (", and there are 4" if "columns" in why else "")
    )
    assert caught.value.code == "NPU155"


def test_an_unknown_design_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="rows_bf16") as caught:
        designs.find("row_bf16")
    assert caught.value.code == "NPU110"
