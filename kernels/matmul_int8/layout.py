"""Matrices as the matrix unit holds them: block by block, each block row by row.

A dense row-major matrix and its blocked form are permutations of each other, so a DMA with
four dimensions turns one into the other on the way through a memory tile.
"""

from __future__ import annotations

from kernels.contract.mlir import Dims

BLOCK_M, BLOCK_K, BLOCK_N = 4, 8, 8
"""One product of the matrix unit on int8: 4 x 8 times 8 x 8 (aie_api's ``mmul<4, 8, 8>``)."""


STACK = 0xD00
"""Bytes of stack: room for spilled 1,024-bit accumulators, as mlir-aie's matmul designs give."""


def to_blocks(rows: int, cols: int, block_rows: int, block_cols: int) -> Dims:
    """Return the order that reads a row-major `rows` x `cols` matrix block by block."""
    return [
        (rows // block_rows, block_rows * cols),
        (cols // block_cols, block_cols),
        (block_rows, cols),
        (block_cols, 1),
    ]


def to_rows(rows: int, cols: int, block_rows: int, block_cols: int) -> Dims:
    """Return the order that reads a `rows` x `cols` matrix stored in blocks row by row."""
    return [
        (rows // block_rows, block_rows * cols),
        (block_rows, block_cols),
        (cols // block_cols, block_rows * block_cols),
        (block_cols, 1),
    ]
