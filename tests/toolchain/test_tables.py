"""A kernel's tables count with the buffers of its core, before there is a program for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from errors import LabError
from kernels.mel_int16.kernel import MelInt16
from toolchain.build import build
from toolchain.static import tables
from toolchain.storage.store import Store
from toolchain.unit import Unit

if TYPE_CHECKING:
    from conftest import UnitMaker

SOURCE = """#include <stdint.h>
#include "amount.h"
static const int8_t LARGE[{size}] = {{1, 2, 3}};
static const int16_t SMALL[100] = {{4, 5, 6}};
extern "C" void step(const int8_t *in, int8_t *out) {{
  for (int i = 0; i < 64; i++) out[i] = LARGE[in[i] & 63] + SMALL[i] + AMOUNT;
}}
"""


def built(unit: Unit, folder: Path, store: Store) -> tuple[Path | None, tuple[LabError, ...]]:
    (result,) = build([unit], root=folder, store=store)
    return (result.build.libraries["kernel.o"] if result.build else None), result.errors


def test_tables_and_buffers_of_64_kb_pass(
    make_unit: UnitMaker, tmp_path: Path, store: Store
) -> None:
    """4 buffers of 64 bytes, 1,024 of stack and 200 of the small table leave 64,056."""
    library, errors = built(make_unit(text=SOURCE.format(size=64056)), tmp_path, store)
    assert errors == ()
    assert library is not None
    found = tables.sizes(library)
    assert sorted(found.values()) == [200, 64056]


def test_a_table_that_is_too_large_is_named(
    make_unit: UnitMaker, tmp_path: Path, store: Store
) -> None:
    library, (error,) = built(make_unit(text=SOURCE.format(size=64060)), tmp_path, store)
    assert library is None
    assert error.code == "NPU046"
    assert error.message == (
        "add/1: core (0, 2) needs about 65,540 bytes of data memory and has 65,536"
    )
    assert error.details[:2] == (
        "buffers and stack: 1,280 bytes",
        "tables: about 64,260 bytes, estimated from the host's library",
    )
    assert error.details[2].split() == ["64,060", "_ZL5LARGE"]


@pytest.mark.parametrize("kernel", [MelInt16(1)], ids=lambda kernel: kernel.title)
def test_of_a_real_kernel_its_own_tables_are_found_and_nothing_of_aie_api(
    kernel: MelInt16, tmp_path: Path, store: Store
) -> None:
    library, errors = built(Unit.from_kernel(kernel), tmp_path, store)
    assert errors == ()
    assert library is not None
    found = tables.sizes(library)
    assert 18_000 < sum(found.values()) < 24_000
    assert all("3mel" in name for name in found), found
