"""What the tests of the artifact readers share: the committed files and the sample design."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from toolchain.artifacts.diff import Difference, diff_files

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def sample() -> ModuleType:
    """The design that the fixtures were built from (sample.py)."""
    spec = importlib.util.spec_from_file_location("artifact_sample", HERE / "sample.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def path_of() -> Callable[[str], Path]:
    """The path of a committed file by its name."""
    return lambda name: HERE / "fixtures" / name


@pytest.fixture(scope="session")
def fixture_bytes(path_of: Callable[[str], Path]) -> Callable[[str], bytes]:
    """The bytes of a committed file by its name."""
    return lambda name: path_of(name).read_bytes()


@pytest.fixture
def compare(tmp_path: Path) -> Callable[[bytes, bytes], Difference]:
    """Compare two artifacts that are at hand as bytes."""

    def run(before: bytes, after: bytes) -> Difference:
        paths = tmp_path / "before.bin", tmp_path / "after.bin"
        for path, data in zip(paths, (before, after), strict=True):
            path.write_bytes(data)
        return diff_files(*paths)

    return run
