"""Builds, and devices that stand on the fake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from kernels import registry
from kernels.contract import Array, Kernel
from runtime.xrt import XrtDevice, fake_stack
from simulator.fake_xrt.board import Board
from toolchain.build import Build, build
from toolchain.unit import Unit

TITLES = ("gelu_int8/512", "gelu_int8/2048", "passthrough/4096")

MakeDevice = Callable[..., XrtDevice]


@pytest.fixture(scope="session")
def kernels() -> list[Kernel]:
    """A few variants, small and quick."""
    return [*registry.find("gelu_int8"), *registry.find("passthrough")]


@pytest.fixture(scope="session")
def builds(kernels: list[Kernel], tmp_path_factory: pytest.TempPathFactory) -> list[Build]:
    units = [Unit.from_kernel(kernel) for kernel in kernels]
    results = build(units, root=tmp_path_factory.mktemp("build"))
    assert all(result.build for result in results)
    return [result.build for result in results if result.build]


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def make_device(board: Board) -> Iterator[MakeDevice]:
    made = []

    def make(**options: object) -> XrtDevice:
        made.append(XrtDevice(fake_stack(board), **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for device in made:
        device.close()


@pytest.fixture
def inputs(kernels: list[Kernel]) -> Sequence[Array]:
    """Inputs of the first variant."""
    case = next(iter(kernels[0].demo()))
    return [case.inputs[arg.name] for arg in kernels[0].args() if arg.role.is_read]
