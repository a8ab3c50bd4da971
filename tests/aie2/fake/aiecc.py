"""FAKE aiecc: checks its command line and its inputs, writes well-formed outputs.

A comment in the design makes it misbehave: ``// fake: aiecc says TEXT`` fails with TEXT,
``// fake: aiecc forgets NAME`` leaves an output out, ``// fake: aiecc repeats lowered`` leaves
that one twice, ``// fake: aiecc text BYTES`` makes the cores' programs that large, ``// fake:
aiecc data BYTES`` their data.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

SUPPORT = Path(__file__).resolve().parents[2] / "fake_support"
sys.path.insert(0, str(SUPPORT))
import objects  # noqa: E402

OPTIONS = json.loads((SUPPORT / "options.json").read_text())


def fail(message: str) -> None:
    sys.stderr.write(message + "\n")
    sys.exit(1)


def show_help() -> None:
    print("OVERVIEW: FAKE aiecc\n\nUSAGE: aiecc [options] <input mlir>\n\nOPTIONS:\n")
    for name in OPTIONS["values"]:
        print(f"  --{name}=<value>   - recorded option")
    for name in OPTIONS["flags"]:
        print(f"  --{name}           - recorded option")


def parse(arguments: list[str]) -> tuple[dict[str, str], list[str], list[str]]:
    values: dict[str, str] = {}
    selectors, inputs = [], []
    for argument in arguments:
        name, _, value = argument.lstrip("-").partition("=")
        if not argument.startswith("-"):
            inputs.append(argument)
        elif argument.startswith("--get-"):
            if name.removeprefix("get-") not in OPTIONS["selectors"]:
                fail(f"aiecc: unknown output selector '{argument}'; available selectors are:")
            selectors.append(name.removeprefix("get-"))
        elif name in OPTIONS["values"] or name in OPTIONS["flags"]:
            values[name] = value
        else:
            fail(f"aiecc: Unknown command line argument '{argument}'.  Try: 'aiecc --help'")
    return values, selectors, inputs


def main(arguments: list[str]) -> None:
    if arguments == ["--help"]:
        return show_help()
    if arguments == ["--version"]:
        return print("aiecc (FAKE mlir-aie declarative driver)")
    values, selectors, inputs = parse(arguments)
    if "emit-dot" in values:
        return print("digraph FAKE {}")
    peano = Path(values.get("peano") or os.environ.get("PEANO_INSTALL_DIR", "nowhere"))
    if not (peano / "bin" / "clang++").is_file():
        fail("Error: Could not find Peano compiler tools")
    if len(inputs) != 1:
        fail("aiecc: expected one input")
    return build(Path(inputs[0]), values, selectors)


def build(path: Path, values: dict[str, str], selectors: list[str]) -> None:
    design = path.read_text()
    directives = [d.split() for d in re.findall(r"// fake: aiecc ([^\n]+)", design)]
    for words in directives:
        if words[0] == "says":
            fail(" ".join(words[1:]))
        if words[0] == "sleeps":
            import time

            time.sleep(float(words[1]))
    forgotten = {words[1] for words in directives if words[0] == "forgets"}
    amount = {words[0]: int(words[1]) for words in directives if words[0] in ("text", "data")}
    linked = sorted(set(re.findall(r'link_with\s*=\s*"([^"]+)"', design)))
    code = ""
    for name in linked:
        if not Path(name).is_file():
            fail(f"ld.lld: error: cannot open {name}: No such file or directory")
        code += hashlib.sha256(Path(name).read_bytes()).hexdigest()
    project = Path(values["tmpdir"])
    project.mkdir(parents=True)
    seed = design + code
    main = objects.Function("main", amount.get("text", 512), 64)
    tiles = dict(re.findall(r"(%\w+) = aie\.tile\((\d+,\s*\d+)\)", design))
    for tile in re.findall(r"aie\.core\((%\w+)\)", design):
        column, row = tiles[tile].replace(" ", "").split(",")
        program = objects.write([main], amount.get("data", 64), seed + tile, linked=True)
        (project / f"elfs_main_core_{column}_{row}.elf").write_bytes(program)
    lowering = f"// FAKE lowering\n{design}"
    if "input-with-addresses" in selectors and "lowered" not in forgotten:
        (project / "input_with_addresses.mlir").write_text(lowering)
    if ["repeats", "lowered"] in directives:
        (project / "other_input_with_addresses.mlir").write_text(f"// once more\n{lowering}")
    if "npu-insts" in selectors and "insts" not in forgotten:
        write_instructions(values["npu-insts-name"], design, seed, forgotten)
    if "xclbin" in selectors and "xclbin" not in forgotten:
        pack(Path(values["xclbin-name"]).absolute(), project, seed)


def write_instructions(template: str, design: str, seed: str, forgotten: set[str]) -> None:
    """Write one file per runtime sequence; the template's {0} is DEVICE_SEQUENCE."""
    (device,) = re.findall(r"aie\.device\(\w+\)(?: @(\w+))?", design) or [""]
    names = re.findall(r"aie\.runtime_sequence(?: @(\w+))?\(", design) or [""]
    if len(names) > 1 and "{0}" not in template:
        fail(f"aiecc: {len(names)} runtime sequences, and one name for them: {template}")
    for name in names:
        if name not in forgotten:
            key = f"{device or 'main'}_{name or 'sequence'}"
            content = instructions(f"{name}:{seed}" if name else seed)
            Path(template.replace("{0}", key)).write_bytes(content)


