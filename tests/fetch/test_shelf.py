"""Fetching over a network with every fault, from mirrors, and what stays in the cache."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from errors import CheckFailed, LabError, MissingEnvironment
from toolchain.fetch import mirror
from toolchain.fetch.shelf import Shelf
from toolchain.pins.lockfile import Wheel
from toolchain.storage.store import Store

MakeShelf = Callable[..., Shelf]
MakeWheel = Callable[..., Wheel]


class Recorder:
    """Notes where each wheel came from and how far each download was."""

    def __init__(self) -> None:
        self.sources: list[str] = []
        self.done: list[int] = []
        self.retries: list[str] = []
        self._lock = threading.Lock()

    def advanced(self, wheel: Wheel, done: int, total: int | None) -> None:  # noqa: ARG002
        with self._lock:
            self.done.append(done)

    def arrived(self, wheel: Wheel, source: str) -> None:  # noqa: ARG002
        with self._lock:
            self.sources.append(source)

    def retrying(self, wheel: Wheel, why: str) -> None:
        with self._lock:
            self.retries.append(f"{wheel.name}: {why}")


def left_over(store: Store) -> list[str]:
    """Names of the files in the cache that are wheels or parts of one."""
    return sorted(path.name for path in (store.root / "wheels").rglob("*") if path.is_file())


@pytest.mark.parametrize("fault", ["good", "cut", "noranges", "flaky", "slow", "moved"])
def test_a_wheel_comes_through(
    fault: str, make_wheel: MakeWheel, make_shelf: MakeShelf, store: Store, content: bytes
) -> None:
    wheel = make_wheel(fault)
    paths = make_shelf().fetch([wheel])
    assert paths[wheel].read_bytes() == content
    assert left_over(store) == [wheel.file_name]


@pytest.mark.parametrize(
    ("fault", "kind", "code", "says"),
    [
        ("404", MissingEnvironment, "NPU026", "is gone: HTTP status 404"),
        ("403", MissingEnvironment, "NPU026", "is refused: HTTP status 403"),
        ("500", MissingEnvironment, "NPU027", "HTTP status 500 (3 attempts)"),
        ("hang", MissingEnvironment, "NPU027", "it went silent (3 attempts)"),
        ("stall", MissingEnvironment, "NPU027", "broke off after 1000 bytes"),
        ("trickle", MissingEnvironment, "NPU027", "bytes came in"),
        ("alwayscut", MissingEnvironment, "NPU027", "broke off"),
        ("shifted", MissingEnvironment, "NPU027", "3 attempts"),
        ("garbage", MissingEnvironment, "NPU027", "3 attempts"),
        ("circle", MissingEnvironment, "NPU027", "3 attempts"),
        ("other", CheckFailed, "NPU028", "is not the mlir-aie 1.0 that is pinned"),
        ("page", CheckFailed, "NPU028", "is not the mlir-aie 1.0 that is pinned"),
        ("empty", CheckFailed, "NPU028", "is not the mlir-aie 1.0 that is pinned"),
    ],
)
def test_each_fault_has_its_named_error_and_leaves_the_cache_right(
    fault: str,
    kind: type[LabError],
    code: str,
    says: str,
    make_wheel: MakeWheel,
    make_shelf: MakeShelf,
    store: Store,
    content: bytes,
) -> None:
    wheel = make_wheel(fault)
    with pytest.raises(kind) as caught:
        make_shelf().fetch([wheel])
    assert caught.value.code == code
    assert says in caught.value.message
    assert caught.value.cure
    assert wheel.file_name not in left_over(store)
    # The fault is over: the same cache gives the right wheel.
    good = make_wheel("good")
    assert make_shelf().fetch([good])[good].read_bytes() == content
    assert left_over(store) == [wheel.file_name]


def test_every_attempt_but_the_first_is_told_with_its_reason(
    make_wheel: MakeWheel, make_shelf: MakeShelf
) -> None:
    recorder = Recorder()
    make_shelf().fetch([make_wheel("flaky")], recorder)
    assert recorder.retries == [
        "mlir-aie: HTTP status 503; again in 0 s, attempt 2 of 3",
        "mlir-aie: HTTP status 503; again in 0 s, attempt 3 of 3",
    ]


def test_nobody_listens(make_wheel: MakeWheel, make_shelf: MakeShelf) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    wheel = make_wheel("good")
    nowhere = Wheel(
        name=wheel.name,
        version=wheel.version,
        python=wheel.python,
        tag=wheel.tag,
        url=f"http://127.0.0.1:{port}/{wheel.file_name}",
        sha256=wheel.sha256,
    )
    with pytest.raises(MissingEnvironment, match="Connection refused") as caught:
        make_shelf().fetch([nowhere])
    assert caught.value.code == "NPU027"


def test_a_broken_download_is_resumed_where_it_broke(
    index: object, make_wheel: MakeWheel, make_shelf: MakeShelf
) -> None:
    make_shelf().fetch([make_wheel("cut")])
    first, second = index.ranges()  # type: ignore[attr-defined]
    assert first is None
    assert second is not None
    assert int(second.removeprefix("bytes=").rstrip("-")) > 100_000


def test_another_run_resumes_what_an_earlier_one_left(
    index: object, make_wheel: MakeWheel, make_shelf: MakeShelf, content: bytes
) -> None:
    wheel = make_wheel("stall")
    with pytest.raises(MissingEnvironment):
        make_shelf().fetch([wheel])
    good = make_wheel("good")
    assert make_shelf().fetch([good])[good].read_bytes() == content
    assert index.ranges()[-1] == "bytes=1000-"  # type: ignore[attr-defined]


def test_a_part_of_another_file_is_noticed_and_fetched_anew(
    make_wheel: MakeWheel, make_shelf: MakeShelf, content: bytes
) -> None:
    wheel, shelf = make_wheel(), make_shelf()
    part = shelf.path(wheel).with_name(f"{wheel.file_name}.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 5000)
    assert shelf.fetch([wheel])[wheel].read_bytes() == content


@pytest.mark.parametrize("length", [0, 1])
def test_a_part_that_is_whole_or_too_long_does_no_harm(
    length: int, make_wheel: MakeWheel, make_shelf: MakeShelf, content: bytes
) -> None:
    wheel, shelf = make_wheel(), make_shelf()
    part = shelf.path(wheel).with_name(f"{wheel.file_name}.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(content + b"x" * length)
    assert shelf.fetch([wheel])[wheel].read_bytes() == content


def test_what_is_in_the_cache_is_not_fetched_again(
    index: object, make_wheel: MakeWheel, make_shelf: MakeShelf
) -> None:
    wheel, recorder = make_wheel(), Recorder()
    make_shelf().fetch([wheel], recorder)
    make_shelf(offline=True).fetch([wheel], recorder)
    assert recorder.sources == ["network", "cache"]
    assert recorder.done[-1] == 307_200
    assert len(index.ranges()) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("damage", [b"", b"rubbish"])
def test_a_damaged_cache_heals(
    damage: bytes, make_wheel: MakeWheel, make_shelf: MakeShelf, content: bytes
) -> None:
    wheel, shelf = make_wheel(), make_shelf()
    shelf.fetch([wheel])[wheel].write_bytes(damage)
    assert shelf.fetch([wheel])[wheel].read_bytes() == content


def test_several_at_once_and_a_failure_lets_the_others_through(
    make_wheel: MakeWheel, make_shelf: MakeShelf, store: Store
) -> None:
    wheels = [make_wheel("good", "mlir-aie"), make_wheel("404", "llvm-aie", "0" * 64)]
    with pytest.raises(MissingEnvironment) as caught:
        make_shelf().fetch(wheels)
    assert caught.value.code == "NPU026"
    assert left_over(store) == [wheels[0].file_name]


def test_two_fetches_at_once_download_once(
    index: object, make_wheel: MakeWheel, make_shelf: MakeShelf
) -> None:
    wheel = make_wheel("slow")
    threads = [threading.Thread(target=make_shelf().fetch, args=([wheel],)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(index.ranges()) == 1  # type: ignore[attr-defined]


class TestMirror:
    def test_it_is_tried_before_the_network(
        self, index: object, make_wheel: MakeWheel, make_shelf: MakeShelf, tmp_path: Path
    ) -> None:
        wheel, recorder, folder = make_wheel(), Recorder(), tmp_path / "mirror"
        paths = make_shelf().fetch([wheel])
        assert mirror.fill(folder, paths) == [folder / wheel.file_name]
        assert mirror.fill(folder, paths) == []
        paths[wheel].unlink()
        make_shelf(mirror_folder=folder, offline=True).fetch([wheel], recorder)
        assert recorder.sources == ["mirror"]
        assert len(index.ranges()) == 1  # type: ignore[attr-defined]

    @pytest.mark.parametrize("change", ["damaged", "cut", "swapped", "empty"])
    def test_a_wrong_file_in_it_is_named_and_never_taken(
        self,
        change: str,
        make_wheel: MakeWheel,
        make_shelf: MakeShelf,
        store: Store,
        tmp_path: Path,
        content: bytes,
    ) -> None:
        wrong = {
            "damaged": content[:5] + b"!" + content[6:],
            "cut": content[:-1],
            "swapped": b"another wheel",
            "empty": b"",
        }
        wheel = make_wheel()
        copy = tmp_path / wheel.file_name
        copy.write_bytes(wrong[change])
        with pytest.raises(CheckFailed) as caught:
            make_shelf(mirror_folder=tmp_path).fetch([wheel])
        assert caught.value.code == "NPU028"
        assert str(copy) in caught.value.message
        assert left_over(store) == []

    def test_a_missing_file_offline_names_the_cure(
        self, make_wheel: MakeWheel, make_shelf: MakeShelf, tmp_path: Path
    ) -> None:
        for settings, lacking in (
            ({"mirror_folder": tmp_path}, f"is neither in the cache nor in the mirror {tmp_path}"),
            ({}, "is not in the cache, no mirror is set"),
        ):
            with pytest.raises(MissingEnvironment) as caught:
                make_shelf(offline=True, **settings).fetch([make_wheel()])
            assert caught.value.code == "NPU029"
            assert f"{lacking}, and the network is not to be used" in caught.value.message

    def test_a_missing_file_comes_from_the_network(
        self, make_wheel: MakeWheel, make_shelf: MakeShelf, tmp_path: Path
    ) -> None:
        recorder = Recorder()
        make_shelf(mirror_folder=tmp_path).fetch([make_wheel()], recorder)
        assert recorder.sources == ["network"]

    def test_the_setting_must_name_a_folder(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("NPULAB_MIRROR", "")
        assert mirror.chosen() is None
        monkeypatch.setenv("NPULAB_MIRROR", str(tmp_path))
        assert mirror.chosen() == tmp_path
        monkeypatch.setenv("NPULAB_MIRROR", str(tmp_path / "none"))
        with pytest.raises(LabError) as caught:
            mirror.chosen()
        assert caught.value.code == "NPU034"


def test_a_folder_that_may_not_be_written_is_named(
    make_wheel: MakeWheel, make_shelf: MakeShelf, store: Store
) -> None:
    store.root.mkdir()
    (store.root / "wheels").write_text("a file where a folder should be")
    with pytest.raises(MissingEnvironment) as caught:
        make_shelf().fetch([make_wheel()])
    assert caught.value.code == "NPU021"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_named(make_wheel: MakeWheel, make_shelf: MakeShelf) -> None:
    wheel, shelf = make_wheel(), make_shelf()
    part = shelf.path(wheel).with_name(f"{wheel.file_name}.part")
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    with pytest.raises(MissingEnvironment) as caught:
        shelf.fetch([wheel])
    assert caught.value.code == "NPU020"
