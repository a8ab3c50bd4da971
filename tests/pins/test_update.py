"""Pinning, moving pins and looking upstream, against a server that speaks like GitHub's."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from errors import LabError
from toolchain.fetch.connection import Patience
from toolchain.fetch.shelf import Quiet
from toolchain.pins import lockfile, update
from toolchain.pins.lockfile import Wheel
from toolchain.pins.releases import Releases
from toolchain.pins.update import Updater
from toolchain.storage.store import Store

PATIENCE = Patience(connect=2, silence=1, attempts=2, pause=0.01)
MANYLINUX = "manylinux_2_35_x86_64"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Upstream(ThreadingHTTPServer):
    """Releases and their files.

    Attributes:
        files: Contents by name.
        releases: Answers by path.
        refuses: The HTTP status that everything is answered with.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.releases: dict[str, Any] = {}
        self.refuses: int | None = None
        self.url = f"http://127.0.0.1:{self.server_port}"

    def release(self, path: str, tag: str, *names: str, commit: str = "main") -> None:
        """Publish a release with files of these names."""
        for name in names:
            self.files.setdefault(name, name.encode() * 3)
        self.releases[path] = {
            "tag_name": tag,
            "target_commitish": commit,
            "body": "more fields than the lab reads",
            "assets": [
                {
                    "name": name,
                    "size": len(self.files[name]),
                    "browser_download_url": f"{self.url}/files/{name.replace('+', '%2B')}",
                    "digest": f"sha256:{sha(self.files[name])}",
                    "uploader": {},
                }
                for name in names
            ],
        }

    def asset(self, path: str, name: str) -> dict[str, Any]:
        return next(a for a in self.releases[path]["assets"] if a["name"] == name)


