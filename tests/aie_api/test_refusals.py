"""What the host target does not model is refused by the compiler, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

UNTIL = "is not available on the simulated AIE2 host target yet"
INT8 = "aie::zeros<int8, 32>()"
BF16 = "aie::zeros<bfloat16, 16>()"
REFUSED = {
    "aie::fft_dit_r2_stage<512>((int*)0, (int*)0, 512, 15, 15, false, (int*)0)": (
        f"aie::fft_dit_r2_stage {UNTIL}: complex"
    ),
    "aie::fft_dit<8, 2, cint16> stage": f"aie::fft_dit {UNTIL}: complex",
    f"aie::print({INT8})": f"aie::print {UNTIL}: a core has no console",
    "aie::vector<cint16, 8> v": f"aie::vector of complex elements {UNTIL}: keep real",
    "aie::sparse_vector<int8, 64> v": f"aie::sparse_vector {UNTIL}: decompression",
    "aie::block_vector<int8, 64> v": f"aie::block_vector {UNTIL}: block floating point",
    "aie::make_tensor_descriptor<int8, 32>(1, 2)": f"aie::make_tensor_descriptor {UNTIL}: address",
    "aie::make_tensor_buffer_stream((int8*)0, 1)": f"aie::make_tensor_buffer_stream {UNTIL}",
    "aie::sliding_mul_sym_ops<8, 4, 1> ops": f"aie::sliding_mul_sym_ops {UNTIL}: add the mirrored",
    f"aie::exp2({BF16})": f"aie::exp2 {UNTIL}: it came with XDNA 2",
    f"aie::tanh({BF16})": f"aie::tanh {UNTIL}: it came with XDNA 2",
    "aie::sin(1.0f)": f"aie::sin {UNTIL}: AIE2 has no unit for it",
    "aie::cos(1.0f)": f"aie::cos {UNTIL}: AIE2 has no unit for it",
    f"aie::conj({INT8})": f"aie::conj {UNTIL}: complex",
    f"aie::op_conj({INT8})": f"aie::op_conj {UNTIL}: complex",
    f"aie::op_sign({INT8}, true)": f"aie::op_sign {UNTIL}: cast the vector",
    "aie::mmul<3, 8, 8, int8, int8> c": "aie::mmul: AIE2 has no such M x K x N",
    "aie::mmul<4, 8, 8, int8, bfloat16> c": "aie::mmul: AIE2 has no such M x K x N",
    "aie::vector<int8, 24> v": "aie::vector: a vector has 128 bits or a power of two times that",
    "aie::vector<int8, 8> v": "aie::vector: a vector has 128 bits or a power of two times that",
    "aie::vector<double, 8> v": "aie::vector: not an element type of AIE2",
    f"aie::accum<accfloat, 32> a({INT8})": "aie::accum<accfloat>: from bfloat16 or float",
    f"aie::accum<acc32, 16> a({BF16})": "aie::accum: floating point needs accfloat",
    f"aie::mul({BF16}, {BF16}).to_vector<int8>(0)": "accfloat goes to bfloat16 or float",
    f"aie::mul({INT8}, aie::zeros<int8, 64>())": "aie::mul: operands of different sizes",
    "aie::pipelined_loop<2, aie::LoopOptions{.peel_front = 1}>(4, [](int) {})": (
        "aie::pipelined_loop: more iterations are peeled than the loop has"
    ),
    "aie::lut<2, int8> table(4, nullptr, nullptr)": "tables for four parallel accesses",
}


@pytest.mark.parametrize("statement", REFUSED)
def test_the_compiler_says_what_is_missing(
    compiler: object, tmp_path: Path, statement: str
) -> None:
    source = tmp_path / "kernel.cc"
    source.write_text(f"#include <aie_api/aie.hpp>\nvoid kernel() {{ {statement}; }}\n")
    said = compiler.compile(source)
    assert said.returncode != 0
    assert REFUSED[statement] in said.stderr
