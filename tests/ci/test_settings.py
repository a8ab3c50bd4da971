"""What holds for all tests of a run."""

from __future__ import annotations

from hypothesis import settings


def test_no_example_fails_for_the_time_that_it_took() -> None:
    assert settings().deadline is None
