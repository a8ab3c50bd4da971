"""A real xclbin with machine code, packed by the vendor's tools, on the array."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from errors import LabError
from runtime.binary import ArtifactReader, BinaryProgram, load, of_operations
from simulator.array.host import Limits
from simulator.binary.package import Package
from toolchain.artifacts import insts, operations, xclbin

WORDS = 4096


@pytest.fixture(scope="module")
def package(passthrough: Path) -> Package:
    return ArtifactReader().package((passthrough / "design.xclbin").read_bytes(), "design.xclbin")


@pytest.fixture(scope="module")
def transaction(passthrough: Path) -> insts.Transaction:
    return insts.decode((passthrough / "insts.bin").read_bytes())


def ramp() -> tuple[np.ndarray, np.ndarray]:
    return np.arange(WORDS, dtype=np.int32), np.zeros(WORDS, np.int32)


def test_it_runs_again_and_again(passthrough: Path) -> None:
    program = load(passthrough / "design.xclbin", passthrough / "insts.bin")
    for factor in (1, -3):
        x, y = ramp()
        x *= factor
        run = program(x, y)
        np.testing.assert_array_equal(y, x)
        assert run.cycles > WORDS
        assert run.written[0] is None
        assert run.written[1] is not None
        assert run.written[1].all()


def test_instructions_of_a_call(package: Package, transaction: insts.Transaction) -> None:
    """Half of it, from the middle of the arguments: sizes and offsets are instructions' own."""
    half: list[operations.Operation] = []
    for operation in transaction.operations:
        match operation:
            case operations.BlockWrite():
                length = (WORDS // 2).to_bytes(4, "little")
                half.append(replace(operation, rest=length + operation.rest[4:]))
            case operations.AddressPatch():
                half.append(replace(operation, offset=WORDS))
            case _:
                half.append(operation)
    program = BinaryProgram(package)
    x, y = ramp()
    program(x, y, instructions=tuple(of_operations(half)))
    part = slice(WORDS // 4, WORDS // 4 * 3)
    np.testing.assert_array_equal(y[part], x[part])
    assert not y[: part.start].any()
    assert not y[part.stop :].any()


def test_a_bare_pdi(passthrough: Path, package: Package, tmp_path: Path) -> None:
    content = xclbin.decode((passthrough / "design.xclbin").read_bytes())
    image = tmp_path / "design.pdi"
    image.write_bytes(content.partitions[0].pdis[0].image)
    x, y = ramp()
    load(image, passthrough / "insts.bin")(x, y)
    np.testing.assert_array_equal(y, x)
    assert package.uuid == str(content.uuid)


def test_a_failed_run_leaves_the_program_usable(passthrough: Path) -> None:
    program = load(passthrough / "design.xclbin", passthrough / "insts.bin")
    x, y = ramp()
    with pytest.raises(LabError) as failure:
        program(x, y[:100])
    assert str(failure.value).splitlines()[0] == (
        "[NPU205] BD 0 of tile(0,0) (instruction 3): it reaches bytes 0..16383, outside the 400 "
        "bytes of host argument 1"
    )
    program(x, y)
    np.testing.assert_array_equal(y, x)


def test_a_limit_ends_it(passthrough: Path) -> None:
    limits = Limits(max_cycles=100)
    program = load(passthrough / "design.xclbin", passthrough / "insts.bin", limits=limits)
    with pytest.raises(LabError, match="NPU201"):
        program(*ramp())


@pytest.mark.parametrize(
    ("image", "instructions", "code"),
    [
        ("insts.bin", "insts.bin", "NPU051"),
        ("design.xclbin", "design.xclbin", "NPU055"),
        ("nothing", "insts.bin", "NPU050"),
    ],
)
def test_wrong_files(passthrough: Path, image: str, instructions: str, code: str) -> None:
    with pytest.raises(LabError) as failure:
        load(passthrough / image, passthrough / instructions)
    assert failure.value.code == code
    assert str(passthrough / (image if code != "NPU055" else instructions)) in str(failure.value)


def test_a_kernel_by_name(package: Package) -> None:
    assert package.kernel("MLIR_AIE") == package.kernel()
    assert (package.kernel().arguments, package.kernel().image) == (8, 1)
    with pytest.raises(LabError) as failure:
        BinaryProgram(package, kernel="MLIR_EIA")
    assert str(failure.value) == (
        "[NPU288] there is no kernel 'MLIR_EIA'; did you mean MLIR_AIE?\n  -> it has: MLIR_AIE"
    )
