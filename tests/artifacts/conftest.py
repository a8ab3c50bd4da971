"""What the tests of the artifact readers share: the committed files and the sample design."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

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
