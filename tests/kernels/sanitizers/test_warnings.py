"""The pinned compiler says nothing about any kernel's source, with -Wall and -Wextra."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernels import registry
from toolchain.build import build
from toolchain.unit import Unit


@pytest.mark.slow
@pytest.mark.parametrize("name", registry.names())
def test_the_pinned_compiler_has_no_warning(name: str, tmp_path: Path) -> None:
    units = [Unit.from_kernel(kernel) for kernel in registry.find(name)]
    for result in build(units, root=tmp_path):
        assert result.build is not None, result.errors
        log = result.build.folder / "kernel.log"
        assert not log.exists(), log.read_text()
