"""Upstream's releases: which wheels there are, as GitHub's interface lists them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from errors import LabError, MissingEnvironment, UsageError
from toolchain.fetch.connection import Connection, Gone, Passing, Patience
from toolchain.pins.lockfile import ANY, PYTHONS

if TYPE_CHECKING:
    from packaging.version import Version

API = "https://api.github.com/repos"
REPOSITORIES = {"mlir-aie": "Xilinx/mlir-aie", "llvm-aie": "Xilinx/llvm-aie"}
ROLLING = {"llvm-aie": "nightly"}
"""Projects whose wheels all stand in one release, by its tag."""

_TOO_OFTEN = re.compile(r"HTTP status (?:403|429)\b")
"""How GitHub answers who has asked 60 questions within an hour."""

_COMMIT = re.compile(r"[0-9a-f]{40}")


class Asset(msgspec.Struct, frozen=True):
    """A file of a release; `digest` is ``sha256:<hex>`` where GitHub computed it."""

    name: str
    size: int
    browser_download_url: str
    digest: str | None = None

    @property
    def sha256(self) -> str:
        """The hash that is published, in hex; empty where none is."""
        return (self.digest or "").removeprefix("sha256:")


class Release(msgspec.Struct, frozen=True):
    """A release."""

    tag_name: str
    assets: list[Asset]
    target_commitish: str = ""

    @property
    def commit(self) -> str | None:
        """The commit that it was made of, where it names one."""
        return self.target_commitish if _COMMIT.fullmatch(self.target_commitish) else None

    def asset(self, name: str) -> Asset | None:
        """Return a file by its name."""
        return next((asset for asset in self.assets if asset.name == name), None)


@dataclass(frozen=True)
class Candidate:
    """A wheel of a release that serves a Python variant."""

    asset: Asset
    release: Release
    version: Version
    python: str

    @property
    def commit(self) -> str | None:
        """The commit it was built from: that of the release, or of its version's local part."""
        return self.release.commit or self.version.local


class Releases:
    """Looks up releases.

    Args:
        api: Root of the repositories' addresses.
        tell: Takes a line for every question that is asked, and for every answer that fails.
    """

    def __init__(
        self,
        patience: Patience | None = None,
        api: str = API,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._patience = patience or Patience()
        self._connection = Connection(self._patience)
        self._api = api
        self._tell = tell
        self._known: dict[str, Release] = {}

    def of_tag(self, name: str, tag: str) -> Release:
        """Return a release of a project by its tag.

        Raises:
            MissingEnvironment: NPU026, there is none; NPU048, the answer does not come or is
                none.
        """
        return self._get(f"{self._api}/{REPOSITORIES[name]}/releases/tags/{tag}")

    def newest(self, name: str) -> Release:
        """Return the release that has a project's newest wheels; raises as :meth:`of_tag`."""
        if name in ROLLING:
            return self.of_tag(name, ROLLING[name])
        return self._get(f"{self._api}/{REPOSITORIES[name]}/releases/latest")

    def wheels(self, name: str, version: str | None = None) -> list[Candidate]:
        """Return a version's wheels, one per variant; the newest version's unless given.

        Raises:
            UsageError: NPU048, the release has no wheels of that version for the lab.
            MissingEnvironment: As :meth:`of_tag`.
        """
        from packaging.version import InvalidVersion, Version

        try:
            wanted = Version(version) if version else None
        except InvalidVersion as error:
            raise _no_wheels(name, f"{version!r} is no version") from error
        if wanted is None or name in ROLLING:
            release = self.newest(name)
        else:
            release = self.of_tag(name, f"v{wanted}")
        found = [one for one in candidates(name, release) if wanted in (None, one.version)]
        if not found:
            what = f"{name} {version}" if version else name
            raise _no_wheels(name, f"release {release.tag_name} has no wheel of {what}")
        newest = max(one.version for one in found)
        by_python = {one.python: one for one in found if one.version == newest}
        return [by_python[python] for python in (*PYTHONS, ANY) if python in by_python]

    def _get(self, url: str) -> Release:
        if url not in self._known:
            self._known[url] = self._ask(url)
        return self._known[url]

    def _ask(self, url: str) -> Release:
        from urllib3.exceptions import HTTPError

        last: Exception | None = None
        self._tell(f"asking {url}")
        for attempt in range(self._patience.attempts):
            if last is not None:
                pause = self._patience.before(attempt, getattr(last, "after", None))
                self._tell(self._patience.told(last, attempt, pause))
                time.sleep(pause)
            try:
                answer = self._connection.open(url, {"Accept": "application/vnd.github+json"})
                return msgspec.json.decode(answer.read(), type=Release)
            except Gone:
                raise
            except MissingEnvironment as error:
                # GitHub refuses who has asked too often: that says nothing of the release.
                if error.code != "NPU026":
                    raise
                last = error
                break
            except (Passing, HTTPError, msgspec.DecodeError) as error:
                last = error
        why = last.message if isinstance(last, MissingEnvironment) else f"{url}: {last}"
        raise MissingEnvironment(
            f"upstream gives no list of files: {why}",
            cure="try again later; GitHub answers 60 such questions an hour for one address"
            if _TOO_OFTEN.search(why)
            else "look at the network and the proxy (https_proxy, no_proxy), then try again",
            code="NPU048",
        ) from last


def candidates(name: str, release: Release) -> Iterator[Candidate]:
    """Yield a release's wheels of a project for Linux on x86-64 and a variant of the lab."""
    from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

    interpreters = {f"cp{python.replace('.', '')}": python for python in PYTHONS} | {"py3": ANY}
    for asset in release.assets:
        try:
            found, version, _, tags = parse_wheel_filename(asset.name)
        except InvalidWheelFilename:
            continue
        fits = [
            interpreters[tag.interpreter]
            for tag in tags
            if tag.interpreter in interpreters
            and tag.platform.startswith("manylinux")
            and tag.platform.endswith("x86_64")
        ]
        if found == canonicalize_name(name) and fits:
            yield Candidate(asset, release, version, fits[0])


def _no_wheels(name: str, why: str) -> LabError:
    return UsageError(
        f"no wheels of {name} can be pinned: {why}",
        cure="name a version that is released, or none for the newest",
        code="NPU048",
    )
