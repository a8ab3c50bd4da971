"""Builds that are killed, run twice at once, or find the disk full or read-only."""

from __future__ import annotations

import ctypes
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from toolchain.build import Build

if TYPE_CHECKING:
    from conftest import UnitMaker

DRIVER = Path(__file__).with_name("driver.py")
KERNELS = ("one", "two", "three")
CAP_DAC_OVERRIDE = 1
PR_CAPBSET_DROP = 24


class Site:
    """Sources, an output folder and a cache, and the process that builds them."""

    def __init__(self, folder: Path, make_unit: UnitMaker) -> None:
        self.sources = make_unit.folder
        self.root, self.cache = folder / "out" / "build", folder / "out" / "cache"
        for name in KERNELS:
            make_unit(name)
        (self.sources / "design.mlir").write_text(make_unit.design)

    def write(self, amount: int) -> None:
        """Change what every kernel computes."""
        for name in KERNELS:
            (self.sources / name / "amount.h").write_text(f"#define AMOUNT {amount}\n")

    def start(self, **settings: Any) -> subprocess.Popen[str]:
        command = [sys.executable, str(DRIVER), self.sources, self.root, self.cache]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, start_new_session=True, **pipes, **settings)

    def run(self, **settings: Any) -> tuple[int, str, str]:
        process = self.start(**settings)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def check(self, amount: int) -> None:
        """Check that every build is whole and computes what the sources say now."""
        code, _, err = self.run()
        assert (code, err) == (0, "")
        for name in KERNELS:
            folder = self.root / "host" / name / "1"
            assert self.call(Build.open(folder).libraries["kernel.o"]) == bytes([amount] * 64)
            assert {path.name for path in folder.iterdir()} == {
                *("design.mlir", "kernel.so", "manifest.json", "resources.json")
            }
        assert list((self.cache / "work").iterdir()) == []

    def call(self, library: Path) -> bytes:
        """Call a library's function on zeros. A path is loaded only once in a process, so that
        a library that was replaced since must be loaded from another.
        """
        with tempfile.NamedTemporaryFile(suffix=".so") as copy:
            copy.write(library.read_bytes())
            copy.flush()
            taken = ctypes.create_string_buffer(64)
            ctypes.CDLL(copy.name).step(ctypes.create_string_buffer(bytes(64), 64), taken)
        return taken.raw

    def finished(self) -> list[Path]:
        """Return the folders that claim to hold a finished build, each opened to make sure."""
        folders = [path.parent for path in self.root.rglob("manifest.json")]
        return [Build.open(folder).folder for folder in folders]

    def leftovers(self) -> list[Path]:
        """Return temporary files of builds that ended on their own."""
        hidden = [path for path in self.root.parent.rglob(".*") if path.is_file()]
        return [path for path in hidden if path.name != ".lock"]


