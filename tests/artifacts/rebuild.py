"""Rebuild tests/artifacts/fixtures with the vendor's tools, from the sample design.

The tools are Debian's: xclbinutil (package libxrt-utils), aiebu-asm and aiebu-dump
(libxrt-utils-npu), bootgen (xilinx-bootgen). On another system they run in a root file
system of Debian unstable::

    sudo mmdebstrap --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \\
        --include=libxrt-utils,libxrt-utils-npu,xilinx-bootgen unstable /tmp/xrt-root
    sudo python tests/artifacts/rebuild.py --root /tmp/xrt-root

A second run changes what names builds: uuid and time in the xclbins.
"""

from __future__ import annotations

import argparse
import json
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import sample

FIXTURES = Path(__file__).parent / "fixtures"

BIF = """all:
{
  id_code = 0x14ca8093
  extended_id_code = 0x01
  image
  {
    name=aie_image, id=0x1c000000
    { type=cdo
      file=elfs.bin
      file=init.bin
      file=enable.bin
    }
  }
}
"""
BOOT_BIF = """all:
{
  id_code = 0x14ca8093
  extended_id_code = 0x01
  id = 0x2
  image
  {
    name = pmc_subsys, id = 0x1c000001
    { id = 0x01, type = bootloader, file = loader.elf }
    { id = 0x09, type = pmcdata, load = 0xf2000000, file = enable.bin }
  }
  image
  {
    name = aie_image, id = 0x1c000000
    { id = 0x05, type = cdo
      file = init.bin
    }
    { id = 0x07, type = cdo
      file = enable.bin
    }
  }
}
"""


class Tools:
    """Runs the vendor's tools in a folder, under a root file system or on this one."""

    def __init__(self, root: Path | None) -> None:
        self.root = root
        parent = root / "tmp" if root else None
        self.holder = tempfile.TemporaryDirectory(dir=parent)
        self.folder = Path(self.holder.name)

    def run(self, *command: str) -> str:
        """Run a tool and return what it prints."""
        inside = "/" + str(self.folder.relative_to(self.root)) if self.root else str(self.folder)
        words = ["env", "-C", inside, *command]
        if self.root:
            words = ["chroot", str(self.root), *words]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def write(self, name: str, content: bytes | str | dict[str, Any]) -> None:
        """Write a tool's input."""
        if isinstance(content, dict):
            content = json.dumps(content)
        data = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(data)

    def read(self, name: str) -> bytes:
        """Return a tool's output."""
        return (self.folder / name).read_bytes()


def loader() -> bytes:
    """Return the smallest ELF that bootgen takes as a boot loader: 64 zero bytes."""
    header = struct.pack(
        "<16sHHIIIIIHHHHHH",
        b"\x7fELF\x01\x01\x01" + bytes(9),
        *(2, 0xBD, 1, 0xF0200000, 52, 0, 0, 52, 32, 1, 0, 0, 0),
    )
    segment = struct.pack("<8I", 1, 0x100, 0xF0200000, 0xF0200000, 64, 64, 7, 4)
    return (header + segment).ljust(0x140, b"\0")


def memories() -> dict[str, Any]:
    """Return the memory topology that mlir-aie writes."""
    return {
        "mem_topology": {
            "m_count": "2",
            "m_mem_data": [
                {
                    "m_type": "MEM_DRAM",
                    "m_used": "1",
                    "m_sizeKB": size,
                    "m_tag": tag,
                    "m_base_address": "0x4000000",
                }
                for tag, size in (("HOST", "0x10000"), ("SRAM", "0xc000"))
            ],
        }
    }


