"""Every kernel and variant on a device: the NPU unless `--device` says otherwise.

Without an NPU the run ends with exit code 3 and one line. CI keeps these files alive with
`--device fake` and `--device sim`; what such a run shows is printed with its name.
Test ids are ``kernel/variant-case``: ``pytest hwtests --device fake -k gelu_int8/512-zeros``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import pytest

from errors import LabError
from kernels import registry
from kernels.contract import Kernel
from runtime.canary import check_canary
from runtime.device import Device, Program
from runtime.devices import DEVICES, open_device
from runtime.lock import device_lock
from runtime.verify import CaseReport
from runtime.xrt import XrtDevice
from toolchain.build import Build, build
from toolchain.unit import Unit

CHECKED = "npulab-checked"
"""Name of the property by which a test reports what it compared: variant, cases, elements."""
DEVICE = pytest.StashKey[Device]()
SIMULATED = {"simulator", "fake NPU"}
"""Names of the devices that are no NPU."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hwtests")
    group.addoption("--device", choices=list(DEVICES), default="xrt", help="what to run on")
    group.addoption(
        "--soak",
        type=float,
        default=0.0,
        metavar="MINUTES",
        help="go on with the soak test for so long; it takes two rounds in any case",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Open the device and let the canary pass, or end here: nothing below would count."""
    name = config.getoption("--device")
    if name == "xrt" and config.getoption("numprocesses", None):
        raise pytest.UsageError("one process at a time on the NPU: leave out -n")
    try:
        device = open_device(name)
        if name == "xrt":
            turn = device_lock("hwtests", on_wait=lambda place: print(place, flush=True))
            turn.__enter__()
            config.add_cleanup(lambda: turn.__exit__(None, None, None))
        check_canary(device)
    except LabError as error:
        line = str(error) if error.exit_code != 3 else f"{error.message} [{error.code}]"
        pytest.exit(line, returncode=error.exit_code)
    config.stash[DEVICE] = device


def pytest_unconfigure(config: pytest.Config) -> None:
    device = config.stash.get(DEVICE, None)
    if isinstance(device, XrtDevice):
        device.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about XRT where there is none."""
    if isinstance(config.stash[DEVICE], XrtDevice):
        return
    left = [item for item in items if item.get_closest_marker("xrt")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


def all_kernels() -> list[Kernel]:
    """Return every variant of every kernel; none at all is an error, never a success."""
    kernels = [kernel for name in registry.names() for kernel in registry.find(name)]
    if not kernels:
        raise pytest.UsageError("no kernels found: hwtests would check nothing")
    return kernels


class Lab:
    """The kernels built for the device, loaded on it as tests ask for them."""

    def __init__(self, device: Device) -> None:
        kernels = all_kernels()
        results = build([Unit.from_kernel(kernel) for kernel in kernels], target=device.target)
        self._results = dict(zip(kernels, results, strict=True))
        self._programs: dict[Kernel, Program] = {}
        self.device = device

    def build(self, kernel: Kernel) -> Build:
        result = self._results[kernel]
        if result.build is None:
            raise result.errors[0]
        return result.build

    def program(self, kernel: Kernel) -> Program:
        """Return the loaded program, which stays loaded for the tests that follow."""
        if kernel not in self._programs:
            self._programs[kernel] = self.device.load(self.build(kernel))
        return self._programs[kernel]


@pytest.fixture(scope="session")
def device(pytestconfig: pytest.Config) -> Device:
    return pytestconfig.stash[DEVICE]


@pytest.fixture(scope="session")
def lab(device: Device) -> Lab:
    return Lab(device)


@pytest.fixture(scope="session")
def calls(device: Device) -> int:
    """How often a test calls the same program: a simulated array has no chance in it."""
    return 2 if device.name in SIMULATED else 5


@pytest.fixture
def program(lab: Lab, kernel: Kernel) -> Program:
    """Return the variant under test, loaded on the device."""
    return lab.program(kernel)


Conclude = Callable[[Kernel, Sequence[CaseReport]], None]


@pytest.fixture
def conclude(record_property: Callable[[str, object], None]) -> Conclude:
    """Give a function that notes what was compared, and fails the test where it was wrong."""

    def note(kernel: Kernel, cases: Sequence[CaseReport]) -> None:
        elements = sum(case.compared for case in cases)
        record_property(CHECKED, [kernel.title, len(cases), elements])
        failures = [str(case.failure) for case in cases if case.failure]
        if failures:
            pytest.fail("\n".join(failures), pytrace=False)
        assert elements, "nothing was compared"

    return note


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `kernel` every variant, and `case_name` every one of its cases where asked for."""
    if "case_name" in metafunc.fixturenames:
        pairs = [(kernel, case.name) for kernel in all_kernels() for case in kernel.cases()]
        ids = [f"{kernel.title}-{name}" for kernel, name in pairs]
        metafunc.parametrize(("kernel", "case_name"), pairs, ids=ids)
    elif "kernel" in metafunc.fixturenames:
        kernels = all_kernels()
        metafunc.parametrize("kernel", kernels, ids=[kernel.title for kernel in kernels])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how much was checked on which device, whatever became of it."""
    elements: dict[str, int] = defaultdict(int)
    count = 0
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == CHECKED:
                    title, cases, compared = value
                    elements[title] += compared
                    count += cases
    terminalreporter.line(
        f"{config.stash[DEVICE].name}: {len(elements)} of {len(all_kernels())} kernel variants, "
        f"{count:,} cases, {sum(elements.values()):,} elements compared"
    )