@pytest.fixture
def site(tmp_path: Path, make_unit: UnitMaker, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.delenv("CXX", raising=False)
    return Site(tmp_path, make_unit)


def kill_at_random(site: Site, rounds: int, seed: int) -> None:
    """Kill the build's process group at random moments, then build and check, `rounds` times."""
    moments = random.Random(seed)
    start = time.monotonic()
    site.check(1)
    whole = time.monotonic() - start
    for amount in range(2, rounds + 2):
        site.write(amount)
        if moments.random() < 0.3:
            shutil.rmtree(moments.choice([site.cache, site.root]))
        process = site.start()
        time.sleep(moments.uniform(0.02, whole))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        site.finished()
        site.check(amount)


def test_killed_builds_leave_nothing_half_done(site: Site) -> None:
    kill_at_random(site, rounds=4, seed=2026)


@pytest.mark.slow
def test_fifty_killed_builds_leave_nothing_half_done(site: Site) -> None:
    kill_at_random(site, rounds=50, seed=50)


def test_a_build_that_is_killed_twice(site: Site) -> None:
    for delay in (0.25, 0.35):
        process = site.start()
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    site.check(1)


def test_two_builds_at_once_in_one_folder(site: Site) -> None:
    for amount in (1, 2):
        site.write(amount)
        processes = [site.start() for _ in range(3)]
        outputs = [process.communicate(timeout=60) for process in processes]
        assert [process.returncode for process in processes] == [0, 0, 0], outputs
        ran = [int(out.split()[1]) for out, _ in outputs]
        assert max(ran) > 0
        site.check(amount)


def test_two_builds_at_once_with_caches_of_their_own(site: Site, tmp_path: Path) -> None:
    caches = [site.cache, tmp_path / "out" / "other"]
    for amount in (1, 2, 3):
        site.write(amount)
        processes = []
        for site.cache in caches:
            processes.append(site.start())
        for process in processes:
            assert process.communicate(timeout=60)[1] == ""
            assert process.returncode == 0
        site.check(amount)


def test_leaving_with_ctrl_c_ends_the_compiler_and_cleans_up(site: Site) -> None:
    process = site.start()
    deadline = time.monotonic() + 30
    while not list(site.cache.glob("work/*/step/*")) and time.monotonic() < deadline:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert list((site.cache / "work").iterdir()) == []
    site.check(1)


def one_line(err: str, *words: str) -> None:
    """Check that an error is one message of the catalogue and its cure, not a traceback."""
    assert "Traceback" not in err, err
    message, cure = err.splitlines()
    assert message.startswith("[NPU02"), err
    assert cure.startswith("  -> "), err
    for word in words:
        assert word in message, err


@pytest.fixture
def mounted(site: Site) -> Iterator[Callable[[str], None]]:
    """Return a function that mounts a small disk for the site's output and cache, or remounts
    it with other options.
    """
    folder = site.root.parent
    folder.mkdir()

    def mount(options: str) -> None:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder],
            check=True,
            capture_output=True,
        )

    try:
        mount("size=16k")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"mounting a file system is not allowed here: {error}")
    try:
        yield lambda options: mount(f"remount,{options}")
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_is_said_and_leaves_nothing_half_written(
    site: Site, mounted: Callable[[str], None]
) -> None:
    refused = 0
    for kilobytes in range(16, 400, 24):
        mounted(f"size={kilobytes}k")
        code, _, err = site.run()
        site.finished()
        assert site.leftovers() == []
        if code == 0:
            break
        assert code == 3
        one_line(err, str(site.root.parent), "no space left")
        refused += 1
    assert refused >= 3
    mounted("size=4m")
    site.check(1)


def test_a_disk_that_fills_up_under_a_finished_build(
    site: Site, mounted: Callable[[str], None]
) -> None:
    mounted("size=4m")
    site.check(1)
    site.write(2)
    with (site.root.parent / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(bytes(4096))
    code, _, err = site.run()
    assert code == 3
    one_line(err, "no space left")
    site.finished()
    (site.root.parent / "filler").unlink()
    site.check(2)


def test_a_read_only_file_system_is_said(site: Site, mounted: Callable[[str], None]) -> None:
    mounted("size=4m,ro")
    code, _, err = site.run()
    assert code == 3
    one_line(err, "read-only")
    mounted("size=4m,rw")
    site.check(1)
    mounted("ro")
    assert site.run() == (0, "ran 0\n", ""), "nothing to do needs no right to write"


@pytest.mark.parametrize("limit", [1, 1000, 2000])
def test_a_file_size_limit_is_said(site: Site, limit: int) -> None:
    def set_limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    code, _, err = site.run(preexec_fn=set_limit)
    assert code == 3
    one_line(err, "file size limit")
    assert site.finished() == []
    assert site.leftovers() == []
    site.check(1)


def drop_override() -> None:
    """Make file modes count, even for root."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0 and libc.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot drop CAP_DAC_OVERRIDE")


@pytest.mark.parametrize("place", ["root", "cache"])
@pytest.mark.parametrize("filled", [False, True], ids=["empty", "built before"])
def test_a_folder_without_write_access_is_said(site: Site, place: str, filled: bool) -> None:
    if filled:
        site.check(1)
        site.write(2)
    folder: Path = getattr(site, place)
    folder.mkdir(parents=True, exist_ok=True)
    locked = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for path in locked:
        path.chmod(0o555)
    try:
        code, _, err = site.run(preexec_fn=drop_override)
    finally:
        for path in locked:
            path.chmod(0o755)
    assert code == 3
    one_line(err, str(folder), "permission denied")
    site.check(2 if filled else 1)


def test_a_file_where_a_folder_should_be(site: Site) -> None:
    site.root.parent.mkdir()
    site.cache.write_text("")
    code, _, err = site.run()
    assert code == 3
    one_line(err, str(site.cache), "a file stands where a folder should be")
    site.cache.unlink()
    (site.root / "host").mkdir(parents=True)
    (site.root / "host" / "two").write_text("")
    code, _, err = site.run()
    assert code == 3
    one_line(err, "a file stands where a folder should be")
    (site.root / "host" / "two").unlink()
    site.check(1)
