"""The phrases that designs are built from."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.contract import arg_in, arg_out, bfloat16
from kernels.contract.mlir import (
    Callee,
    Fifo,
    block,
    constant,
    core,
    device,
    link,
    loop,
    memref,
    sequence,
)

FIFO = Fifo("of", memref((8, 4), np.int8))
X, Y = arg_in("x", (32, 2), np.int8), arg_out("y", (64,), np.int8)


@pytest.mark.parametrize(
    ("shape", "dtype", "text"),
    [
        ((16,), np.int8, "memref<16xi8>"),
        ((4, 8), np.uint8, "memref<4x8xui8>"),
        ((1, 2, 3), np.int16, "memref<1x2x3xi16>"),
        ((), np.int32, "memref<i32>"),
        ((5,), np.float32, "memref<5xf32>"),
        ((5,), bfloat16, "memref<5xbf16>"),
    ],
)
def test_types(shape: tuple[int, ...], dtype: object, text: str) -> None:
    assert memref(shape, dtype) == text


def test_a_dtype_that_no_buffer_has_is_refused() -> None:
    with pytest.raises(KeyError):
        memref((4,), np.complex64)


def test_blocks_nest() -> None:
    text = block("a", block("b", "c", "", "d"), tail=" {e = 1 : i32}")
    assert text == "a {\n  b {\n    c\n\n    d\n  }\n} {e = 1 : i32}"
    assert device("npu1", "x") == "module {\n  aie.device(npu1) {\n    x\n  }\n}\n"


def test_fifos() -> None:
    assert FIFO.create("%a", "%b", "%c") == (
        "aie.objectfifo @of(%a, {%b, %c}, 2 : i32) : !aie.objectfifo<memref<8x4xi8>>"
    )
    assert Fifo("of", "memref<4xi8>", depth=1).create(
        "%a", "%b", to_stream=[(2, 1), (2, 2)], from_stream=[(4, 1)]
    ) == (
        "aie.objectfifo @of(%a dimensionsToStream [<size = 2, stride = 1>, <size = 2, stride = 2>],"
        " {%b dimensionsFromStream [<size = 4, stride = 1>]}, 1 : i32)"
        " : !aie.objectfifo<memref<4xi8>>"
    )
    assert FIFO.acquire("Consume", "%v").splitlines() == [
        "%v_view = aie.objectfifo.acquire @of(Consume, 1) : !aie.objectfifosubview<memref<8x4xi8>>",
        "%v = aie.objectfifo.subview.access %v_view[0] : !aie.objectfifosubview<memref<8x4xi8>>"
        " -> memref<8x4xi8>",
    ]
    assert FIFO.release("Produce") == "aie.objectfifo.release @of(Produce, 1)"


def test_links() -> None:
    other, third = Fifo("o2", FIFO.type), Fifo("o3", FIFO.type)
    assert link([FIFO], [other]) == "aie.objectfifo.link [@of] -> [@o2]([] [])"
    assert link([FIFO], [other, third], distribute=[0, 16]) == (
        "aie.objectfifo.link [@of] -> [@o2, @o3]([] [0, 16])"
    )
    assert link([FIFO, other], [third], join=[0, 16]) == (
        "aie.objectfifo.link [@of, @o2] -> [@o3]([0, 16] [])"
    )


def test_transfers() -> None:
    assert FIFO.memcpy(X, bd=0) == (
        "aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1])"
        " {id = 0 : i64, metadata = @of} : memref<32x2xi8>"
    )
    assert FIFO.memcpy(Y, bd=3, offset=16, dims=[(2, 8), (4, 1)], token=True) == (
        "aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 16][1, 1, 2, 4][0, 0, 8, 1])"
        " {id = 3 : i64, issue_token = true, metadata = @of} : memref<64xi8>"
    )
    assert FIFO.wait() == "aiex.npu.dma_wait {symbol = @of}"


def test_functions() -> None:
    callee = Callee("f", ("memref<4xi8>", "i32"))
    assert callee.declare() == (
        'func.func private @f(memref<4xi8>, i32) attributes {link_with = "kernel.o"}'
    )
    assert callee.call("%a", "%n") == "func.call @f(%a, %n) : (memref<4xi8>, i32) -> ()"
    with pytest.raises(ValueError, match="takes 2 values, got 1"):
        callee.call("%a")


def test_cores_run_their_round_for_ever() -> None:
    text = core("%core", loop("%i", "%n", "x"), stack_size=2048)
    assert text.splitlines() == [
        "aie.core(%core) {",
        "  %c0 = arith.constant 0 : index",
        "  %c1 = arith.constant 1 : index",
        "  %forever = arith.constant 9223372036854775807 : index",
        "  scf.for %call = %c0 to %forever step %c1 {",
        "    scf.for %i = %c0 to %n step %c1 {",
        "      x",
        "    }",
        "  }",
        "  aie.end",
        "} {stack_size = 2048 : i32}",
    ]
    assert constant("%n", 8, "i32") == "%n = arith.constant 8 : i32"


def test_sequences_name_their_arguments() -> None:
    text = sequence([X, Y], FIFO.wait())
    assert text.startswith("aie.runtime_sequence(%x: memref<32x2xi8>, %y: memref<64xi8>) {\n")
