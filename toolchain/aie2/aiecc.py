"""The step that runs aiecc on a design, and brings what it leaves under fixed names."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errors import CheckFailed
from toolchain.aie2 import cores, options
from toolchain.storage import disk
from toolchain.work.runner import Runner
from toolchain.work.steps import CommandStep

LOWERED = "lowered.mlir"


@dataclass(frozen=True, kw_only=True, eq=False)
class AieccStep(CommandStep):
    """Runs aiecc; afterwards the folder has the step's outputs under their own names.

    Attributes:
        objects: The name that the design links with, by the name of the object's file.
        programs: The cores whose programs are kept.
        sequences: The names of the runtime sequences, where the design has several.
    """

    objects: Mapping[str, str]
    programs: tuple[cores.Tile, ...]
    sequences: tuple[str, ...] = ()

    def recipe(self) -> Any:
        """Return the command, its environment, and what it finds under which name."""
        return {**super().recipe(), "objects": dict(self.objects)}

    def run(self, work: Path, runner: Runner) -> list[Path]:
        """Run aiecc; see :meth:`toolchain.work.steps.Step.run`.

        Raises:
            CheckFailed: It failed, or NPU043: it ended well and left an output out.
        """
        with disk.writing(work):
            for file, name in self.objects.items():
                if file != name:
                    (work / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(work / file, work / name)
        super().run(work, runner)
        with disk.writing(work):
            self._collect(work)
        return []

    def _collect(self, work: Path) -> None:
        from toolchain.aie2 import reproducible

        for sequence in self.sequences:
            written = work / options.SEVERAL.format(f"{options.DEVICE}_{sequence}")
            if not written.is_file():
                raise self._left_out(f"instructions of {sequence}")
            written.replace(work / options.instructions(sequence))
        for name in (options.XCLBIN, *map(options.instructions, self.sequences or ("",))):
            if not (work / name).is_file():
                raise self._left_out(name)
        packed = reproducible.normalise((work / options.XCLBIN).read_bytes())
        (work / options.XCLBIN).write_bytes(packed)
        found = cores.find(work)
        for tile in self.programs:
            if tile not in found:
                raise self._left_out(f"program of core ({tile[0]}, {tile[1]})")
            shutil.copyfile(found[tile], work / cores.file_name(tile))
        content = self._lowered(work)
        (work / LOWERED).write_bytes(content.replace(f"{work}/".encode(), b""))

    def _lowered(self, work: Path) -> bytes:
        """Return the design as aiecc lowered it, for reading; each text where it left several."""
        texts = {path: path.read_bytes() for path in work.rglob("*input_with_addresses*.mlir")}
        if not texts:
            # What is for reading alone fails no build.
            asked = options.LOWERED in self.command
            why = "left none when it was asked for it with" if asked else "does not know"
            return f"// No lowered MLIR: this aiecc {why} {options.LOWERED}.\n".encode()
        if len(texts) == 1:
            return texts.popitem()[1]
        titled = [
            f"// --- {path.relative_to(work)}\n".encode() + texts[path] for path in sorted(texts)
        ]
        return b"\n".join(titled)

    def _left_out(self, what: str) -> CheckFailed:
        return CheckFailed(
            f"{self.unit}: aiecc ended without an error, and without the {what}",
            cure="look at the log; if it says nothing, pin another mlir-aie (npulab lock --update)",
            code="NPU043",
        )
