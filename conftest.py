"""What all test trees share: a skip must be one that somebody expected.

On CI a test that skips for a reason not listed in tests/expected_skips.toml fails the run,
so that nothing is green by absence.
"""

from __future__ import annotations

import os
import re
import signal
import tomllib
from pathlib import Path

import pytest

EXPECTED_SKIPS = Path(__file__).parent / "tests" / "expected_skips.toml"


class SkipGuard:
    """Collects the skips of a run and fails it on CI where one was not expected."""

    def __init__(self, expected: list[re.Pattern[str]]) -> None:
        self.expected = expected
        self.unexpected: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a skipped test whose reason matches none of the expected ones."""
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(pattern.search(reason) for pattern in self.expected):
            self.unexpected.append(f"{report.nodeid}: {reason}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn a green run with an unexpected skip into a failed one."""
        if self.unexpected and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the skips that nobody expected."""
        if self.unexpected:
            terminalreporter.section("skips that CI did not expect", red=True)
            for line in self.unexpected:
                terminalreporter.line(line)


def _wait_for_slow_examples() -> None:
    """Let no example of hypothesis fail for the time that it took: machines are busy."""
    try:
        from hypothesis import settings
    except ImportError:  # not in the XRT image
        return
    settings.register_profile("lab", parent=settings(), deadline=None)
    settings.load_profile("lab")


def pytest_configure(config: pytest.Config) -> None:
    """Guard the skips, once per run (not again in each xdist worker); let Ctrl-C reach children."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell without job control starts background jobs deaf to Ctrl-C, and children would
        # inherit that: the tests that interrupt them would wait for ever.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _wait_for_slow_examples()
    if os.environ.get("CI") and not hasattr(config, "workerinput"):
        reasons = tomllib.loads(EXPECTED_SKIPS.read_text())["reasons"]
        config.pluginmanager.register(SkipGuard([re.compile(reason) for reason in reasons]))
