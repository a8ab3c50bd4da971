"""Failures of Peano with a kernel."""

from __future__ import annotations

import re

from toolchain.diagnostics import cxx
from toolchain.work.diagnose import Cause

CAUSES = (
    *cxx.CAUSES,
    Cause(
        pattern=re.compile(
            r"unable to legalize instruction: [^\n]*?(?P<operation>G_\w+)[^\n]*"
            r"\(in function: (?P<function>\w+)\)"
        ),
        message="Peano has no instruction for {operation} in {function} on these types",
        cure="write that operation with aie_api, or keep the loop from being vectorised: "
        "#pragma clang loop vectorize(disable)",
        code="NPU075",
    ),
    Cause(
        pattern=re.compile(
            r"[Cc]annot select: [^\n]*?(?P<operation>G_\w+)[^\n]*"
            r"\(in function: (?P<function>\w+)\)"
        ),
        message="Peano cannot translate {operation} in {function} for AIE2",
        cure="write that operation with aie_api; avoid variable arguments, exceptions, "
        "64-bit and double arithmetic",
        code="NPU075",
    ),
    Cause(
        pattern=re.compile(
            r"(?:unable to legalize instruction|[Cc]annot select): [^\n]*?(?P<operation>G_\w+)"
        ),
        message="Peano has no instruction for {operation} on these types",
        cure="write that operation with aie_api, or keep the loop from being vectorised: "
        "#pragma clang loop vectorize(disable)",
        code="NPU075",
    ),
    Cause(
        pattern=re.compile(r"/aietools/include/(?P<header>aie_api/\S+?):\d+:\d+: error"),
        message="the kernel is compiled with the headers of AMD's own compiler: {header}",
        cure="include <aie_api/aie.hpp>: the lab gives Peano that of the pinned mlir-aie",
        code="NPU074",
    ),
    Cause(
        pattern=re.compile(r"immediate operand value -?\d+ is not a multiple of \d+"),
        message="Peano made an instruction that cannot be encoded, which is a fault of its own",
        cure="change what the function keeps on its stack, or pin another nightly of llvm-aie "
        "(npulab lock --update)",
        code="NPU076",
    ),
    Cause(
        pattern=re.compile(r"(?P<what>[^\n]+)\nUNREACHABLE executed at"),
        message="Peano itself crashed: {what}",
        cure="change the code near the function that its last lines name, or pin another "
        "nightly of llvm-aie (npulab lock --update)",
        code="NPU076",
    ),
    Cause(
        pattern=re.compile(r"PLEASE submit a bug report|Stack dump:"),
        message="Peano itself crashed",
        cure="change the code near the function that its last lines name, or pin another "
        "nightly of llvm-aie (npulab lock --update)",
        code="NPU076",
    ),
)
