"""Files that the FAKE pyxrt loads: real xclbins, and fakes of them.

Real ones need a reader, which the board has where somebody gave it one. A fake xclbin is
JSON: the design, where its libraries are, what the arguments of its runtime sequences take.
Instructions are words that depend on the design and the sequence alone, so that those of
another are noticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from errors import LabError
from simulator.fake_xrt.engines import Binaries, DesignEngine, Loaded

if TYPE_CHECKING:
    from simulator.binary.package import Reader

_MAGIC = b"xclbin2\0"
_KERNEL_ARGUMENTS = 3 + 5
"""aiecc declares at least five buffers, however few the design takes."""

FORMAT = "fake xclbin of the simulated array, 2"


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a fake xclbin holds.

    Attributes:
        design: MLIR text.
        libraries: Shared library per object of the design, absolute.
        cycles: Cycles of a call of each function.
        sequences: Bytes of each argument of every runtime sequence, by its name; an only one may
            be without a name.
        kernel: The kernel's name.
    """

    design: str
    libraries: dict[str, str]
    cycles: dict[str, int]
    sequences: dict[str, tuple[int, ...]]
    kernel: str = "MLIR_AIE"

    def instructions(self, sequence: str) -> bytes:
        """Return the words that go with a runtime sequence."""
        return b"".join(
            hashlib.sha256(f"{part}:{sequence}:{self.design}".encode()).digest()
            for part in range(4)
        )

    @property
    def uuid(self) -> str:
        """A UUID of the whole content."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))

    @property
    def kernels(self) -> dict[str, int]:
        """See :class:`simulator.fake_xrt.engines.Loaded`."""
        return {self.kernel: max(_KERNEL_ARGUMENTS, 3 + max(map(len, self.sequences.values())))}

    def engine(self) -> DesignEngine:
        """See :class:`simulator.fake_xrt.engines.Loaded`."""
        return DesignEngine(self)


def write(
    folder: Path,
    *,
    design: str,
    libraries: Mapping[str, Path],
    cycles: Mapping[str, int],
    sequences: Mapping[str, Sequence[int]],
    kernel: str = "MLIR_AIE",
) -> tuple[Path, dict[str, Path]]:
    """Write an xclbin and each sequence's instructions into `folder`, and return their paths."""
    content = Content(
        design=design,
        libraries={name: str(path.absolute()) for name, path in libraries.items()},
        cycles=dict(cycles),
        sequences={name: tuple(sizes) for name, sizes in sequences.items()},
        kernel=kernel,
    )
    xclbin = folder / "design.xclbin"
    insts = {name: folder / (f"insts_{name}.bin" if name else "insts.bin") for name in sequences}
    xclbin.write_text(json.dumps({"format": FORMAT, **asdict(content)}), encoding="utf-8")
    for name, path in insts.items():
        path.write_bytes(content.instructions(name))
    return xclbin, insts


def read(path: str, reader: Reader | None = None) -> Loaded:
    """Read an xclbin or a fake one.

    Args:
        path: The file.
        reader: Reads real ones.

    Raises:
        RuntimeError: With the real module's words: no such file, or not one of these.
    """
    try:
        data = Path(path).read_bytes()
    except OSError:
        raise RuntimeError(f" No such file '{path}'") from None
    if data.startswith(_MAGIC) and reader is not None:
        try:
            return Binaries(reader.package(data, path), reader)
        except LabError as error:
            raise RuntimeError(f"Invalid xclbin: {error.message}") from error
    try:
        record = json.loads(data)
    except ValueError:
        raise RuntimeError("xclbin: buffer too small to contain header") from None
    if not isinstance(record, dict) or record.pop("format", None) != FORMAT:
        raise RuntimeError("Invalid xclbin: the fake loads what simulator.fake_xrt.package writes")
    record["sequences"] = {name: tuple(sizes) for name, sizes in record["sequences"].items()}
    return Content(**record)
