"""Rewriting the lock: what is not yet pinned, another version, and what changed upstream."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from errors import CheckFailed, MissingEnvironment
from toolchain.fetch.connection import Gone, Patience
from toolchain.fetch.shelf import Progress, Quiet
from toolchain.fetch.transfer import Listener, Transfer
from toolchain.pins import lockfile
from toolchain.pins.lockfile import Lock, Wheel
from toolchain.pins.releases import Candidate, Release, Releases, candidates
from toolchain.storage import digest, disk
from toolchain.storage.store import Store

Tell = Callable[[str], None]
"""Takes a line on what is done."""


class Updater:
    """Resolves, downloads and hashes wheels, and writes them into a lock file.

    Args:
        progress: Takes how far each download is.
    """

    def __init__(
        self,
        store: Store,
        releases: Releases,
        tell: Tell,
        patience: Patience | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._store = store
        self._releases = releases
        self._tell = tell
        self._progress = progress or Quiet()
        self._transfer = Transfer(patience or Patience(), threading.Event())

    def complete(self, lock: Lock) -> str:
        """Pin the wheels of a lock that are not yet pinned, and return the difference.

        Size and commit of the others are filled in where they are not known and the release
        answers; where it does not, that is told.

        Raises:
            LabError: A wheel is not to be had, or is not what its release publishes; the lock
                file is as it was.
        """
        changes = []
        for wheel in lock.wheels:
            if not wheel.pinned:
                found = self._releases.wheels(wheel.name, wheel.version)
                ours = [one for one in found if one.python == wheel.python]
                if not ours:
                    raise CheckFailed(
                        f"the release {wheel.tag} has no {wheel.name} for Python {wheel.python}",
                        cure="use a variant that has one",
                        code="NPU048",
                    )
                changes.append((wheel, self._pin(wheel.name, ours[0])))
        changes += self._filled(lock)
        return rewrite(lock.path, changes)

    def _filled(self, lock: Lock) -> Iterator[tuple[Wheel, Wheel]]:
        """Yield pinned wheels whose size or commit is not known, each with what is known now."""
        for wheel in lock.wheels:
            if not wheel.pinned or None not in (wheel.size, wheel.commit):
                continue
            what = f"{wheel.name} {wheel.version}"
            try:
                yield wheel, self._fill(wheel, self._releases.of_tag(wheel.name, wheel.tag))
            except Gone as error:
                self._tell(f"{what}: size and commit are not filled in: {error.message}")
            except MissingEnvironment as error:
                self._tell(f"{what}: size and commit are not filled in: {error.message}")
                return  # the next question would wait as long for no answer

    def _fill(self, wheel: Wheel, release: Release) -> Wheel:
        """Return a pinned wheel with the size and the commit that its release tells.

        Raises:
            CheckFailed: NPU049, the release has another file now.
        """
        from packaging.version import Version

        asset = release.asset(wheel.file_name)
        if asset is None or not asset.sha256:
            lacks = "no digest of it" if asset else "it no more"
            self._tell(
                f"{wheel.name} {wheel.version}: size and commit are not filled in: "
                f"release {wheel.tag} has {lacks}"
            )
            return wheel
        if asset.sha256 != wheel.sha256 or wheel.size not in (None, asset.size):
            raise CheckFailed(
                f"upstream's {wheel.file_name} is not the file that is pinned any more",
                cure="compare with npulab lock --check, and ask why before you trust the new one",
                code="NPU049",
                details=(
                    f"pinned:    sha256 {wheel.sha256}, {wheel.size or 'unknown'} bytes",
                    f"published: sha256 {asset.sha256}, {asset.size} bytes",
                ),
            )
        commit = wheel.commit or release.commit or Version(wheel.version).local
        return msgspec.structs.replace(wheel, size=asset.size, commit=commit)

    def update(self, lock: Lock, name: str, version: str | None = None) -> str:
        """Move a project's pins to a version, the newest unless given; raises as `complete`."""
        pairs = [
            (old, found)
            for found in self._releases.wheels(name, version)
            for old in lock.wheels
            if (old.name, old.python) == (name, found.python)
        ]
        if len(pairs) != sum(wheel.name == name for wheel in lock.wheels):
            raise CheckFailed(
                f"{name} {version or 'of the newest release'} has no wheel for some variant",
                cure="choose a version that has one for each variant of the lock",
                code="NPU048",
            )
        changes = [(old, self._pin(name, found)) for old, found in pairs]
        return rewrite(lock.path, changes)

    def _pin(self, name: str, found: Candidate) -> Wheel:
        """Download a wheel, and return its pin once its hash is what the release publishes."""
        asset = found.asset
        self._tell(f"{asset.name}  {asset.size:,} bytes")
        part = self._store.root / "wheels" / f"{asset.name}.part"
        with disk.writing(part.parent):
            part.parent.mkdir(parents=True, exist_ok=True)
        pin = Wheel(
            name=name,
            version=str(found.version),
            python=found.python,
            tag=found.release.tag_name,
            commit=found.commit,
            url=asset.browser_download_url,
            sha256=lockfile.UNPINNED,
        )
        events = self._progress
        listener = Listener(partial(events.advanced, pin), partial(events.retrying, pin))
        self._transfer.download(pin.url, part, listener)
        sha256, size = digest.of_file(part) or "", part.stat().st_size
        published = asset.sha256
        if (published and published != sha256) or size != asset.size:
            part.unlink()
            raise CheckFailed(
                f"{asset.name} is not the file that its release publishes",
                cure="try again; if it stays so, ask upstream before you trust it",
                code="NPU028",
                details=(
                    f"published: sha256 {published or 'none'}, {asset.size} bytes",
                    f"came:      sha256 {sha256}, {size} bytes",
                ),
            )
        self._tell(f"sha256 {sha256}: {'as published' if published else 'upstream gives none'}")
        target = self._store.root / "wheels" / sha256 / pin.file_name
        with disk.writing(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            part.replace(target)
        return msgspec.structs.replace(pin, sha256=sha256, size=size)


def rewrite(path: Path, changes: Sequence[tuple[Wheel, Wheel]]) -> str:
    """Put new pins in the place of old ones, and return the difference as text.

    Comments and order stay. The file is checked as a whole before it takes the old one's
    place.
    """
    import tomlkit

    before = path.read_text(encoding="utf-8")
    document: Any = tomlkit.parse(before)
    for old, new in changes:
        for table in document["wheel"]:
            if (table["name"], table["python"]) == (old.name, old.python):
                _rewrite_table(table, new)
    after = tomlkit.dumps(document)
    lockfile.parse(after, path)
    if after != before:
        disk.replace_file(path, after.encode())
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "before", "after", lineterm="", n=1
    )
    return "\n".join(lines)


