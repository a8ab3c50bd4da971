"""One step: its key, its outputs in the cache, or its run."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

from errors import UsageError
from toolchain.storage import digest, disk
from toolchain.storage.digest import Digests
from toolchain.storage.store import Blob, Entry, Store
from toolchain.work.runner import Runner
from toolchain.work.steps import Step

KEY_VERSION = 1
"""Raise it when the meaning of a key or an entry changes."""

ATTEMPTS = 3
"""Runs of a step whose inputs change under it, before it is given up."""

Needs = Mapping[str, Blob]
"""What a step finds in the folder it runs in, from other steps."""


class Executor:
    """Finds or makes the outputs of steps. Any number of threads may use it at once."""

    def __init__(self, store: Store, runner: Runner) -> None:
        self.store = store
        self.runner = runner
        self.digests = Digests()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End what runs and refuse what does not yet, because the user wants to leave."""
        self._stopped.set()
        self.runner.stop()

    def key(self, step: Step, needs: Needs) -> str:
        """Return the hash of all that decides the step's outputs, as far as it is known before.

        Raises:
            UsageError: A source file is not there.
        """
        return digest.of_json(
            {
                "version": KEY_VERSION,
                "kind": type(step).__name__,
                "pin": step.pin,
                "recipe": step.recipe(),
                "outputs": step.outputs,
                "sources": {step.places.neutral(str(p)): self._source(p) for p in step.sources},
                "texts": {name: digest.of_text(text) for name, text in step.texts.items()},
                "needs": {name: blob.sha256 for name, blob in needs.items()},
            }
        )

    def find(self, step: Step, key: str) -> Entry | None:
        """Return what the cache has of the step, if it still holds."""
        return self.store.find(key, lambda entry: self._is_current(step, entry))

    def make(self, step: Step, needs: Needs) -> Entry:
        """Run the step, unless another process just did, and keep its outputs.

        Raises:
            LabError: The step failed, or the disk refused, or an input never stood still.
            CorruptBlob: What it needs was damaged in the cache.
            Stopped: :meth:`stop` ended it.
        """
        for _ in range(ATTEMPTS):
            key = self.key(step, needs)
            with self.store.lock(key, self._stopped):
                entry = self.find(step, key)
                if entry is None:
                    entry = self._run(step, key, needs)
            if entry is not None:
                return entry
        raise UsageError(
            f"{step.title}: a file that it reads keeps changing while it is read",
            cure="wait until nothing writes to the sources, then build again",
            code="NPU004",
        )

    def _run(self, step: Step, key: str, needs: Needs) -> Entry | None:
        """Run the step once; None if what it read changed meanwhile."""
        with self.store.work() as work:
            with disk.writing(work):
                for name, text in step.texts.items():
                    (work / name).write_text(text, encoding="utf-8")
                for name, blob in needs.items():
                    (work / name).write_bytes(self.store.read(blob))
            wall, start = time.time_ns(), time.perf_counter()
            headers = step.run(work, self.runner)
            seconds = round(time.perf_counter() - start, 3)
            if not all(self._stood_still(path, wall) for path in (*step.sources, *headers)):
                return None
            entry = Entry(
                outputs={name: _blob(work / name) for name in step.outputs},
                seconds=seconds,
                headers={step.places.neutral(str(p)): self._source(p) for p in headers},
                absent=[step.places.neutral(str(p)) for p in _absent(step.search, headers)],
            )
            self.store.save(key, entry, work)
            return entry

    def _source(self, path: Path) -> str:
        found = self.digests.of(path)
        if found is None:
            raise UsageError(f"no file {path}", cure="give the path of a C++ source", code="NPU002")
        return found

    def _is_current(self, step: Step, entry: Entry) -> bool:
        real = step.places.real
        return all(
            self.digests.of(real(path)) == expected for path, expected in entry.headers.items()
        ) and not any(real(path).exists() for path in entry.absent)

    def _stood_still(self, path: Path, wall: int) -> bool:
        """Whether a file's content is what it was before the step ran.

        A header that was not known before then is trusted if its time of change is older;
        if not, the step's next run knows its hash.
        """
        known = self.digests.known(path)
        now = self.digests.again(path)
        if known is not None:
            return now == known
        try:
            return path.stat().st_mtime_ns < wall
        except OSError:
            return False


def _blob(path: Path) -> Blob:
    content = path.read_bytes()
    return Blob(sha256=digest.of_bytes(content), size=len(content))


def _absent(search: tuple[Path, ...], headers: list[Path]) -> list[Path]:
    """Return where a header would have been found before the one that was."""
    absent: dict[Path, None] = {}
    for header in headers:
        for index, folder in enumerate(search):
            if header.is_relative_to(folder):
                name = header.relative_to(folder)
                candidates = (earlier / name for earlier in search[:index])
                absent.update((path, None) for path in candidates if not path.exists())
    return list(absent)
