"""What counts as an engine that is still there; with a real one: tests/docker."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import docker
import pytest

from toolchain.docker.engine import API, Engine

PONG = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"


@pytest.mark.parametrize(("said", "there"), [(PONG, True), (b"", False)], ids=["pong", "nothing"])
def test_an_engine_is_there_while_it_answers_and_not_while_it_only_accepts(
    said: bytes, there: bool, tmp_path: Path
) -> None:
    """A killed dockerd closes its streams first and the socket that it listens on last."""
    path = tmp_path / "docker.sock"

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(said)

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        address = f"unix://{path}"
        client = docker.DockerClient(base_url=address, version=API)
        engine = Engine(
            address=address, client=client, version="1", rootless=False, architecture="amd64"
        )
        try:
            assert engine.answers() is there
        finally:
            engine.close()
            thread.join()
