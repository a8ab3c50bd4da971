"""The store of timings: whole lines, whatever the disk, other jobs and other labs do to it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from errors import UsageError
from npulab.cli import cli
from runtime.bench.record import FORMAT, Record
from runtime.bench.store import append, check_store, read
from tests.bench.records import RECORD


def test_a_store_keeps_what_it_is_given(tmp_path: Path) -> None:
    store = tmp_path / "new" / "timings.jsonl"
    append(store, [RECORD])
    append(store, [RECORD, RECORD])
    assert read(store) == [RECORD] * 3
    assert len(store.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"format": 1}', msgspec.json.encode(RECORD)[:-9].decode()]
)
def test_a_damaged_store_names_the_line(line: str, tmp_path: Path) -> None:
    store = tmp_path / "timings.jsonl"
    append(store, [RECORD])
    with store.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(UsageError, match="line 2") as caught:
        read(store)
    assert caught.value.code == "NPU445"


@pytest.mark.parametrize("samples", [(), (0.0,), (-1.0, 1.0)])
def test_samples_that_no_clock_gives_are_refused(samples: tuple[float], tmp_path: Path) -> None:
    store = tmp_path / "timings.jsonl"
    append(store, [msgspec.structs.replace(RECORD, samples=samples)])
    with pytest.raises(UsageError, match="samples"):
        read(store)


def disk(monkeypatch: pytest.MonkeyPatch, room: int, piece: int = 100) -> None:
    """Let writes take `piece` bytes at most each, and fail after `room`."""
    write, left = os.write, room

    def partly(handle: int, content: bytes) -> int:
        nonlocal left
        if left <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = write(handle, content[: min(piece, left)])
        left -= done
        return done

    monkeypatch.setattr("runtime.bench.store.os.write", partly)


def test_short_writes_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk(monkeypatch, room=1 << 20)
    append(tmp_path / "timings.jsonl", [RECORD, RECORD])
    assert read(tmp_path / "timings.jsonl") == [RECORD] * 2


def test_a_full_disk_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "timings.jsonl"
    append(store, [RECORD])
    before = store.read_bytes()
    with monkeypatch.context() as full:
        disk(full, room=250)
        with pytest.raises(UsageError, match="No space left") as caught:
            append(store, [RECORD])
    assert caught.value.code == "NPU405"
    assert store.read_bytes() == before
    append(store, [RECORD])
    assert read(store) == [RECORD] * 2


def test_an_unfinished_line_does_not_spoil_the_next(tmp_path: Path) -> None:
    store = tmp_path / "timings.jsonl"
    store.write_bytes(msgspec.json.encode(RECORD)[:50])
    append(store, [RECORD])
    broken, whole = store.read_bytes().splitlines()
    assert len(broken) == 50
    assert msgspec.json.decode(whole, type=Record) == RECORD


def written(path: Path, **changes: object) -> Path:
    fields = {**msgspec.to_builtins(RECORD), **changes}
    path.write_bytes(msgspec.json.encode(fields) + b"\n")
    return path


def test_what_only_a_newer_lab_knows_is_left_out(tmp_path: Path) -> None:
    store = written(tmp_path / "timings.jsonl", format=FORMAT + 1, weather="fine")
    (record,) = read(store)
    assert record == msgspec.structs.replace(RECORD, format=FORMAT + 1)


@pytest.mark.parametrize("version", [1, FORMAT, "3", None])
def test_a_field_that_nobody_knows_is_a_mistake(version: object, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 1"):
        read(written(tmp_path / "timings.jsonl", format=version, weather="fine"))


def test_a_newer_record_without_what_is_needed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 1"):
        read(written(tmp_path / "timings.jsonl", format=FORMAT + 1, samples="many"))


def test_a_record_of_before_is_read(tmp_path: Path) -> None:
    """Of format 1, which had no sessions and took one list for its time."""
    old = msgspec.to_builtins(RECORD) | {"format": 1}
    for name in ("session", "amortised_low", "amortised_high", "lists"):
        del old[name]
    store = tmp_path / "timings.jsonl"
    store.write_bytes(msgspec.json.encode(old) + b"\n")
    (record,) = read(store)
    assert (record.session, record.lists, record.amortised_error) == ("", 1, None)
    assert record.array_error is None


def folder_in_a_file(folder: Path) -> Path:
    (folder / "file").write_text("")
    return folder / "file" / "timings.jsonl"


@pytest.mark.parametrize("bad", [folder_in_a_file, lambda folder: folder])
def test_a_store_that_cannot_be_written_is_refused(bad: object, tmp_path: Path) -> None:
    assert callable(bad)
    with pytest.raises(UsageError) as caught:
        check_store(bad(tmp_path))
    assert caught.value.code == "NPU405"


def test_a_good_store_is_not_made_before_there_is_something_for_it(tmp_path: Path) -> None:
    store = tmp_path / "new" / "timings.jsonl"
    check_store(store)
    assert not store.exists()
    append(store, [RECORD])
    check_store(store)
    assert read(store) == [RECORD]


def test_bench_refuses_its_store_before_it_opens_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("npulab.timing.open_device", lambda name: pytest.fail(f"opened {name}"))
    store = folder_in_a_file(tmp_path)
    ended = CliRunner().invoke(cli, ["bench", "--device", "fake", "--store", str(store)])
    assert ended.exit_code == 2, ended.output
    assert "NPU405" in ended.output
