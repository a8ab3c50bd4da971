"""A header beside the kernels' folders: kernels/common is included from each of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from toolchain.build import build
from toolchain.storage.store import Store

if TYPE_CHECKING:
    from conftest import UnitMaker

SOURCE = """#include <stdint.h>
#include "../common/shared.hpp"
#include "amount.h"
extern "C" void step(const int8_t *in, int8_t *out) {
  for (int i = 0; i < 64; i++) out[i] = in[i] + shared() + AMOUNT;
}
"""


def test_a_change_of_a_shared_header_builds_its_kernels_again(
    make_unit: UnitMaker, tmp_path: Path, store: Store
) -> None:
    unit = make_unit(text=SOURCE)
    header = unit.objects[0].source.parent.parent / "common" / "shared.hpp"
    header.parent.mkdir()
    libraries = []
    for value in (1, 1, 2):
        header.write_text(f"#pragma once\ninline int shared() {{ return {value}; }}\n")
        (result,) = build([unit], root=tmp_path / "build", store=store)
        assert result.build is not None, result.errors
        libraries.append(result.build.libraries["kernel.o"].read_bytes())
    assert libraries[0] == libraries[1]
    assert libraries[1] != libraries[2]
