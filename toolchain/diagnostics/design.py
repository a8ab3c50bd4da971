"""Failures of aiecc with a design: lowering, placement, link, packing."""

from __future__ import annotations

import re

from toolchain.work.diagnose import Cause

CAUSES = (
    Cause(
        pattern=re.compile(r"No space left on device"),
        message="aiecc finds no space left on the device",
        cure="free some space (npulab clean empties the cache), then build again",
        code="NPU020",
    ),
    Cause(
        pattern=re.compile(
            r"section '(?P<section>\.text[^']*)' will not fit in region 'program'"
            r"(?:: overflowed by (?P<over>\d+) bytes)?"
        ),
        message="a core's program is larger than its 16 KB of program memory",
        cure="unroll less, keep functions from being inlined, or spread the work over cores",
        code="NPU044",
    ),
    Cause(
        pattern=re.compile(r"Overflow of program memory"),
        message="a core's program is larger than its 16 KB of program memory",
        cure="unroll less, keep functions from being inlined, or spread the work over cores",
        code="NPU044",
    ),
    Cause(
        pattern=re.compile(
            r"section '(?P<section>\.(?:data|bss|rodata)[^']*)' will not fit in region 'data'"
        ),
        message="a core's constants and variables ({section}) find no room beside its buffers",
        cure="make tables or buffers smaller, or fifos shallower",
        code="NPU046",
    ),
    Cause(
        pattern=re.compile(
            r"upper bound for the stack size of the core "
            r"\(col=(?P<column>\d+), row=(?P<row>\d+)\)"
            r"[^\n]*is (?P<needed>\d+) bytes\. [^\n]*insufficient"
        ),
        message="core ({column}, {row}) needs {needed} bytes of stack, more than its stack_size",
        cure="raise stack_size of that aie.core, or keep large arrays out of the stack",
        code="NPU045",
    ),
    Cause(
        pattern=re.compile(r"undefined symbol: (?P<symbol>me_primitive::\w+)"),
        message="the object was compiled for Chess or a mode register of another release: {symbol}",
        cure="compile it with the pinned Peano and the headers of the pinned mlir-aie",
        code="NPU013",
    ),
    Cause(
        pattern=re.compile(r"undefined symbol: (?P<symbol>[^\n]+)"),
        message="a core calls {symbol}, which no object defines",
        cure="define it in the object that the design links with; a core has no math library",
        code="NPU013",
    ),
    Cause(
        pattern=re.compile(r"cannot open (?P<object>\S+\.o): No such file"),
        message="the design links with {object}, which is not there",
        cure='name the object in link_with as it is built: "kernel.o"',
        code="NPU079",
    ),
    Cause(
        pattern=re.compile(r"(?P<object>\S+\.o)\S* is incompatible with"),
        message="{object} was compiled for another processor",
        cure="compile it with Peano for aie2-none-unknown-elf",
        code="NPU079",
    ),
    Cause(
        pattern=re.compile(r"Unknown AIE version in EFLAGS"),
        message="an object was compiled for an AI Engine that this linker does not know",
        cure="compile it with Peano for aie2-none-unknown-elf",
        code="NPU079",
    ),
    Cause(
        pattern=re.compile(r"is being placed in '\.stack_sizes'"),
        message="this aiecc cannot link what this Peano was built with",
        cure="pin a mlir-aie and a llvm-aie that were released for each other",
        code="NPU074",
    ),
    Cause(
        pattern=re.compile(r"allocated buffers exceeded available memory"),
        message="the buffers and the stack of a tile exceed its memory",
        cure="make the fifos shallower or their elements smaller; a core's tile has 64 KB",
        code="NPU120",
    ),
    Cause(
        pattern=re.compile(
            r"Failed to allocate buffer: \"(?P<buffer>[^\"\n]+)\" with size: (?P<size>\d+) bytes"
            r"(?s:.*?)op Bank-aware allocation failed\."
        ),
        message="no memory bank has room for {buffer}, {size} bytes",
        cure="make that fifo's elements smaller; a bank of a core's tile has 16 KB, one of a "
        "memory tile 64 KB",
        code="NPU120",
    ),
    Cause(
        pattern=re.compile(
            r"number of (?:in|out)put DMA channels? exceeded"
            r"|uses more (?:in|out)put channels than available on this tile"
        ),
        message="a tile needs more DMA channels than it has",
        cure="join fifos, or spread them over tiles; a core's tile has two each way",
        code="NPU122",
    ),
    Cause(
        pattern=re.compile(r"op not allocated a lock"),
        message="a tile has no lock left",
        cure="use fewer fifos on that tile",
        code="NPU123",
    ),
    Cause(
        pattern=re.compile(
            r"exhausted available (?:BD|buffer descriptor) IDs"
            r"|could not find and assign a valid BD id"
        ),
        message="a tile has no buffer descriptor left",
        cure="make the fifos of that tile shallower, or await and free transfers of the "
        "sequence before the next ones begin; a core's tile and a shim tile have 16",
        code="NPU121",
    ),
    Cause(
        pattern=re.compile(r"'aie\.\w+' op has more than (?P<count>\d+) blocks"),
        message="the DMA of a tile needs more than its {count} buffer descriptors",
        cure="make the fifos of that tile shallower, or spread them over tiles",
        code="NPU121",
    ),
    Cause(
        pattern=re.compile(r"cannot release more elements than are already acquired"),
        message="a core gives back more elements of a fifo than it has taken",
        cure="acquire as many elements as are released, on every way through the core's program",
        code="NPU107",
    ),
    Cause(
        pattern=re.compile(r"is accessed from unreachable tile"),
        message="a core uses a buffer of a tile that it cannot reach",
        cure="place the fifo's ends on neighbouring tiles, or let it go through a DMA",
        code="NPU106",
    ),
    Cause(
        pattern=re.compile(r"op can only access a lock in the same tile"),
        message="a core or DMA uses a lock of another tile",
        cure="give the fifo's ends a DMA between them, or place them on neighbouring tiles",
        code="NPU106",
    ),
    Cause(
        pattern=re.compile(
            r"packet flow source (?P<source>\(\d+, \d+\)) \w+ could not be routed to\s+"
            r"destination (?P<target>\(\d+, \d+\))"
        ),
        message="aiecc finds no route for the packets from tile {source} to {target}",
        cure="place the tiles nearer to each other, or merge fewer flows into one channel",
        code="NPU077",
    ),
    Cause(
        pattern=re.compile(r"Flows can deadlock however they are routed"),
        message="the design's routes can block each other for ever",
        cure="send fewer fifos through one tile, or join them in another order",
        code="NPU077",
    ),
    Cause(
        pattern=re.compile(r"[Uu]nable to find a legal routing"),
        message="aiecc finds no routes for all the design's flows",
        cure="place the tiles nearer to each other, or use fewer flows through one column",
        code="NPU077",
    ),
    Cause(
        pattern=re.compile(
            r"Stride (?P<number>\d+) is [^\n]*which is not divisible by|must be 4-byte-aligned"
        ),
        message="a transfer's stride or offset is not a multiple of four bytes",
        cure="use an element type or a stride that makes whole 32-bit words",
        code="NPU125",
    ),
    Cause(
        pattern=re.compile(r"(?P<what>(?:Stride|Size) \d+) exceeds the (?P<range>\[\d+:\d+\])"),
        message="{what} of a transfer does not fit a buffer descriptor, which takes {range}",
        cure="split the transfer, or move a factor to another dimension",
        code="NPU127",
    ),
    Cause(
        pattern=re.compile(
            r"Cannot give more than (?P<most>\d+) dimensions for step sizes and wraps"
        ),
        message="a transfer has more dimensions than the {most} that its tile's DMA walks",
        cure="reorder the data in a memory tile, whose DMA walks four, or split the transfer",
        code="NPU125",
    ),
    Cause(
        pattern=re.compile(r"DmaSetMultiDim: Invalid stepsize or wrap"),
        message="a size or stride of a transfer does not fit a buffer descriptor",
        cure="split the transfer, or move a factor to another dimension",
        code="NPU127",
    ),
    Cause(
        pattern=re.compile(r"custom op '(?P<operation>[^']+)' is unknown"),
        message="this release of mlir-aie knows no operation {operation}",
        cure="write it as the pinned release does; operations were renamed between releases",
        code="NPU103",
    ),
    Cause(
        pattern=re.compile(r"Failed to generate cdo"),
        message="aiecc cannot turn the lowered design into configuration data",
        cure="read its lines; a program over 16 KB is the usual reason",
        code="NPU042",
    ),
    Cause(
        pattern=re.compile(r"No such file or directory: '\S*input_with_addresses\.mlir'"),
        message="this aiecc hides why the design does not lower: buffers are the usual reason",
        cure="look at memory per tile (npulab show), and use the release that the lab pins",
        code="NPU042",
    ),
    Cause(
        pattern=re.compile(
            r"[Nn]ot found in path: xclbinutil|failed to execute xclbinutil"
            r"|cannot find xclbinutil"
        ),
        message="packing the xclbin failed",
        cure="check the xclbinutil that the toolchain was installed with (npulab doctor)",
        code="NPU078",
    ),
    Cause(
        pattern=re.compile(r"bootgen_generate_pdi failed|failed to execute bootgen"),
        message="packing the PDI failed",
        cure="read bootgen's lines above it",
        code="NPU078",
    ),
    Cause(
        pattern=re.compile(r"Assertion [`'](?P<what>[^\n]+)' failed|PLEASE submit a bug report"),
        message="aiecc itself crashed",
        cure="make the design smaller until it passes, or pin another release "
        "(npulab lock --update)",
        code="NPU076",
    ),
)
