"""The command lines of Peano and aiecc.

aiecc is the C++ driver of mlir-aie 1.4, which makes what is asked for with ``--get-...``
(its ``tools/aiecc/CommandLineOptions.h``). Chess is opt-in there; releases that had it on by
default need the two flags of `OPTIONAL`, which later ones do not know any more. What a
pinned aiecc takes is therefore asked of it once, when it is installed.
"""

from __future__ import annotations

COMPILE = (
    "-O2",
    "-std=c++20",
    "--target=aie2-none-unknown-elf",
    "-DNDEBUG",
    "-Wno-parentheses",
    "-Wno-attributes",
    "-Wno-macro-redefined",
    "-Wno-empty-body",
    "-Wno-missing-template-arg-list-after-template-kw",
    # The frame of every function, in a section that takes no memory of the core.
    "-fstack-size-section",
)
"""How mlir-aie compiles its own kernels for AIE2."""

XCLBIN = "design.xclbin"
INSTRUCTIONS = "insts.bin"
PROJECT = "prj"
"""The folder for aiecc's intermediate files, inside the one that it runs in."""

SEVERAL = "insts_{0}.bin"
"""Instructions of a design with several runtime sequences: aiecc puts DEVICE_SEQUENCE in."""
DEVICE = "main"
"""A device's symbol where the design gives it none."""


def instructions(sequence: str = "") -> str:
    """Return the name of the instructions of a runtime sequence; an only one has none."""
    return f"insts_{sequence}.bin" if sequence else INSTRUCTIONS


def required(several: bool = False) -> tuple[str, ...]:
    """Return what a build asks of aiecc.

    Args:
        several: Whether the design has several runtime sequences.
    """
    return (
        "--get-xclbin",
        f"--xclbin-name={XCLBIN}",
        "--get-npu-insts",
        f"--npu-insts-name={SEVERAL if several else INSTRUCTIONS}",
        f"--tmpdir={PROJECT}",
    )


OPTIONAL = ("--no-xchesscc", "--no-xbridge", "--no-progress", "--nthreads=1")
"""Passed where the help names them. The lab itself runs several aiecc at a time."""

LOWERED = "--get-input-with-addresses"
SELECTORS = ("--get-core-elfs", LOWERED)
"""Outputs that are worth having; without them the project folder is searched."""

PLAN = "--emit-dot"
"""Makes aiecc check its command line and print what it would do, without a design."""


def named(help_text: str, option: str) -> bool:
    """Whether a help text lists an option (``--tmpdir=prj`` is listed as ``--tmpdir``).

    LLVM's command lines list one-letter and long options with one or two dashes.
    """
    name = option.split("=")[0].lstrip("-")
    listed = (line.replace(",", " ").split() for line in help_text.splitlines())
    return any(
        word.split("=")[0].lstrip("-") == name
        for words in listed
        if words and words[0].startswith("-")
        for word in words[:2]
        if word.startswith("-")
    )