class _Handler(BaseHTTPRequestHandler):
    server: Upstream

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.server.refuses:
            self.send_response(self.server.refuses)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        kind, _, rest = self.path.lstrip("/").partition("/")
        if kind == "files":
            content = self.server.files.get(rest.replace("%2B", "+"))
        else:
            found = self.server.releases.get(rest)
            content = found if isinstance(found, bytes) or found is None else dump(found)
        self.send_response(200 if content is not None else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def mlir(version: str, python: str) -> str:
    return f"mlir_aie-{version}-{python}-{python}-{MANYLINUX}.whl"


LLVM = "llvm_aie-21.0.0.2026080301+c9c5ecb7-py3-none-manylinux_2_27_x86_64.whl"
LATER = "llvm_aie-22.0.0.2026090201+a36c62b9-py3-none-manylinux_2_27_x86_64.whl"
OTHERS = (
    "mlir_aie-1.4.2-cp312-cp312-manylinux_2_35_x86_64.whl",
    "mlir_aie-1.4.2-cp311-cp311-win_amd64.whl",
    "mlir_aie_no_rtti-1.4.2-cp311-cp311-manylinux_2_35_x86_64.whl",
    "checksums.txt",
)
TAGS = "Xilinx/mlir-aie/releases/tags"
NIGHTLY = "Xilinx/llvm-aie/releases/tags/nightly"
OLD = f"{TAGS}/v1.4.2"
NEW = "Xilinx/mlir-aie/releases/latest"


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Upstream()
    both = (mlir("1.4.2", "cp311"), mlir("1.4.2", "cp313"))
    server.release(OLD, "v1.4.2", *both, *OTHERS, commit=COMMIT)
    server.releases[NEW] = server.releases[OLD]
    server.release(NIGHTLY, "nightly", LLVM)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def path(tmp_path: Path, upstream: Upstream) -> Path:
    """A lock file like the lab's own, with the hashes of this upstream."""
    text = lockfile.PATH.read_text()
    lock = lockfile.load()
    for wheel in lock.wheels:
        text = text.replace(wheel.url, f"{upstream.url}/files/{wheel.file_name}")
        known = upstream.files.get(wheel.file_name, upstream.files[LLVM])
        text = text.replace(f'"{wheel.sha256}"', f'"{sha(known)}"') if wheel.pinned else text
    name = lock.wheels[2].file_name
    upstream.release(NIGHTLY, "nightly", name)
    text = text.replace(f'"{sha(upstream.files[LLVM])}"', f'"{sha(upstream.files[name])}"')
    file = tmp_path / "pins.toml"
    file.write_text(text)
    return file


@pytest.fixture
def releases(upstream: Upstream) -> Releases:
    return Releases(PATIENCE, f"{upstream.url}/repos")


@pytest.fixture
def updater(tmp_path: Path, releases: Releases) -> Updater:
    return Updater(Store(tmp_path / "cache"), releases, lambda _: None, PATIENCE)


def test_what_is_not_yet_pinned_is_pinned(path: Path, updater: Updater, upstream: Upstream) -> None:
    difference = updater.complete(lockfile.load(path))
    content = upstream.files[mlir("1.4.2", "cp313")]
    assert f'+sha256 = "{sha(content)}"' in difference
    assert '-sha256 = "not yet pinned"' in difference
    wheel = next(w for w in lockfile.load(path).variant("3.13") if w.name == "mlir-aie")
    assert (wheel.sha256, wheel.size, wheel.commit) == (sha(content), len(content), COMMIT)
    # Comments stay, and nothing else changed.
    assert "# What target aie2 is built with." in path.read_text()
    changed = [line for line in difference.splitlines()[2:] if line[0] in "+-"]
    assert [line.split(" ")[0] for line in changed if sha(content) not in line] == [
        *("+commit", "+size"),
        *("-sha256", "+commit", "+size"),
        "+size",
    ]
    assert updater.complete(lockfile.load(path)) == ""


def test_size_and_commit_of_what_is_pinned_are_filled_in(
    path: Path, updater: Updater, upstream: Upstream
) -> None:
    text = path.read_text()
    pinned = {name: content for name, content in upstream.files.items() if sha(content) in text}
    upstream.files = {mlir("1.4.2", "cp313"): upstream.files[mlir("1.4.2", "cp313")]}
    updater.complete(lockfile.load(path))
    one, _, llvm = lockfile.load(path).wheels
    assert (one.size, one.commit) == (len(pinned[one.file_name]), COMMIT)
    assert (llvm.size, llvm.commit) == (len(pinned[llvm.file_name]), "c9c5ecb7")
    # With the rest of their tables, not behind the comment of the next one.
    for size in (one.size, llvm.size):
        assert re.search(rf'sha256 = "\w+"\n(commit = "\w+"\n)?size = {size}\n\n', path.read_text())


@pytest.mark.parametrize("change", ["digest", "size"])
def test_another_file_than_the_pinned_one_fills_in_nothing(
    change: str, path: Path, updater: Updater, upstream: Upstream
) -> None:
    updater.complete(lockfile.load(path))
    text = path.read_text()
    name = mlir("1.4.2", "cp311")
    lacks = "commit" if change == "size" else "size"
    (line,) = (x for x in text[: text.index("cp313")].splitlines() if x.startswith(lacks))
    path.write_text(before := text.replace(f"{line}\n", "", 1))
    asset = upstream.asset(OLD, name)
    asset[change] = f"sha256:{'0' * 64}" if change == "digest" else asset["size"] + 1
    with pytest.raises(LabError, match=f"{name} is not the file that is pinned") as caught:
        updater_of(upstream, updater).complete(lockfile.load(path))
    assert caught.value.code == "NPU049"
    assert path.read_text() == before


@pytest.mark.parametrize("why", ["pruned", "release gone", "no digest", "no answer"])
def test_what_cannot_be_filled_in_is_told_and_keeps_nothing_else_back(
    why: str, path: Path, tmp_path: Path, upstream: Upstream
) -> None:
    told: list[str] = []
    asking = Releases(PATIENCE, f"{upstream.url}/repos")
    updater = Updater(Store(tmp_path / "cache"), asking, told.append, PATIENCE)
    if why == "pruned":
        upstream.release(NIGHTLY, "nightly", LATER)
    elif why == "release gone":
        del upstream.releases[NIGHTLY]
    elif why == "no digest":
        upstream.asset(NIGHTLY, lockfile.load(path).wheels[2].file_name)["digest"] = None
    else:
        upstream.releases[NIGHTLY] = b"<html>"
    updater.complete(lockfile.load(path))
    one, other, llvm = lockfile.load(path).wheels
    assert (one.size is None, other.pinned, llvm.size) == (False, True, None)
    assert any(line.startswith("llvm-aie 21.0.0.2026080301+c9c5ecb7: ") for line in told)


def updater_of(upstream: Upstream, updater: Updater) -> Updater:
    """Return an updater that asks upstream anew."""
    releases = Releases(PATIENCE, f"{upstream.url}/repos")
    return Updater(updater._store, releases, lambda _: None, PATIENCE)


def test_a_pin_moves_to_a_version_for_every_variant(
    path: Path, updater: Updater, upstream: Upstream
) -> None:
    names = (mlir("1.4.3", "cp311"), mlir("1.4.3", "cp313"))
    upstream.release(f"{TAGS}/v1.4.3", "v1.4.3", *names)
    updater.update(lockfile.load(path), "mlir-aie", "1.4.3")
    for python, name in zip(lockfile.PYTHONS, names, strict=True):
        wheel = next(w for w in lockfile.load(path).variant(python) if w.name == "mlir-aie")
        assert (wheel.version, wheel.tag, wheel.file_name) == ("1.4.3", "v1.4.3", name)
        assert wheel.sha256 == sha(upstream.files[name])


def test_the_newest_nightly_is_taken_where_no_version_is_given(
    path: Path, updater: Updater, upstream: Upstream
) -> None:
    upstream.release(NIGHTLY, "nightly", LATER, LLVM)
    updater.update(lockfile.load(path), "llvm-aie")
    wheel = next(w for w in lockfile.load(path).wheels if w.name == "llvm-aie")
    assert (wheel.version, wheel.commit) == ("22.0.0.2026090201+a36c62b9", "a36c62b9")
    assert wheel.file_name == LATER


@pytest.mark.parametrize("change", ["digest", "size", "content"])
def test_a_file_that_is_not_what_its_release_publishes_is_not_pinned(
    change: str, path: Path, updater: Updater, upstream: Upstream
) -> None:
    name = mlir("1.4.2", "cp313")
    if change == "digest":
        upstream.asset(OLD, name)["digest"] = f"sha256:{'0' * 64}"
    elif change == "size":
        upstream.asset(OLD, name)["size"] += 1
    else:
        upstream.files[name] = upstream.files[name][::-1]
    before = path.read_text()
    with pytest.raises(LabError) as caught:
        updater.complete(lockfile.load(path))
    assert caught.value.code == "NPU028"
    assert path.read_text() == before


def test_a_release_without_digests_is_pinned_by_what_came(
    path: Path, updater: Updater, upstream: Upstream
) -> None:
    upstream.asset(OLD, mlir("1.4.2", "cp313"))["digest"] = None
    assert "+sha256" in updater.complete(lockfile.load(path))


@pytest.mark.parametrize(
    ("name", "version", "code"),
    [
        ("mlir-aie", "9.9", "NPU026"),
        ("mlir-aie", "newest please", "NPU048"),
        ("llvm-aie", "1.0", "NPU048"),
    ],
)
def test_a_version_that_is_not_there_is_named(
    name: str, version: str, code: str, path: Path, updater: Updater
) -> None:
    before = path.read_text()
    with pytest.raises(LabError) as caught:
        updater.update(lockfile.load(path), name, version)
    assert caught.value.code == code
    assert path.read_text() == before


def test_a_version_that_lacks_a_variant_is_refused_before_anything_is_fetched(
    path: Path, updater: Updater, upstream: Upstream
) -> None:
    upstream.release(f"{TAGS}/v1.4.3", "v1.4.3", mlir("1.4.3", "cp311"))
    upstream.files.clear()
    with pytest.raises(LabError, match="for some variant") as caught:
        updater.update(lockfile.load(path), "mlir-aie", "1.4.3")
    assert caught.value.code == "NPU048"


def test_an_answer_that_is_no_list_is_named(
    path: Path, updater: Updater, upstream: Upstream
) -> None:
    upstream.releases[OLD] = b"<html>log in</html>"
    with pytest.raises(LabError) as caught:
        updater.complete(lockfile.load(path))
    assert caught.value.code == "NPU048"


def test_a_question_and_every_answer_that_fails_are_told(upstream: Upstream) -> None:
    told: list[str] = []
    asking = Releases(PATIENCE, f"{upstream.url}/repos", told.append)
    asking.newest("llvm-aie")
    assert told == [f"asking {upstream.url}/repos/{NIGHTLY}"]
    upstream.refuses = 503
    with pytest.raises(LabError):
        asking.newest("mlir-aie")
    assert told[1] == f"asking {upstream.url}/repos/{NEW}"
    assert told[2].endswith("; again in 0 s, attempt 2 of 2")
    assert len(told) == 3


class TestLook:
    def states(self, path: Path, releases: Releases) -> list[str]:
        return [finding.state for finding in update.look(lockfile.load(path), releases)]

    def test_all_is_as_it_was(self, path: Path, releases: Releases) -> None:
        assert self.states(path, releases) == ["current", "unpinned", "current"]

    def test_a_newer_version_is_told(
        self, path: Path, releases: Releases, upstream: Upstream
    ) -> None:
        upstream.release(NEW, "v1.4.3", mlir("1.4.3", "cp311"))
        finding = update.look(lockfile.load(path), releases)[0]
        assert (finding.state, finding.text, finding.bad) == ("newer", "upstream has 1.4.3", False)

    def test_a_newest_release_without_a_fitting_wheel_is_told_not_raised(
        self, path: Path, updater: Updater, releases: Releases, upstream: Upstream
    ) -> None:
        updater.complete(lockfile.load(path))
        upstream.release(NEW, "v1.5.0", mlir("1.5.0", "cp314"))
        one, other, llvm = update.look(lockfile.load(path), releases)
        assert [found.state for found in (one, other, llvm)] == ["lacking", "lacking", "current"]
        assert one.text == "upstream's newest release v1.5.0 has no wheel for Python 3.11"
        assert [found.bad for found in (one, other)] == [False, False]

    def test_what_is_newer_is_told_for_each_variant(
        self, path: Path, updater: Updater, releases: Releases, upstream: Upstream
    ) -> None:
        updater.complete(lockfile.load(path))
        upstream.release(NEW, "v1.4.3", mlir("1.4.3", "cp313"))
        assert self.states(path, releases) == ["lacking", "newer", "current"]

    def test_a_project_without_a_newest_release_is_told(
        self, path: Path, updater: Updater, releases: Releases, upstream: Upstream
    ) -> None:
        updater.complete(lockfile.load(path))
        del upstream.releases[NEW]
        assert self.states(path, releases) == ["lacking", "lacking", "current"]

    def test_a_pruned_nightly_is_told(
        self, path: Path, releases: Releases, upstream: Upstream
    ) -> None:
        upstream.release(NIGHTLY, "nightly", LATER)
        assert self.states(path, releases)[2] == "gone"

    def test_a_release_that_is_gone_is_told(
        self, path: Path, releases: Releases, upstream: Upstream
    ) -> None:
        del upstream.releases[OLD]
        assert self.states(path, releases) == ["gone", "gone", "current"]

    def test_a_file_that_changed_is_told(
        self, path: Path, releases: Releases, upstream: Upstream
    ) -> None:
        upstream.asset(OLD, mlir("1.4.2", "cp311"))["digest"] = f"sha256:{'0' * 64}"
        (changed, *_) = update.look(lockfile.load(path), releases)
        assert (changed.state, changed.bad) == ("changed", True)

    def test_a_size_that_changed_is_told(
        self, path: Path, updater: Updater, upstream: Upstream
    ) -> None:
        updater.complete(lockfile.load(path))
        asset = upstream.asset(OLD, mlir("1.4.2", "cp313"))
        asset["digest"], asset["size"] = None, 7
        fresh = Releases(PATIENCE, f"{upstream.url}/repos")
        assert self.states(path, fresh)[1] == "changed"

    def test_no_answer_is_an_error_not_a_verdict(
        self, path: Path, releases: Releases, upstream: Upstream
    ) -> None:
        upstream.releases[NIGHTLY] = b"{}"
        with pytest.raises(LabError) as caught:
            update.look(lockfile.load(path), releases)
        assert caught.value.code == "NPU048"

    @pytest.mark.parametrize("status", [401, 407, 500, 503])
    def test_who_gets_no_answer_is_not_told_that_he_asked_too_often(
        self, status: int, path: Path, releases: Releases, upstream: Upstream
    ) -> None:
        upstream.refuses = status
        with pytest.raises(LabError) as caught:
            update.look(lockfile.load(path), releases)
        assert (caught.value.code, "60 such" in str(caught.value.cure)) == ("NPU048", False)
        assert "proxy" in str(caught.value.cure)

    @pytest.mark.parametrize("status", [403, 429])
    def test_who_asked_too_often_gets_an_error_not_a_verdict(
        self, status: int, path: Path, releases: Releases, upstream: Upstream
    ) -> None:
        upstream.refuses = status
        with pytest.raises(LabError) as caught:
            update.look(lockfile.load(path), releases)
        assert caught.value.code == "NPU048"
        assert f"HTTP status {status}" in caught.value.message
        assert "60 such questions" in str(caught.value.cure)


def test_attempts_are_further_and_further_apart() -> None:
    patience = Patience(pause=1.0, longest_pause=5.0)
    assert [patience.before(attempt) for attempt in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 5.0]
    assert [patience.before(1, asked) for asked in (0.5, 3600)] == [0.5, 5.0]


def test_how_far_a_download_is_is_told(path: Path, tmp_path: Path, releases: Releases) -> None:
    told: list[tuple[str, int, int | None]] = []

    class Noting(Quiet):
        def advanced(self, wheel: Wheel, done: int, total: int | None) -> None:
            told.append((wheel.file_name, done, total))

    store = Store(tmp_path / "cache")
    Updater(store, releases, lambda _: None, PATIENCE, Noting()).complete(lockfile.load(path))
    name = mlir("1.4.2", "cp313")
    assert told[-1] == (name, 3 * len(name), 3 * len(name))


def test_an_attempt_of_a_download_that_fails_is_told(
    path: Path, tmp_path: Path, releases: Releases, upstream: Upstream
) -> None:
    told: list[str] = []

    class Noting(Quiet):
        def retrying(self, wheel: Wheel, why: str) -> None:
            told.append(f"{wheel.name}: {why}")

    releases.wheels("mlir-aie", "1.4.2")
    upstream.refuses = 503
    store = Store(tmp_path / "cache")
    with pytest.raises(LabError):
        Updater(store, releases, lambda _: None, PATIENCE, Noting()).complete(lockfile.load(path))
    assert told == ["mlir-aie: HTTP status 503; again in 0 s, attempt 2 of 2"]
