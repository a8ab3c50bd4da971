"""A headless Chromium, and pages made of real records."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kernels import registry
from kernels.contract import Array
from kernels.passthrough.kernel import Passthrough
from npulab.checking import check_kernels
from npulab.cli import cli
from npulab.report.recording import Recording
from runtime.bench.record import Record
from runtime.bench.store import append

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--remote-debugging-pipe",
)


class Browser:
    """Chromium with one page, spoken to in the DevTools protocol through its pipe.

    The pipe needs neither a port nor a driver: JSON messages that end in a zero byte.
    """

    def __init__(self, program: str, profile: Path) -> None:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # A shell gives the two ends the numbers that Chromium expects, 3 and 4.
        script = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", script, program, *OPTIONS, f"--user-data-dir={profile}"],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._numbers = itertools.count(1)
        self._rest = b""
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method and return its result; events that come meanwhile are kept."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._read, 1 << 20)
            assert part, "the browser has gone"
            self._rest += part
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def open(self, page: Path, width: int, scheme: str = "light", fragment: str = "") -> None:
        """Load a page as a screen of `width` pixels and a colour scheme show it."""
        self.events.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.emulate(scheme)
        # Another page first: one with another fragment only is not loaded again.
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=page.as_uri() + fragment)
        while self.evaluate("document.readyState") != "complete":
            pass

    def emulate(self, scheme: str, media: str = "") -> None:
        """Prefer a colour scheme; `media` is ``print`` or nothing."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """Write what the screen shows, or the whole page, as PNG."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def complaints(self) -> list[str]:
        """Return what the page's scripts and its console said since it was opened."""
        said = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [json.dumps(event) for event in self.events if event.get("method") in said]

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for since it was opened."""
        sent = [e["params"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in sent]

    def close(self) -> None:
        """End the browser."""
        with contextlib.suppress(OSError, AssertionError):
            self._session = None
            self.call("Browser.close")
        os.close(self._write)
        os.close(self._read)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a browser, where this machine has one."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no chromium on this machine")
    chromium = Browser(program, tmp_path_factory.mktemp("profile"))
    yield chromium
    chromium.close()


VARIANTS = ("passthrough/1024", "gelu_bf16/512")


@dataclass(frozen=True)
class Made:
    """A page, and what the command that made it said."""

    path: Path
    root: Path
    said: str

    @property
    def text(self) -> str:
        """The page's HTML."""
        return self.path.read_text(encoding="utf-8")


@dataclass(frozen=True)
class Lab:
    """A build folder, and a cache that is not the user's."""

    root: Path
    cache: Path

    def __call__(self, *arguments: str) -> Result:
        """Run npulab in this process."""
        env = {
            "COLUMNS": "80",
            "NPULAB_BUILD": str(self.root),
            "NPULAB_CACHE": str(self.cache),
            "NPULAB_RUNNER": "local",
        }
        done = CliRunner().invoke(cli, arguments, prog_name="npulab", env=env)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    def report(self, *arguments: str) -> Made:
        """Write a report."""
        done = self("report", *arguments)
        assert done.exit_code == 0, done.output
        return Made(self.root / "report.html", self.root, done.stdout)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Return a lab in which two variants were tested, and are right."""
    folder = tmp_path_factory.mktemp("report")
    lab = Lab(folder / "build", folder / "cache")
    for command in ("test", "demo"):
        done = lab(command, *VARIANTS)
        assert done.exit_code == 0, done.output
    return lab


@pytest.fixture
def own(lab: Lab, tmp_path: Path) -> Lab:
    """Return a copy of that lab for a test to change."""
    shutil.copytree(lab.root, tmp_path / "build")
    return Lab(tmp_path / "build", lab.cache)


class Off(Passthrough):
    """A kernel whose golden model is wrong in its last bit."""

    @classmethod
    def folder(cls) -> Path:
        return Passthrough.folder()

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        return {name: values ^ 1 for name, values in super().golden(inputs).items()}


class Stuck(Passthrough):
    """A kernel of whose input a quarter comes."""

    @classmethod
    def folder(cls) -> Path:
        return Passthrough.folder()

    def design(self) -> str:
        first, *others = super().design().split("[1, 1, 1, 16384]")
        return "[1, 1, 1, 16384]".join([f"{first}[1, 1, 1, 4096]{others[0]}", *others[1:]])


class Broken(Off):
    """A kernel whose design is none."""

    def design(self) -> str:
        return super().design().replace("aie.core", "aie.kore")


@pytest.fixture
def troubled(own: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Return a lab with a variant that is wrong, one that does not build, and one that hangs.

    The run that found them was killed before it had come to its last variant.
    """
    monkeypatch.setenv("NPULAB_BUILD", str(own.root))
    monkeypatch.setenv("NPULAB_CACHE", str(own.cache))
    monkeypatch.setenv("NPULAB_RUNNER", "local")
    kernels = [Off(1024), Broken(4096), Stuck(16384), *registry.find("gelu_bf16/512")]
    recording = Recording("test", kernels)
    checked = check_kernels(kernels, lambda one: one.cases(), jobs=1, on_case=recording.case)
    results = recording.results(checked)
    assert [bool(next(results).errors) for _ in range(3)] == [True, True, True]
    times = [1e-4 * (1 + 0.001 * number) for number in range(50)]
    append(own.root / "bench" / "timings.jsonl", [timing(day, times) for day in (1, 2, 3)])
    return own


def timing(day: int, samples: Sequence[float]) -> Record:
    """Return a record as ``npulab bench`` on an NPU would append it."""
    return Record(
        time=f"2026-11-{day:02}T10:00:00+00:00",
        kernel="gelu_bf16/512",
        device="npu",
        basis="measured",
        samples=tuple(samples),
        warmup=10,
        stable=True,
        tight=True,
        transfer=None,
        amortised=None,
        compared=512,
        ops=1000,
        bytes=2048,
        provenance={"host": "mini"},
        conditions={"power_mode": "default"},
    )
