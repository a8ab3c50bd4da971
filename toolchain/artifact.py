"""A finished build, read back from its folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import UsageError
from toolchain.static import checks
from toolchain.storage import digest, disk, manifest
from toolchain.storage.manifest import Manifest

if TYPE_CHECKING:
    from kernels.contract import Arg


@dataclass(frozen=True)
class Build:
    """A finished build: a folder, and the manifest that vouches for its files."""

    folder: Path
    manifest: Manifest

    @classmethod
    def open(cls, folder: Path) -> Build:
        """Return the build in `folder`.

        Raises:
            UsageError: There is none, or a file is not what the build wrote.
        """
        content = disk.read_if_there(folder / manifest.NAME)
        if content is None:
            raise UsageError(
                f"there is no finished build in {folder}", cure="build it first", code="NPU030"
            )
        record = manifest.decode(content)
        if record is None:
            raise _altered(folder / manifest.NAME)
        for name, blob in record.outputs.items():
            if digest.of_file(folder / name) != blob.sha256:
                raise _altered(folder / name)
        return cls(folder, record)

    @property
    def title(self) -> str:
        """``name/label``, as reports and messages print it."""
        return f"{self.manifest.unit}/{self.manifest.label}"

    @property
    def target(self) -> str:
        """What it was built for."""
        return self.manifest.target

    @cached_property
    def design(self) -> str:
        """The MLIR text."""
        return (self.folder / checks.DESIGN).read_text(encoding="utf-8")

    @property
    def libraries(self) -> dict[str, Path]:
        """The file that holds the code of each object of the design, by the object's name."""
        return {name: self.folder / file for name, file in self.manifest.libraries.items()}

    @property
    def cycles(self) -> dict[str, int]:
        """Estimated core cycles of one call of each entry point; empty without a contract."""
        return {function.symbol: function.cycles for function in self.manifest.functions}

    @property
    def args(self) -> tuple[Arg, ...] | None:
        """The contract's arguments in runtime-sequence order; None without a contract."""
        if self.manifest.args is None:
            return None
        import numpy as np

        from kernels.contract import Arg, Role

        return tuple(
            Arg(arg.name, Role(arg.role), arg.shape, np.dtype(arg.dtype))
            for arg in self.manifest.args
        )

    @property
    def resources(self) -> Any:
        """What the design takes of the array, as the static checks counted it (JSON)."""
        return self.manifest.resources


def _altered(path: Path) -> UsageError:
    return UsageError(
        f"{path} is not what the build wrote",
        cure="build again, which restores it",
        code="NPU031",
    )
