"""What the doctor says of an engine and of NPUs that this machine need not have."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from npulab import machine
from tests.cli.conftest import Npulab
from toolchain.docker import device
from toolchain.docker.device import Node

Serve = Callable[[dict[str, str]], str]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Return a function that answers at a socket as an engine of some version, and names it."""
    monkeypatch.setattr(machine, "DOCKER_TIMEOUT", 60.0)
    servers: list[socketserver.UnixStreamServer] = []

    def start(version: dict[str, str]) -> str:
        class Answer(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while self.rfile.readline().strip():
                    pass
                self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(version).encode())

        servers.append(socketserver.UnixStreamServer(str(tmp_path / "socket"), Answer))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"unix://{tmp_path}/socket"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def check(npulab: Npulab, name: str, **env: str) -> dict[str, Any]:
    """Return the doctor's line of a name."""
    document = json.loads(npulab("doctor", "--json", **env).stdout)
    return next(one for one in document["checks"] if one["name"] == name)


def test_an_engine_of_the_right_age_will_do(npulab: Npulab, serve: Serve) -> None:
    address = serve({"Version": "19.03.1", "ApiVersion": "1.40"})
    found = check(npulab, "engine", DOCKER_HOST=address)
    assert found["ok"]
    assert "version 19.03.1" in found["found"]


def test_an_engine_that_is_too_old_is_told_so(npulab: Npulab, serve: Serve) -> None:
    address = serve({"Version": "17.05.0", "ApiVersion": "1.9"})
    found = check(npulab, "engine", DOCKER_HOST=address)
    assert not found["ok"]
    assert "17.05.0" in found["found"]
    assert "speaks API 1.9, and the lab needs 1.40" in found["found"]
    assert "19.03" in found["cure"]


def test_an_npu_behind_another_accelerator_is_found(
    npulab: Npulab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = tmp_path / "accel1"
    node.touch()
    monkeypatch.setattr(device, "npu_nodes", lambda: [Node(node, 7)])
    found = check(npulab, "NPU")
    assert found["ok"]
    assert found["found"] == str(node)


def test_an_npu_that_may_not_be_opened_is_told_with_its_group(
    npulab: Npulab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "npu_nodes", lambda: [Node(tmp_path / "accel1", 4242)])
    found = check(npulab, "NPU")
    assert not found["ok"]
    assert "may not be opened" in found["found"]
    assert "gid 4242" in found["cure"]


def test_an_accelerator_that_is_no_npu_is_none(
    npulab: Npulab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "npu_nodes", list)
    found = check(npulab, "NPU")
    assert not found["ok"]
    assert "1022:1502" in found["found"]
