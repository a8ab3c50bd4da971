"""Where jobs of the NPU run: here, or in the XRT image where this Python has no pyxrt.

pyxrt is built for one Python, and Debian's for one that the lab's own need not be. The XRT image
has both: its container gets the NPU's node, its group, locked memory, the lab's sources and the
builds read-only, and one folder for what it writes.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from errors import LabError, MissingEnvironment
from toolchain import packages

if TYPE_CHECKING:
    from kernels.contract import Kernel
    from toolchain.docker.container import Spec
    from toolchain.docker.device import Node
    from toolchain.docker.image import Image

IMAGE = "xrt"
INSIDE = "/usr/bin/python3"
"""The image's Python, for which its pyxrt is built."""

SOURCES = (
    *("errors", "kernels", "toolchain", "runtime", "simulator", "npulab", "hwtests"),
    *("conftest.py", "pyproject.toml", "tests/binaries", "tests/expected_skips.toml"),
)
"""What of the lab the container sees."""

PASSED_ON = ("CI", "COLUMNS", "NPULAB_PINS")
LIMIT = 7 * 86400.0
"""Seconds: a soak test may take days."""

PERIOD = 0.1
"""Seconds between two looks at what a container has printed."""


@dataclass(frozen=True)
class Product:
    """A file that a job writes.

    Attributes:
        option: The argument that names it.
        appends: Whether it is added to what is there.
        default: Where it goes unless named.
    """

    option: str
    appends: bool = False
    default: str | None = None


@dataclass(frozen=True, kw_only=True)
class What:
    """A job: a Python module with arguments, and the options that name what it writes."""

    module: str
    arguments: tuple[str, ...] = ()
    products: tuple[Product, ...] = ()


JOBS = {
    "tests": What(
        module="pytest",
        arguments=("hwtests",),
        products=(Product("--junit-xml"), Product("--junitxml")),
    ),
    "bench": What(
        module="npulab",
        arguments=("bench",),
        products=(
            Product("--store", appends=True, default="build/bench/timings.jsonl"),
            Product("--junit"),
            Product("--benchmark-action"),
        ),
    ),
    "canary": What(module="npulab.canary"),
}


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job with the user's own arguments."""

    what: What
    arguments: tuple[str, ...]

    @property
    def device(self) -> str:
        """What it is to run on, by the name that `--device` takes."""
        return _value(self.arguments, "--device") or "xrt"

    @property
    def target(self) -> str:
        """The target whose builds it runs."""
        return "aie2" if self.device == "xrt" else "host"


def in_container(job: Job, asked: str) -> bool:
    """Whether a job is to run in the XRT image.

    Args:
        job: It.
        asked: ``docker``, ``local``, or ``auto``: where there is an NPU and an engine, and this
            Python has no pyxrt.
    """
    if "--history" in job.arguments:
        return False
    if asked != "auto":
        return asked == "docker"
    if job.device != "xrt" or importlib.util.find_spec("pyxrt"):
        return False
    from toolchain.docker import engine
    from toolchain.docker.device import npu_nodes

    if not npu_nodes():
        return False
    try:
        engine.find()
    except LabError:
        return False  # the job itself says that there is no pyxrt, and what to do
    return True


def run_here(job: Job) -> None:
    """Become the job. Does not return."""
    sys.stdout.flush()
    command = [sys.executable, "-m", job.what.module, *_absolute(job.what), *job.arguments]
    os.execv(sys.executable, command)  # noqa: S606


def run_in_container(
    job: Job,
    image: Image,
    nodes: Sequence[Node],
    kernels: Sequence[Kernel],
    out: BinaryIO,
    *,
    wait: float | None = None,
) -> int:
    """Run a job in the XRT image, and return its exit code.

    Args:
        job: It.
        image: The XRT image.
        nodes: The NPU's; none for a job on another device.
        kernels: Those to have built before.
        out: Takes what it prints, while it prints it.
        wait: Seconds to wait for the NPU at most; for ever unless given.

    Raises:
        LabError: No turn on the NPU, the container did not start or was ended, or a kernel does
            not build.
    """
    from runtime.lock import device_lock
    from toolchain.docker.runner import DockerRunner
    from toolchain.storage.store import Store

    _build(job, kernels)
    turn = device_lock("npulab hw", timeout=wait, on_wait=tell) if nodes else nullcontext()
    with turn, Store().work() as folder:
        place = _Place(job, folder)
        with DockerRunner(_spec(job, image, nodes, place.folder)) as runner:
            try:
                with _following(place.log, out):
                    done = runner.run(
                        [INSIDE, "-m", job.what.module, *_absolute(job.what), *place.arguments],
                        cwd=place.folder,
                        env=_environment(image, place.folder),
                        timeout=LIMIT,
                        log=place.log,
                    )
            finally:
                place.deliver()
    return done.exit_code


