"""Stand-ins for folders, so that nothing that is kept depends on where the lab stands.

One mapping serves three uses: keys hash the command with the stand-ins in it, the compiler
writes them into its objects (``-ffile-prefix-map``), and records of headers name them. Two
checkouts of the lab therefore share their cache, and give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

WORK = "{work}"
"""In a command: the folder that the step runs in, known only when it runs."""


class Places:
    """A mapping from folders to stand-ins; the innermost folder that matches wins."""

    def __init__(self, folders: Mapping[Path, str]) -> None:
        # How deep a folder lies in the others, not in this machine's tree: the order shows in
        # commands, whose hash is to be the same wherever the lab stands.
        depth = {one: sum(one.is_relative_to(other) for other in folders) for one in folders}
        inner_first = sorted(folders.items(), key=lambda item: (-depth[item[0]], item[1]))
        self._folders = [(str(folder), name) for folder, name in inner_first]

    def neutral(self, text: str) -> str:
        """Return a path, or an argument that is one or has some between ``=``, with stand-ins."""
        whole = self._stand_in(text)
        if whole != text:
            return whole
        return "=".join(self._stand_in(part) for part in text.split("="))

    def _stand_in(self, path: str) -> str:
        for folder, name in self._folders:
            if path == folder or path.startswith(f"{folder}/"):
                return name + path[len(folder) :]
        return path

    def real(self, neutral: str) -> Path:
        """Return the path that :meth:`neutral` was made from."""
        for folder, name in self._folders:
            if neutral == name or neutral.startswith(f"{name}/"):
                return Path(folder + neutral[len(name) :])
        return Path(neutral)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield (folder, stand-in), outermost folder first."""
        return reversed(self._folders)