def instructions(seed: str) -> bytes:
    """Return NPU instructions that set one register to a number made from `seed`."""
    from toolchain.artifacts import insts
    from toolchain.artifacts.operations import Write

    template = insts.decode((SUPPORT / "insts.bin").read_bytes())
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "little")
    mark = Write(address=template.operations[0].address, value=number)
    return insts.encode(replace(template, operations=(*template.operations, mark)))


def marked(configuration: bytes, seed: str) -> bytes:
    """Return the commands and one more: it writes a number made from `seed` to a core's memory."""
    from toolchain.artifacts import cdo

    config = cdo.decode(configuration)
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "little")
    mark = cdo.Write(address=0x200400, value=number)
    return cdo.encode(replace(config, commands=(*config.commands, mark)))


def run_tool(name: str, *command: str, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode:
        fail(f"aiecc: failed to execute {name}: {done.stdout}{done.stderr}")


def pack(output: Path, project: Path, seed: str) -> None:
    """Pack the sample's configuration: with the real bootgen where it stands beside xclbinutil."""
    packer = shutil.which("xclbinutil")
    if packer is None:
        fail("aiecc: cannot find xclbinutil")
        return
    for path in (SUPPORT / "packing").iterdir():
        shutil.copyfile(path, project / path.name)
    bootgen = Path(packer).resolve().with_name("bootgen")
    if bootgen.is_file():
        (project / "main.pdi").unlink()
        (project / "init.bin").write_bytes(marked((project / "init.bin").read_bytes(), seed))
        words = ("-arch", "versal", "-image", "main.bif", "-o", "main.pdi", "-w")
        run_tool("bootgen", str(bootgen), *words, cwd=project)
    partition = project / "partition.json"
    named = str(uuid.uuid5(uuid.NAMESPACE_URL, seed))
    partition.write_text(partition.read_text().replace("UUID", named))
    run_tool(
        "xclbinutil",
        *(packer, "--add-replace-section", "MEM_TOPOLOGY:JSON:memories.json"),
        *("--add-kernel", "kernels.json"),
        *("--add-replace-section", "AIE_PARTITION:JSON:partition.json"),
        *("--force", "--quiet", "--output", str(output)),
        cwd=project,
    )


main(sys.argv[1:])