def kernels(buffers: int) -> dict[str, Any]:
    """Return the kernel that mlir-aie describes, with some data buffers."""
    arguments = [
        ("opcode", "SCALAR", "uint64_t", 0, None),
        ("instr", "GLOBAL", "char *", 8, "SRAM"),
        ("ninstr", "SCALAR", "uint32_t", 0x10, None),
        *((f"bo{i}", "GLOBAL", "void*", 0x14 + 8 * i, "HOST") for i in range(buffers)),
    ]
    return {
        "ps-kernels": {
            "kernels": [
                {
                    "name": "MLIR_AIE",
                    "type": "dpu",
                    "extended-data": {
                        "subtype": "DPU",
                        "functional": "0",
                        "dpu_kernel_id": "0x901",
                    },
                    "arguments": [
                        {"name": name, "address-qualifier": kind, "type": type_, "offset": hex(at)}
                        | ({"memory-connection": memory} if memory else {})
                        for name, kind, type_, at, memory in arguments
                    ],
                    "instances": [{"name": "MLIRAIE"}],
                }
            ]
        }
    }


def partition(*pdis: dict[str, Any], width: int, starts: list[int]) -> dict[str, Any]:
    """Return a partition of PDIs."""
    return {
        "aie_partition": {
            "name": "QoS",
            "operations_per_cycle": "2048",
            "inference_fingerprint": "23423",
            "pre_post_fingerprint": "12345",
            "kernel_commit_id": "sample",
            "partition": {"column_width": width, "start_columns": starts},
            "PDIs": list(pdis),
        }
    }


def group(name: str, type_: str, number: int, kernel_ids: list[str], before: list[str]) -> Any:
    """Return a CDO group."""
    return {
        "name": name,
        "type": type_,
        "pdi_id": hex(number),
        "dpu_kernel_ids": kernel_ids,
        "pre_cdo_groups": before,
    }


def build_pdis(tools: Tools) -> None:
    """Pack the CDOs: as mlir-aie does, and into an image with a boot header."""
    for name, bif in (("small", BIF), ("boot", BOOT_BIF)):
        tools.write(f"{name}.bif", bif)
        tools.run("bootgen", "-arch", "versal", "-image", f"{name}.bif", "-o", f"{name}.pdi", "-w")
        keep(f"{name}.pdi", tools.read(f"{name}.pdi"))
        text = tools.run("bootgen", "-arch", "versal", "-read", f"{name}.pdi")
        keep(f"{name}.pdi.txt", text[text.index("-----") :].encode())


def build_xclbins(tools: Tools) -> None:
    """Pack the PDIs: one as mlir-aie does, and two with several groups."""
    one = {
        "uuid": "00000000-0000-0000-0000-000000008025",
        "file_name": "small.pdi",
        "cdo_groups": [group("DPU", "PRIMARY", 1, ["0x901"], ["0xC1"])],
    }
    two = {
        "uuid": "12345678-1234-5678-1234-567812345678",
        "file_name": "small.pdi",
        "cdo_groups": [
            group("DPU", "PRIMARY", 1, ["0x901", "0x902"], ["0xC1", "0xC2", "0xC3"]),
            {"name": "PP", "pdi_id": "0x2"},
        ],
    }
    tools.write("memories.json", memories())
    for name, buffers, section in (
        ("small", 2, partition(one, width=1, starts=[1, 2, 3, 4])),
        ("two", 5, partition(one, two, width=2, starts=[1, 2, 3])),
    ):
        tools.write("kernels.json", kernels(buffers))
        tools.write("partition.json", section)
        more = ["--key-value", "USER:made_by:sample"] if name == "two" else []
        tools.run(
            *("xclbinutil", "--add-replace-section", "MEM_TOPOLOGY:JSON:memories.json"),
            *("--add-kernel", "kernels.json"),
            *("--add-replace-section", "AIE_PARTITION:JSON:partition.json", *more),
            *("--force", "--quiet", "--output", f"{name}.xclbin"),
        )
        keep(f"{name}.xclbin", tools.read(f"{name}.xclbin"))
        keep(f"{name}.xclbin.json", json.dumps(dump_xclbin(tools, name), indent=1).encode())


