"""Kernels and variants by name, and what is said of a name that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

import kernels
from errors import UsageError
from kernels.contract import Kernel
from kernels.registry import find, load, names


def test_the_lab_has_its_kernels() -> None:
    assert {"gelu_int8", "layernorm_int8", "matmul_int8", "passthrough"} <= set(names())
    assert names() == sorted(names())
    assert not {"contract", "compare"} & set(names())


@pytest.mark.parametrize("name", names())
def test_every_name_loads_a_kernel_of_that_name(name: str) -> None:
    assert issubclass(load(name), Kernel)
    assert load(name).kernel_name() == name


def test_a_kernel_selects_all_its_variants_in_order() -> None:
    found = find("gelu_int8")
    assert [kernel.title for kernel in found] == [
        "gelu_int8/512",
        "gelu_int8/512-scalar",
        "gelu_int8/512-lookup",
        "gelu_int8/2048",
        "gelu_int8/2048-lookup",
    ]


def test_a_label_selects_one_variant() -> None:
    (kernel,) = find("gelu_int8/2048")
    assert kernel.title == "gelu_int8/2048"


@pytest.mark.parametrize(
    ("selector", "code", "message"),
    [
        ("gelu", "NPU110", "there is no kernel 'gelu'; did you mean gelu_int8?"),
        ("passthru", "NPU110", "there is no kernel 'passthru'; did you mean passthrough?"),
        ("", "NPU110", "there is no kernel ''"),
        ("/512", "NPU110", "there is no kernel ''"),
        ("../kernels", "NPU110", "there is no kernel '..'"),
        ("contract", "NPU110", "there is no kernel 'contract'"),
        ("GELU_INT8", "NPU110", "there is no kernel 'GELU_INT8'"),
        ("gelu_int8/513", "NPU111", "the kernel gelu_int8 has no variant '513'"),
        ("gelu_int8/", "NPU111", "the kernel gelu_int8 has no variant ''"),
        ("gelu_int8/512/1", "NPU111", "the kernel gelu_int8 has no variant '512/1'"),
        ("gelu_int8/512-scaler", "NPU111", "did you mean 512-scalar?"),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_ones(
    selector: str, code: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        find(selector)
    assert caught.value.code == code
    assert message in caught.value.message
    wanted = "gelu_int8/2048" if code == "NPU111" else "passthrough"
    assert wanted in (caught.value.cure or "")


@pytest.mark.parametrize("source", ["", "KERNEL = 3\n", "KERNEL = int\n"])
def test_a_kernel_file_that_names_no_kernel(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"nameless_{len(source)}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "kernel.cc").touch()
    (folder / "kernel.py").write_text(source)
    monkeypatch.setattr(kernels, "__path__", [*kernels.__path__, str(tmp_path)])
    assert name in names()
    with pytest.raises(UsageError, match="does not name its kernel") as caught:
        load(name)
    assert caught.value.code == "NPU112"
    assert str(folder / "kernel.py") in caught.value.message


@pytest.mark.parametrize(
    ("contract", "says", "where"),
    [
        (None, "No module named", "half_written/kernel.py"),
        ("x = (1,\n", "SyntaxError", "kernel.py:1"),
        ("import numpy\nx = nothing\n", "NameError", "kernel.py:2"),
    ],
)
def test_a_contract_that_does_not_import(
    contract: str | None,
    says: str,
    where: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "half_written"
    folder.mkdir()
    (folder / "kernel.cc").touch()
    if contract is not None:
        (folder / "kernel.py").write_text(contract)
    monkeypatch.setattr(kernels, "__path__", [*kernels.__path__, str(tmp_path)])
    with pytest.raises(UsageError) as caught:
        load("half_written")
    assert caught.value.code == "NPU114"
    assert says in caught.value.message
    assert where in str(caught.value.cure)