@dataclass
class _Place:
    """The folder that a job writes to, and where its files go from there."""

    job: Job
    folder: Path
    arguments: tuple[str, ...] = ()
    files: list[tuple[Path, Path, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        from runtime.bench.store import check_store

        (self.folder / "tmp").mkdir()
        self.arguments = self.job.arguments
        for product in self.job.what.products:
            named = _value(self.arguments, product.option) or product.default
            if named is None:
                continue
            if product.appends:
                check_store(Path(named))
            name = f"{product.option.strip('-')}-{Path(named).name}"
            self.arguments = _with(self.arguments, product.option, name)
            self.files.append((self.folder / name, Path(named), product.appends))

    @property
    def log(self) -> Path:
        """Takes what the job prints."""
        return self.folder / "log"

    def deliver(self) -> None:
        """Bring what was written to where the user wants it, and say so."""
        from runtime.bench.store import append_lines

        for inside, to, appends in self.files:
            if inside.is_file():
                if appends:
                    append_lines(to, inside.read_bytes())
                else:
                    to.parent.mkdir(parents=True, exist_ok=True)
                    to.write_bytes(inside.read_bytes())
                print(f"{inside.name} is in {to}", file=sys.stderr, flush=True)


def _build(job: Job, kernels: Sequence[Kernel]) -> None:
    """Build for a job; where the toolchain is missing, builds that came from elsewhere will do."""
    from npulab.building import build_units, report_errors
    from npulab.console import print_wrapped, stderr
    from toolchain.unit import Unit

    try:
        results = build_units([Unit.from_kernel(kernel) for kernel in kernels], target=job.target)
    except MissingEnvironment as error:
        print_wrapped(stderr(), f"{error.message}: builds are taken as they are")
        return
    report_errors([(result.unit.name, error) for result in results for error in result.errors])


def _spec(job: Job, image: Image, nodes: Sequence[Node], folder: Path) -> Spec:
    from npulab.running import limits
    from toolchain.build import default_root
    from toolchain.docker.container import Spec
    from toolchain.docker.device import device_options

    checkout = _checkout()
    reads = [checkout / name for name in SOURCES]
    return Spec(
        image=image.tag,
        reads=(*reads, default_root() / job.target),
        writes=(folder,),
        limits=limits(),
        extra=device_options(list(nodes)) if job.device == "xrt" else {},
    )


def _environment(image: Image, folder: Path) -> dict[str, str]:
    from runtime.bench import conditions
    from runtime.lock import QUEUE
    from toolchain import as_built
    from toolchain.build import default_root

    given = conditions.of_host() | {"image": image.tag}
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    colours = {"PY_COLORS": "1"} if sys.stdout.isatty() else {}
    return {
        **passed,
        **colours,
        **image.env,
        "PYTHONPATH": f"{image.env['PYTHONPATH']}:{_checkout()}",
        "PYTHONUNBUFFERED": "1",
        "PYTEST_ADDOPTS": "-p no:cacheprovider",
        "HOME": "/tmp",  # noqa: S108
        "TMPDIR": str(folder / "tmp"),
        "NPULAB_RUNNER": "local",
        "NPULAB_CACHE": str(folder / "tmp" / "cache"),
        "NPULAB_BUILD": str(default_root()),
        as_built.SETTING: "1",
        # The turn on the NPU is taken outside, where all of the machine's jobs see it.
        QUEUE: str(folder / "tmp" / "queue"),
        conditions.GIVEN: json.dumps(given),
    }


@contextmanager
def _following(log: Path, out: BinaryIO) -> Iterator[None]:
    """Copy what is written to a log to `out`, while the body runs."""
    ended = threading.Event()

    def follow() -> None:
        done = 0
        while True:
            last = ended.wait(PERIOD)
            if log.is_file():
                with log.open("rb") as file:
                    file.seek(done)
                    done += out.write(file.read())
                    out.flush()
            if last:
                return

    follower = threading.Thread(target=follow, daemon=True, name="output")
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()


def _checkout() -> Path:
    return packages.folder("toolchain").parent


def _absolute(what: What) -> list[str]:
    """Return a job's own arguments, the folder of its tests found from anywhere."""
    checkout = _checkout()
    return [
        str(checkout / one) if (checkout / one / "conftest.py").is_file() else one
        for one in what.arguments
    ]


def _value(arguments: Sequence[str], option: str) -> str | None:
    """Return what an option is given, as ``--option value`` or ``--option=value``."""
    found = None
    for one, following in zip_longest(arguments, arguments[1:]):
        if one == option:
            found = following
        elif one.startswith(f"{option}="):
            found = one.partition("=")[2]
    return found


def _with(arguments: Sequence[str], option: str, value: str) -> tuple[str, ...]:
    """Return the arguments with another value of an option, appended if it is not there."""
    kept: list[str] = []
    skip = False
    for one in arguments:
        if skip or one.startswith(f"{option}="):
            skip = False
            continue
        skip = one == option
        if not skip:
            kept.append(one)
    return (*kept, f"{option}={value}")


def tell(place: object) -> None:
    """Say on stderr where somebody stands in line for the NPU."""
    print(place, file=sys.stderr, flush=True)
