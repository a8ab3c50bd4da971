"""A local server of wheels with every fault that a network has, and wheels to fetch from it."""

from __future__ import annotations

import hashlib
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from toolchain.fetch.connection import Patience
from toolchain.fetch.shelf import Shelf
from toolchain.pins.lockfile import Wheel
from toolchain.storage.store import Store

CONTENT = bytes(range(256)) * 1200
"""What the wheels hold: 300 KB, more than one chunk."""

HALF = len(CONTENT) // 2 + 7

PATIENCE = Patience(connect=2, silence=0.3, window=0.4, attempts=3, pause=0.01, longest_pause=0.05)


class Index(ThreadingHTTPServer):
    """Serves `CONTENT` with the fault that the first part of the path names."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, str | None]] = []
        self.released = threading.Event()

    def url(self, fault: str, name: str = "mlir_aie-1.0-py3-none-any.whl") -> str:
        return f"http://127.0.0.1:{self.server_port}/{fault}/{name}"

    def ranges(self) -> list[str | None]:
        return [asked for _, asked in self.requests]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Index
    asked: str | None

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        fault = urllib.parse.urlsplit(self.path).path.split("/")[1]
        self.asked = self.headers.get("Range")
        self.server.requests.append((fault, self.asked))
        self.close_connection = True
        try:
            getattr(self, f"_serve_{fault}")()
        except (BrokenPipeError, ConnectionResetError):
            return

    def _headers(self, status: int, length: int, **more: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _serve_good(self) -> None:
        self._send(self.asked)

    def _send(self, asked: str | None, upto: int | None = None) -> None:
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        total = len(CONTENT)
        if asked and start >= total:
            self._headers(416, 0, Content_Range=f"bytes */{total}")
            return
        if asked:
            span = f"bytes {start}-{total - 1}/{total}"
            self._headers(206, total - start, Content_Range=span)
        else:
            self._headers(200, total)
        self.wfile.write(CONTENT[start:upto])

    def _serve_cut(self) -> None:
        """Break off in the middle the first time, and go on when asked to."""
        self._send(self.asked, upto=None if self.asked else HALF)

    def _serve_alwayscut(self) -> None:
        """Break off in the middle, and know of no ranges."""
        self._send(None, upto=HALF)

    def _serve_noranges(self) -> None:
        first = sum(fault == "noranges" for fault, _ in self.server.requests) == 1
        self._send(None, upto=HALF if first else None)

    def _serve_shifted(self) -> None:
        """Answer a range with another one than was asked for."""
        if not self.asked:
            self._send(None, upto=HALF)
        else:
            span = f"bytes 10-{len(CONTENT) - 1}/{len(CONTENT)}"
            self._headers(206, len(CONTENT) - 10, Content_Range=span)
            self.wfile.write(CONTENT[10:])

    def _serve_404(self) -> None:
        self._headers(404, 0)

    def _serve_403(self) -> None:
        self._headers(403, 0)

    def _serve_500(self) -> None:
        self._headers(500, 0)

    def _serve_flaky(self) -> None:
        """Be overloaded twice, then serve."""
        if sum(fault == "flaky" for fault, _ in self.server.requests) < 3:
            self._headers(503, 0, Retry_After="3600")
        else:
            self._serve_good()

    def _serve_hang(self) -> None:
        """Take the request and say nothing."""
        self.server.released.wait(30)

    def _serve_stall(self) -> None:
        """Send the head and a part, then nothing."""
        self._headers(200, len(CONTENT))
        self.wfile.write(CONTENT[:1000])
        self.wfile.flush()
        self.server.released.wait(30)

    def _serve_trickle(self) -> None:
        """Send a byte now and then: never silent, never done."""
        self._headers(200, len(CONTENT))
        for at in range(100):
            self.wfile.write(CONTENT[at : at + 1])
            self.wfile.flush()
            if self.server.released.wait(0.02):
                return

    def _serve_slow(self) -> None:
        """Be slow, but get there."""
        self._headers(200, len(CONTENT))
        for at in range(0, len(CONTENT), 60_000):
            self.wfile.write(CONTENT[at : at + 60_000])
            self.wfile.flush()
            time.sleep(0.05)

    def _serve_other(self) -> None:
        """Serve another file of the same length."""
        self._headers(200, len(CONTENT))
        self.wfile.write(CONTENT[::-1])

    def _serve_page(self) -> None:
        """Serve a page that wants a login, as captive networks do."""
        page = b"<html>please log in</html>"
        self._headers(200, len(page))
        self.wfile.write(page)

    def _serve_empty(self) -> None:
        self._headers(200, 0)

    def _serve_garbage(self) -> None:
        self.wfile.write(b"\x00\x01\x02 this is not HTTP\r\n\r\n")

    def _serve_moved(self) -> None:
        self._headers(302, 0, Location=self.server.url("good"))

    def _serve_circle(self) -> None:
        self._headers(302, 0, Location=self.server.url("circle"))


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Index()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def content() -> bytes:
    """What every wheel of the index holds."""
    return CONTENT


MakeWheel = Callable[..., Wheel]


@pytest.fixture
def make_wheel(index: Index) -> MakeWheel:
    """Return a function that makes the pin of a wheel behind a fault."""

    def make(fault: str = "good", name: str = "mlir-aie", sha256: str | None = None) -> Wheel:
        file_name = f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
        return Wheel(
            name=name,
            version="1.0",
            python="any",
            tag="v1.0",
            url=index.url(fault, file_name),
            sha256=sha256 or hashlib.sha256(CONTENT).hexdigest(),
        )

    return make


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


@pytest.fixture
def make_shelf(store: Store) -> Callable[..., Shelf]:
    """Return a function that makes a shelf which soon loses its patience."""
    return lambda **settings: Shelf(store, **{"patience": PATIENCE, **settings})
