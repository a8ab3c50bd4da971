"""FAKE clang++ of a FAKE llvm-aie: checks its command line, writes an object from the text."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fake_support"))
import objects

ALLOWED = re.compile(
    r"-O2|-std=c\+\+20|--target=aie2-none-unknown-elf|-DNDEBUG|-D\w+=[-\w.]*|-W[\w-]+"
    r"|-fstack-size-section|-f(file|debug|macro)-prefix-map=[^=]+=.+|-MD|-c"
    r"|-fsave-optimization-record|-ffunction-sections"
    r"|-fdata-sections|-x|c\+\+"
)
"""What the lab may give Peano's clang++."""

MATH = ("sqrtf", "expf", "powf", "sinf", "cosf", "tanhf", "printf", "malloc")


def fail(message: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(message + "\n")
    sys.exit(1)


def read(source: Path, folders: list[Path], seen: dict[Path, str]) -> None:
    """Read a source and what it includes, as far as it is found."""
    text = source.read_text()
    seen[source] = text
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if not found or "." not in found[2] or found[2] in ("stdint.h", "stddef.h", "string.h"):
            continue
        places = [source.parent, *folders] if found[1] == '"' else folders
        path = next((place / found[2] for place in places if (place / found[2]).is_file()), None)
        if path is None:
            fail(f"{source}:{number}:10: fatal error: '{found[2]}' file not found")
        elif path not in seen:
            read(path, folders, seen)


def functions(text: str, directives: list[list[str]]) -> list[objects.Function]:
    """Return the extern "C" functions that a kernel defines."""
    code = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    begin = code.find('extern "C"')
    found = []
    code = code[begin:] if begin >= 0 else ""
    for match in re.finditer(r"\bvoid\s+(\w+)\s*\([^)]*\)\s*\{", code):
        end = code.find("\n}", match.end())
        body = code[match.end() : end if end >= 0 else len(code)]
        calls = [name for name in MATH if re.search(rf"\b{name}\s*\(", body)]
        found.append(objects.Function(match[1], 64 + len(body), 32, calls))
    for words in directives:
        if words[0] == "frame":
            next(f for f in found if f.name == words[1]).frame = int(words[2])
        elif words[0] == "calls":
            next(f for f in found if f.name == words[1]).calls.append(words[2])
        elif words[0] == "text":
            found[0].size = int(words[1])
    return found


@dataclass
class CommandLine:
    output: Path | None = None
    depfile: Path | None = None
    remarks: Path | None = None
    source: Path | None = None
    folders: list[Path] = field(default_factory=list)


def parse(arguments: list[str]) -> CommandLine:
    """Check the arguments against what the lab may give, and sort them."""
    line = CommandLine()
    rest = iter(arguments)
    for argument in rest:
        if argument == "-o":
            line.output = Path(next(rest))
        elif argument == "-MF":
            line.depfile = Path(next(rest))
        elif argument in ("-I", "-isystem"):
            line.folders.append(Path(next(rest)))
        elif argument.startswith("-foptimization-record-file="):
            line.remarks = Path(argument.split("=")[1])
        elif argument.startswith("-") and not ALLOWED.fullmatch(argument):
            fail(f"clang++: error: unknown argument: '{argument}'")
        elif not argument.startswith("-") and argument != "c++":
            line.source = Path(argument)
    return line


def compile_source(arguments: list[str]) -> None:
    line = parse(arguments)
    if line.source is None or line.output is None or "-c" not in arguments:
        fail("clang++: error: the FAKE compiles one source to one object")
    seen: dict[Path, str] = {}
    read(line.source, line.folders, seen)
    text = seen[line.source]
    directives = [words.split() for words in re.findall(r"// fake: ([^\n]+)", text)]
    for words in directives:
        if words[0] == "says":
            fail(" ".join(words[1:]))
    for number, code in enumerate(text.splitlines(), 1):
        if code.lstrip().startswith("#error"):
            fail(f"{line.source}:{number}:2: error: {code.split('#error')[1].strip()}")
    defines = sorted(argument for argument in arguments if argument.startswith("-D"))
    own = "".join(seen[path] for path in seen if path.parent == line.source.parent)
    data = sum(int(words[1]) for words in directives if words[0] == "data")
    made = objects.write(functions(text, directives), data, f"{defines}{own}")
    line.output.write_bytes(made)
    if line.remarks:
        line.remarks.write_text("--- !Missed\nPass: fake\n...\n")
    if line.depfile:
        listed = " \\\n  ".join(str(path).replace(" ", "\\ ") for path in seen)
        line.depfile.write_text(f"{line.output}: {listed}\n")
    if any(words[0] == "warns" for words in directives):
        print(f"{line.source}:1:1: warning: the FAKE was told to warn")


def main(arguments: list[str]) -> None:
    if arguments == ["--version"]:
        print("clang version 21.0.0 (FAKE llvm-aie)\nTarget: x86_64-unknown-linux-gnu")
    elif arguments == ["--print-targets"]:
        print(
            "\n  Registered Targets:\n    aie2       - AIE2 (FAKE)\n    aie2p      - AIE2P (FAKE)"
        )
    else:
        compile_source(arguments)


main(sys.argv[1:])
