"""Build the fixtures: assemble each core, and pack its design with the vendor's tools.

The tools are those of tests/artifacts/rebuild.py, in the same kind of root file system::

    sudo mmdebstrap --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \\
        --include=libxrt-utils,libxrt-utils-npu,xilinx-bootgen unstable /tmp/xrt-root
    sudo python tests/binaries/build.py --root /tmp/xrt-root [NAME...]

Without ``--root`` they are looked for on this system. ``--assemble`` needs no tools: it
writes core.elf and insts.bin alone. A second run changes the uuid and the time in
design.xclbin, and nothing else.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "artifacts")]

import design as designs  # noqa: E402
import rebuild as vendor  # noqa: E402
from fixtures import DESIGNS  # noqa: E402

from errors import LabError  # noqa: E402
from simulator.aie2.assembler import Program, assemble, write_elf  # noqa: E402
from toolchain.artifacts import cdo, insts  # noqa: E402
from toolchain.artifacts.operations import BlockWrite  # noqa: E402

BUFFERS = 5
"""Data arguments of the kernel, as mlir-aie describes it."""


def cores(design: designs.Design) -> Program:
    """Assemble a fixture's core."""
    path = HERE / design.name / "core.s"
    return assemble(path.read_text(), str(path.relative_to(HERE.parent.parent)))


def pack(tools: vendor.Tools, design: designs.Design, program: Program) -> bytes:
    """Return the xclbin that bootgen and xclbinutil make of the design's CDOs."""
    tools.write("elfs.bin", cdo.encode(designs.load(program)))
    tools.write("init.bin", cdo.encode(designs.configure(design, program)))
    tools.write("enable.bin", cdo.encode(designs.enable()))
    tools.write("design.bif", vendor.BIF)
    tools.run("bootgen", "-arch", "versal", "-image", "design.bif", "-o", "design.pdi", "-w")
    entry = {
        "uuid": str(uuid5(NAMESPACE_URL, f"npulab/tests/binaries/{design.name}")),
        "file_name": "design.pdi",
        "cdo_groups": [vendor.group("DPU", "PRIMARY", 1, ["0x901"], ["0xC1"])],
    }
    tools.write("memories.json", vendor.memories())
    tools.write("kernels.json", vendor.kernels(BUFFERS))
    tools.write("partition.json", vendor.partition(entry, width=1, starts=[0, 1, 2, 3]))
    tools.run(
        *("xclbinutil", "--add-replace-section", "MEM_TOPOLOGY:JSON:memories.json"),
        *("--add-kernel", "kernels.json"),
        *("--add-replace-section", "AIE_PARTITION:JSON:partition.json"),
        *("--force", "--quiet", "--output", "design.xclbin"),
    )
    return tools.read("design.xclbin")


def check_instructions(tools: vendor.Tools, data: bytes) -> None:
    """Have aiebu read the instructions, print them and assemble its own text again."""
    tools.write("insts.bin", data)
    tools.run("aiebu-asm", "-t", "aie2txn", "-c", "insts.bin", "-o", "control.elf")
    text = vendor.control_text(tools.run("aiebu-dump", "-d", "control.elf"))
    tools.write("again.asm", text.replace("XAIE_IO_WRITE, ", "XAIE_IO_WRITE "))
    tools.run("aiebu-asm", "-t", "aie2asm", "-c", "again.asm", "-o", "again.elf")
    again = insts.decode(vendor.control_bytes(tools.read("again.elf")))
    # It pads its masked operations to 8 bytes, which nothing reads.
    bare = [op if isinstance(op, BlockWrite) else replace(op, rest=b"") for op in again.operations]
    if bare != list(insts.decode(data).operations):
        sys.exit("aiebu reads other instructions than were written")


def keep(folder: Path, name: str, data: bytes) -> None:
    """Write a file of a fixture."""
    (folder / name).write_bytes(data)
    sys.stdout.write(f"{folder.name}/{name:16} {len(data):6} bytes\n")


def main() -> None:
    """Build the fixtures that are named, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="fixtures; all by default")
    parser.add_argument("--root", type=Path, help="root file system that has the tools")
    parser.add_argument("--assemble", action="store_true", help="use no tools")
    options = parser.parse_args()
    tools = None if options.assemble else vendor.Tools(options.root)
    for design in DESIGNS:
        if options.names and design.name not in options.names:
            continue
        folder = HERE / design.name
        try:
            program = cores(design)
        except LabError as error:
            sys.exit(str(error))
        data = insts.encode(designs.instructions(design))
        keep(folder, "core.elf", write_elf(program))
        keep(folder, "insts.bin", data)
        if tools:
            check_instructions(tools, data)
            keep(folder, "design.xclbin", pack(tools, design, program))


if __name__ == "__main__":
    main()
