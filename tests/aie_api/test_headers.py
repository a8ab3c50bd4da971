"""Every header stands by itself, and a kernel's object needs nothing but memory functions."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

INCLUDE = Path(__file__).parents[2] / "simulator" / "include"
HEADERS = sorted(str(path.relative_to(INCLUDE)) for path in INCLUDE.rglob("*.h*"))


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_compiles_by_itself(compiler: object, tmp_path: Path, header: str) -> None:
    source = tmp_path / "alone.cc"
    source.write_text(f"#include <{header}>\n#include <{header}>\n")
    said = compiler.compile(source)
    assert said.returncode == 0, said.stderr


KERNEL = """
#include <aie_api/aie.hpp>
extern "C" void kernel(const float* x, bfloat16* y, int n) {
    static aie::vector<float, 16> bias = aie::zeros<float, 16>();
    static const aie::vector<float, 4> few(1, 2, 3, 4);
    for (int i = 0; i < n; i += 16) {
        const auto v = aie::load_v<16>(x + i);
        const auto scaled = aie::mul(aie::inv(v), aie::broadcast<float, 16>(aie::sqrt(few[i % 4])));
        bias = aie::max(bias, scaled.to_vector<float>());
        aie::store_v(y + i, aie::accum<accfloat, 16>(bias).to_vector<bfloat16>());
    }
}
"""


def test_a_kernel_needs_no_library_but_memory_functions(compiler: object, tmp_path: Path) -> None:
    source = tmp_path / "kernel.cc"
    source.write_text(KERNEL)
    said = compiler.compile(source)
    assert said.returncode == 0, said.stderr
    elf = ELFFile(io.BytesIO((compiler.folder / "kernel.o").read_bytes()))
    symbols = elf.get_section_by_name(".symtab").iter_symbols()
    needed = {symbol.name for symbol in symbols if symbol["st_shndx"] == "SHN_UNDEF"}
    assert needed <= {"", "memcpy", "memset", "memmove", "_GLOBAL_OFFSET_TABLE_"}
