"""The cache: it gives what was put in or nothing, whatever happens to its files."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from toolchain.stopped import Stopped
from toolchain.storage import digest
from toolchain.storage.store import ENTRIES_PER_KEY, Blob, CorruptBlob, Entry, Store, default_root

KEYS = [digest.of_text(name) for name in "abc"]


def put(store: Store, key: str, content: bytes, headers: dict[str, str] | None = None) -> Entry:
    blob = Blob(digest.of_bytes(content), len(content))
    entry = Entry(outputs={"out": blob}, seconds=0.5, headers=headers or {}, absent=[])
    with store.lock(key), store.work() as work:
        (work / "out").write_bytes(content)
        store.save(key, entry, work)
    return entry


PICKS = st.integers(0, 5039)


def picked(files: list[Path], pick: int) -> list[Path]:
    """Return the file that a number stands for, nothing where there is none."""
    return [files[pick % len(files)]] if files else []


def anything(entry: Entry) -> bool:  # noqa: ARG001
    return True


class StoreMachine(RuleBasedStateMachine):
    """Saves, damages and cleans in any order, and compares with a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.store = Store(self.root)
        self.saved: dict[str, bytes] = {}

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    @rule(key=st.sampled_from(KEYS), content=st.binary(max_size=20))
    def save(self, key: str, content: bytes) -> None:
        put(self.store, key, content)
        self.saved[key] = content
        entry = self.store.find(key, anything)
        assert entry is not None
        assert self.store.read(entry.outputs["out"]) == content

    def files(self, folder: str) -> list[Path]:
        return sorted(path for path in (self.root / folder).rglob("*") if path.is_file())

    # Which files `clean` leaves depends on the clock's ticks. So no rule's data may depend on
    # what there is: a rule takes any number, and picks one of the files by it.

    @rule(pick=PICKS, junk=st.binary(max_size=20))
    def damage_a_blob(self, pick: int, junk: bytes) -> None:
        for path in picked(self.files("blobs"), pick):
            path.chmod(0o644)
            path.write_bytes(junk)

    @rule(pick=PICKS, junk=st.binary(max_size=20), keep=st.integers(0, 200))
    def damage_an_entry(self, pick: int, junk: bytes, keep: int) -> None:
        for path in picked(self.files("steps"), pick):
            path.write_bytes(path.read_bytes()[:keep] + junk)

    @rule(pick=PICKS)
    def lose_a_file(self, pick: int) -> None:
        for path in picked(self.files("blobs") + self.files("steps"), pick):
            path.unlink()

    @rule(limit=st.integers(0, 500))
    def clean(self, limit: int) -> None:
        before = self.size()
        freed = self.store.clean(limit)
        assert self.size() == before - freed
        assert self.store.usage() == (len(self.files("blobs") + self.files("steps")), self.size())
        assert self.size() <= limit

    def size(self) -> int:
        return sum(path.stat().st_size for path in self.files("blobs") + self.files("steps"))

    @invariant()
    def it_gives_what_was_saved_or_nothing(self) -> None:
        for key in KEYS:
            entry = self.store.find(key, anything)
            if entry is None:
                continue
            try:
                content = self.store.read(entry.outputs["out"])
            except CorruptBlob:
                assert self.store.find(key, lambda found: found == entry) is None  # noqa: B023
            else:
                assert content == self.saved[key]

    @invariant()
    def no_work_is_left(self) -> None:
        assert self.files("work") == []


StoreMachine.TestCase.settings = settings(deadline=None, max_examples=40, stateful_step_count=20)
TestStore = StoreMachine.TestCase


def test_an_entry_that_is_not_current_is_passed_over(store: Store) -> None:
    put(store, KEYS[0], b"old", {"a.h": "1"})
    put(store, KEYS[0], b"new", {"a.h": "2"})
    old = store.find(KEYS[0], lambda entry: entry.headers == {"a.h": "1"})
    new = store.find(KEYS[0], lambda entry: entry.headers == {"a.h": "2"})
    assert old is not None
    assert new is not None
    assert store.read(old.outputs["out"]) == b"old"
    assert store.read(new.outputs["out"]) == b"new"
    assert store.find(KEYS[0], lambda entry: entry.headers == {"a.h": "3"}) is None


def test_a_key_keeps_its_newest_entries(store: Store) -> None:
    for index in range(ENTRIES_PER_KEY + 3):
        put(store, KEYS[0], b"%d" % index, {"a.h": str(index)})
    kept = [
        index
        for index in range(ENTRIES_PER_KEY + 3)
        if store.find(KEYS[0], lambda entry: entry.headers == {"a.h": str(index)})  # noqa: B023
    ]
    assert kept == list(range(3, ENTRIES_PER_KEY + 3))


def test_clean_takes_what_was_not_used_for_longest(store: Store) -> None:
    for key, age in zip(KEYS, (7_200, 90_000, 86_400), strict=True):
        entry = put(store, key, key.encode() * 100)
        blob = entry.outputs["out"].sha256
        for path in (store.root / "steps" / key[:2] / key, store.root / "blobs" / blob[:2] / blob):
            os.utime(path, (path.stat().st_atime - age, path.stat().st_mtime - age))
    assert store.find(KEYS[1], anything) is not None
    size = sum(path.stat().st_size for path in store.root.rglob("*") if path.is_file())
    store.clean(size - 1)
    assert store.find(KEYS[2], anything) is None
    assert store.find(KEYS[0], anything) is not None
    assert store.find(KEYS[1], anything) is not None


def test_clean_removes_locks_that_nobody_holds(store: Store) -> None:
    put(store, KEYS[0], b"x")
    with store.lock(KEYS[1]):
        store.clean()
        assert [path.name for path in (store.root / "locks").iterdir()] == [KEYS[1]]
    with store.lock(KEYS[0]):
        pass


def test_a_lock_keeps_others_out(store: Store) -> None:
    inside: list[int] = []
    worst: list[int] = []

    def use() -> None:
        for _ in range(10):
            with Store(store.root).lock(KEYS[0]):
                inside.append(1)
                worst.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(worst) == 40
    assert max(worst) == 1


def test_a_wait_for_a_lock_ends_when_the_user_leaves(store: Store) -> None:
    leaving = threading.Event()
    leaving.set()
    with store.lock(KEYS[0]), pytest.raises(Stopped), store.lock(KEYS[0], leaving):
        pytest.fail("two hold the lock")


def test_the_folder_is_chosen_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPULAB_CACHE", str(tmp_path / "chosen"))
    assert default_root() == tmp_path / "chosen"
    monkeypatch.delenv("NPULAB_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_root() == tmp_path / "xdg" / "npulab"
