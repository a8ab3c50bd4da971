"""Builds that the runtime's tests load."""

from __future__ import annotations

import pytest

from kernels import registry
from kernels.contract import Kernel
from toolchain.build import Build, build
from toolchain.unit import Unit


@pytest.fixture(scope="session")
def gelu() -> Kernel:
    return registry.find("gelu_int8/512")[0]


@pytest.fixture(scope="session")
def gelu_build(gelu: Kernel, tmp_path_factory: pytest.TempPathFactory) -> Build:
    result = build([Unit.from_kernel(gelu)], root=tmp_path_factory.mktemp("build"))[0]
    assert result.build is not None, result.errors
    return result.build
