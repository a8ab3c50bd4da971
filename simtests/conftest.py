"""Every kernel and variant, built once per run, on the simulated array.

Test ids are ``kernel/variant-case``: ``pytest simtests -k gelu_int8/512-zeros``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import pytest

from kernels import registry
from kernels.contract import Kernel
from runtime.device import Program
from runtime.sim import SimDevice
from runtime.verify import CaseReport
from toolchain.build import BuildResult, build
from toolchain.unit import Unit

CHECKED = "npulab-checked"
"""Name of the property by which a test reports what it compared: device, variant, cases."""


def all_kernels() -> list[Kernel]:
    """Return every variant of every kernel; none at all is an error, never a success."""
    kernels = [kernel for name in registry.names() for kernel in registry.find(name)]
    if not kernels:
        raise pytest.UsageError("no kernels found: simtests would check nothing")
    return kernels


class Lab:
    """The built kernels, loaded on the simulator as tests ask for them."""

    def __init__(self, kernels: Sequence[Kernel]) -> None:
        results = build([Unit.from_kernel(kernel) for kernel in kernels])
        self._results: dict[Kernel, BuildResult] = dict(zip(kernels, results, strict=True))
        self._programs: dict[Kernel, Program] = {}
        self.device = SimDevice()

    def program(self, kernel: Kernel) -> Program:
        """Return the loaded program, which stays loaded for the tests that follow."""
        if kernel not in self._programs:
            result = self._results[kernel]
            if result.build is None:
                raise result.errors[0]
            self._programs[kernel] = self.device.load(result.build)
        return self._programs[kernel]


@pytest.fixture(scope="session")
def lab() -> Lab:
    """Build all kernels; under pytest-xdist the workers share the cache and its locks."""
    return Lab(all_kernels())


@pytest.fixture
def program(lab: Lab, kernel: Kernel) -> Program:
    """Return the variant under test, loaded on the simulator."""
    return lab.program(kernel)


@pytest.fixture
def conclude(
    lab: Lab, kernel: Kernel, record_property: Callable[[str, object], None]
) -> Callable[[Sequence[CaseReport]], None]:
    """Return a function that notes what was compared, and fails the test where it was wrong."""

    def note(cases: Sequence[CaseReport]) -> None:
        elements = sum(case.compared for case in cases)
        record_property(CHECKED, [lab.device.name, kernel.title, len(cases), elements])
        failures = [str(case.failure) for case in cases if case.failure]
        if failures:
            pytest.fail("\n".join(failures), pytrace=False)
        assert elements, "nothing was compared"

    return note


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `kernel` every variant, and `case_name` every one of its cases where asked for."""
    if "case_name" in metafunc.fixturenames:
        pairs = [(kernel, case.name) for kernel in all_kernels() for case in kernel.cases()]
        params = [
            pytest.param(kernel, name, id=f"{kernel.title}-{name}", marks=_marks(kernel))
            for kernel, name in pairs
        ]
        metafunc.parametrize(("kernel", "case_name"), params)
    elif "kernel" in metafunc.fixturenames:
        params = [pytest.param(k, id=k.title, marks=_marks(k)) for k in all_kernels()]
        metafunc.parametrize("kernel", params)


def _marks(kernel: Kernel) -> list[pytest.MarkDecorator]:
    return [pytest.mark.slow] if kernel.slow else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much was checked on which device, whatever became of it."""
    checked: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == CHECKED:
                    device, *what = value
                    checked[device].append(tuple(what))
    for device, records in checked.items():
        variants = {title for title, _, _ in records}
        terminalreporter.line(
            f"{device}: {len(variants)} of {len(all_kernels())} kernel variants, "
            f"{sum(cases for _, cases, _ in records):,} cases, "
            f"{sum(elements for _, _, elements in records):,} elements compared"
        )
