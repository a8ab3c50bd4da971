"""FAKE llvm-nm: lists the functions of an object that the FAKE clang++ wrote."""

from __future__ import annotations

import sys
from pathlib import Path

from toolchain.artifacts import elf

for symbol in elf.decode(Path(sys.argv[1]).read_bytes()).symbols:
    if symbol.name:
        kind = "U" if symbol.undefined else "T"
        print(f"{symbol.value:08x} {kind} {symbol.name}")
