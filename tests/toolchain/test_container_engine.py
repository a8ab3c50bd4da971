"""Which container engine is taken, without one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from errors import MissingEnvironment
from toolchain.docker import engine


@pytest.fixture(autouse=True)
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The docker client's folder, empty; the machine's usual engine answers."""
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(engine, "_refusal", lambda _: None)
    return folder


def usual() -> str:
    return engine._usual()[0]


def add_context(client: Path, name: str, host: str) -> None:
    folder = client / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    record = {"Name": name, "Endpoints": {"docker": {"Host": host}}}
    (folder / "meta.json").write_text(json.dumps(record))


def test_without_settings_it_is_the_usual_one(client: Path) -> None:
    assert engine.find() == usual()
    for content in ("{}", "no JSON", "[]", '{"currentContext": "default"}'):
        (client / "config.json").write_text(content)
        assert engine.find() == usual()


def test_a_context_by_name_is_taken(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_context(client, "mine", "unix:///mine.sock")
    add_context(client, "other", "unix:///other.sock")
    monkeypatch.setenv("DOCKER_CONTEXT", "mine")
    assert engine.find() == "unix:///mine.sock"
    (client / "config.json").write_text('{"currentContext": "other"}')
    assert engine.find() == "unix:///mine.sock"
    monkeypatch.delenv("DOCKER_CONTEXT")
    assert engine.find() == "unix:///other.sock"
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    assert engine.find() == usual()
    monkeypatch.setenv("DOCKER_HOST", "unix:///host.sock")
    assert engine.find() == "unix:///host.sock"


def test_a_context_that_is_not_there_is_named(
    client: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (client / "config.json").write_text('{"currentContext": "gone"}')
    with pytest.raises(MissingEnvironment, match=r"context 'gone', which .*config\.json") as caught:
        engine.find()
    assert caught.value.code == "NPU080"
    monkeypatch.setenv("DOCKER_CONTEXT", "nosuch")
    with pytest.raises(
        MissingEnvironment, match="context 'nosuch', which DOCKER_CONTEXT"
    ) as caught:
        engine.find()
    assert caught.value.code == "NPU080"


def test_a_path_without_its_scheme_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "/var/run/docker.sock")
    with pytest.raises(MissingEnvironment, match="is a path without unix://") as caught:
        engine.find()
    assert caught.value.code == "NPU080"
    assert "unix:///var/run/docker.sock" in str(caught.value.cure)