def _rewrite_table(table: Any, new: Wheel) -> None:
    # What stands between a table and the next one is the table's to tomlkit, and new keys come
    # behind it: they are to stand before.
    body = table.value.body
    between: list[Any] = []
    while body and body[-1][0] is None:
        between.insert(0, body.pop())
    for field in Wheel.__struct_fields__:
        value = getattr(new, field)
        if value is None:
            table.pop(field, None)
        elif table.get(field) != value:
            table[field] = value
    body += between


@dataclass(frozen=True)
class Finding:
    """What a look upstream tells of one pin.

    Attributes:
        state: ``current``, ``newer`` (upstream has a newer version), ``lacking`` (upstream's
            newest release has no wheel for the variant), ``unpinned``, ``gone`` or ``changed``.
    """

    wheel: Wheel
    state: str
    text: str

    @property
    def bad(self) -> bool:
        """Whether the pin cannot be installed from upstream any more."""
        return self.state in ("gone", "changed")


def look(lock: Lock, releases: Releases) -> list[Finding]:
    """Compare every pin with upstream.

    Raises:
        MissingEnvironment: NPU048, upstream does not answer.
    """
    return [_look_at(wheel, releases) for wheel in lock.wheels]


def _look_at(wheel: Wheel, releases: Releases) -> Finding:
    from packaging.version import Version

    try:
        asset = releases.of_tag(wheel.name, wheel.tag).asset(wheel.file_name)
    except Gone:
        return Finding(wheel, "gone", f"there is no release {wheel.tag} any more")
    if asset is None:
        return Finding(wheel, "gone", f"release {wheel.tag} has it no more; keep your mirror")
    if wheel.pinned and asset.sha256 not in ("", wheel.sha256):
        return Finding(wheel, "changed", f"upstream's file has sha256 {asset.sha256} now")
    if wheel.size is not None and wheel.size != asset.size:
        return Finding(wheel, "changed", f"upstream's file has {asset.size:,} bytes now")
    if not wheel.pinned:
        return Finding(wheel, "unpinned", "pin it with: npulab lock")
    try:
        release = releases.newest(wheel.name)
    except Gone:
        return Finding(wheel, "lacking", "upstream names no newest release any more")
    fitting = (one for one in candidates(wheel.name, release) if one.python == wheel.python)
    newest = max((one.version for one in fitting), default=None)
    if newest is None:
        served = "any Python" if wheel.python == lockfile.ANY else f"Python {wheel.python}"
        what = f"upstream's newest release {release.tag_name} has no wheel for {served}"
        return Finding(wheel, "lacking", what)
    if newest > Version(wheel.version):
        return Finding(wheel, "newer", f"upstream has {newest}")
    return Finding(wheel, "current", "as upstream has it")
