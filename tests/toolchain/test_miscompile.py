"""Plain loops over tiles compute what they say: some compilers' vectorisers get them wrong."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

import numpy as np

from toolchain.build import build
from toolchain.storage.store import Store
from toolchain.unit import Unit

KERNEL = """
#include <stdint.h>
extern "C" void step(const int8_t *in, int8_t *out) {
  for (int i = 0; i < 64; i++) out[i] = in[i];
}
// A product of an 8-deep tile, its row repeated every N of C columns.
template <typename T, int C, int N>
void product(const T *__restrict a, const T *__restrict b, T *__restrict out) {
  for (unsigned k = 0; k < 8; ++k) {
    T col[C], row[C];
    for (unsigned c = 0; c < C; ++c) {
      col[c] = a[c / N * 8 + k];
      row[c] = b[k * N + c % N];
    }
    for (unsigned c = 0; c < C; ++c) out[c] += col[c] * row[c];
  }
}
#define PRODUCT(T, C, N) \\
  extern "C" void product_##T##_##C##_##N(const T *a, const T *b, T *out) { \\
    product<T, C, N>(a, b, out); \\
  }
#define COLUMNS(T, N) PRODUCT(T, 16, N) PRODUCT(T, 32, N) PRODUCT(T, 64, N)
#define TILES(T) COLUMNS(T, 2) COLUMNS(T, 4) COLUMNS(T, 8)
TILES(int8_t) TILES(int16_t) TILES(int32_t) TILES(float)
"""

TYPES = {"int8_t": np.int8, "int16_t": np.int16, "int32_t": np.int32, "float": np.float32}


def test_loops_over_tiles(make_unit: Callable[..., Unit], store: Store, tmp_path: Path) -> None:
    (result,) = build([make_unit(text=KERNEL)], root=tmp_path / "build", store=store)
    assert result.build, result.errors
    library = ctypes.CDLL(str(result.build.libraries["kernel.o"]))
    wrong = []
    for name, dtype in TYPES.items():
        for columns in (16, 32, 64):
            for tile in (2, 4, 8):
                symbol = f"product_{name}_{columns}_{tile}"
                if not _agrees(getattr(library, symbol), dtype, columns, tile):
                    wrong.append(symbol)
    assert wrong == []


def _agrees(function: Callable[..., None], dtype: type, columns: int, tile: int) -> bool:
    a = (np.arange(1024) * 7 % 13).astype(dtype)
    b = (np.arange(1024) * 5 % 11).astype(dtype)
    out = np.zeros(columns, dtype)
    function(*(ctypes.c_void_p(array.ctypes.data) for array in (a, b, out)))
    c, k = np.arange(columns), np.arange(8)[:, None]
    expected = (a[c // tile * 8 + k] * b[k * tile + c % tile]).sum(axis=0, dtype=dtype)
    return bool(np.array_equal(out, expected))