def dump_xclbin(tools: Tools, name: str) -> dict[str, Any]:
    """Return what xclbinutil itself reads from an xclbin."""
    sections = {}
    for kind in ("MEM_TOPOLOGY", "IP_LAYOUT", "CONNECTIVITY", "AIE_PARTITION"):
        tools.run(
            *("xclbinutil", "--quiet", "--force", "--input", f"{name}.xclbin"),
            *("--dump-section", f"{kind}:JSON:dump.json"),
        )
        sections |= json.loads(tools.read("dump.json"))
    return sections


def build_instructions(tools: Tools) -> None:
    """Have aiebu read both forms of the instructions, and assemble its own text again."""
    for form in ("0_1", "1_0"):
        keep(f"insts_{form}.bin", tools.read(f"insts_{form}.bin"))
        tools.run(*("aiebu-asm", "-t", "aie2txn", "-c", f"insts_{form}.bin", "-o", "control.elf"))
        text = control_text(tools.run("aiebu-dump", "-d", "control.elf"))
        keep(f"insts_{form}.txt", text.encode())
        # The disassembler prints a comma that the assembler does not take.
        tools.write("again.asm", text.replace("XAIE_IO_WRITE, ", "XAIE_IO_WRITE "))
        tools.run("aiebu-asm", "-t", "aie2asm", "-c", "again.asm", "-o", "again.elf")
        keep(f"insts_{form}.again.bin", control_bytes(tools.read("again.elf")))


def control_text(dump: str) -> str:
    """Return the instructions of a disassembly: what follows the first section's title."""
    body = re.split(r"^Section\[.*$", dump, flags=re.MULTILINE)[1]
    return body.replace("Optimized HEADER version detected", "").strip("\n") + "\n"


def control_bytes(elf: bytes) -> bytes:
    """Return the .ctrltext section of an ELF of aiebu."""
    at, count, names = struct.unpack_from("<I", elf, 32)[0], *struct.unpack_from("<2H", elf, 48)
    sections = [struct.unpack_from("<10I", elf, at + 40 * i) for i in range(count)]
    title = elf.index(b".ctrltext\0", sections[names][4]) - sections[names][4]
    return next(elf[s[4] : s[4] + s[5]] for s in sections if s[0] == title)


def build_object() -> None:
    """Compile a C file and relabel it as AIE2.

    No AIE2 compiler is packaged; what matters here (sections, symbols, relocations with
    addends, ``.stack_sizes``) LLVM writes in the same way for every 32-bit target.
    """
    source = Path(__file__).with_name("object.c")
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "object.o")
        subprocess.run(
            [
                *(sys.executable, "-m", "ziglang", "cc", "-target", "riscv32-freestanding-none"),
                *("-mcpu=baseline_rv32", "-O1", "-g0", "-fstack-size-section"),
                *("-ffunction-sections", "-fno-asynchronous-unwind-tables"),
                *("-fno-unwind-tables", "-fno-ident", "-c", "-o", str(output), source.name),
            ],
            check=True,
            cwd=source.parent,
        )
        data = bytearray(output.read_bytes())
    struct.pack_into("<H", data, 18, 264)
    struct.pack_into("<I", data, 36, 2)
    keep("object.o", bytes(data))


def keep(name: str, data: bytes) -> None:
    """Write a fixture."""
    (FIXTURES / name).write_bytes(data)
    sys.stdout.write(f"{name:24} {len(data):6} bytes\n")


def main() -> None:
    """Rebuild all fixtures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, help="root file system that has the tools")
    options = parser.parse_args()
    FIXTURES.mkdir(exist_ok=True)
    tools = Tools(options.root)
    for name, data in (sample.files() | {"loader.elf": loader()}).items():
        tools.write(name, data)
    build_pdis(tools)
    build_xclbins(tools)
    build_instructions(tools)
    build_object()


if __name__ == "__main__":
    main()
