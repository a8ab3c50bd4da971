"""Files that the FAKE pyxrt loads where the real one loads an xclbin and instructions.

A fake xclbin is JSON: the design, where its libraries are, what its arguments take. Its
instructions are words that depend on the design alone, so that those of another design are
noticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

FORMAT = "fake xclbin of the simulated array, 1"


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a fake xclbin holds.

    Attributes:
        design: MLIR text.
        libraries: Shared library per object of the design, absolute.
        cycles: Cycles of a call of each function.
        sizes: Bytes of each argument of the runtime sequence.
        kernel: The kernel's name.
    """

    design: str
    libraries: dict[str, str]
    cycles: dict[str, int]
    sizes: tuple[int, ...]
    kernel: str = "MLIR_AIE"

    @property
    def instructions(self) -> bytes:
        """The words that go with the design."""
        return b"".join(
            hashlib.sha256(f"{part}:{self.design}".encode()).digest() for part in range(4)
        )

    @property
    def uuid(self) -> str:
        """A UUID of the whole content."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def write(
    folder: Path,
    *,
    design: str,
    libraries: Mapping[str, Path],
    cycles: Mapping[str, int],
    sizes: Sequence[int],
    kernel: str = "MLIR_AIE",
) -> tuple[Path, Path]:
    """Write ``design.xclbin`` and ``insts.bin`` into `folder`, and return their paths."""
    content = Content(
        design=design,
        libraries={name: str(path.absolute()) for name, path in libraries.items()},
        cycles=dict(cycles),
        sizes=tuple(sizes),
        kernel=kernel,
    )
    xclbin, insts = folder / "design.xclbin", folder / "insts.bin"
    xclbin.write_text(json.dumps({"format": FORMAT, **asdict(content)}), encoding="utf-8")
    insts.write_bytes(content.instructions)
    return xclbin, insts


def read(path: str) -> Content:
    """Read a fake xclbin.

    Raises:
        RuntimeError: With the real module's words: no such file, or not one of these.
    """
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RuntimeError(f" No such file '{path}'") from None
    except ValueError:
        raise RuntimeError("xclbin: buffer too small to contain header") from None
    if not isinstance(record, dict) or record.pop("format", None) != FORMAT:
        raise RuntimeError("Invalid xclbin: the fake loads what simulator.fake_xrt.package writes")
    record["sizes"] = tuple(record["sizes"])
    return Content(**record)
