"""Small real designs and kernels, and a cache of their own, for the tests of the build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from toolchain.storage.store import Store
from toolchain.unit import ObjectSource, Unit

DESIGN = """module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @of_in(%shim, {%core}, 2 : i32) : !aie.objectfifo<memref<64xi8>>
    aie.objectfifo @of_out(%core, {%shim}, 2 : i32) : !aie.objectfifo<memref<64xi8>>
    func.func private @step(memref<64xi8>, memref<64xi8>) attributes {link_with = "kernel.o"}
    aie.core(%core) {
      %in_view = aie.objectfifo.acquire @of_in(Consume, 1) : !aie.objectfifosubview<memref<64xi8>>
      %in = aie.objectfifo.subview.access %in_view[0] : !aie.objectfifosubview<memref<64xi8>> -> memref<64xi8>
      %out_view = aie.objectfifo.acquire @of_out(Produce, 1) : !aie.objectfifosubview<memref<64xi8>>
      %out = aie.objectfifo.subview.access %out_view[0] : !aie.objectfifosubview<memref<64xi8>> -> memref<64xi8>
      func.call @step(%in, %out) : (memref<64xi8>, memref<64xi8>) -> ()
      aie.objectfifo.release @of_in(Consume, 1)
      aie.objectfifo.release @of_out(Produce, 1)
      aie.end
    }
    aie.runtime_sequence(%a: memref<64xi8>, %b: memref<64xi8>) {
      aiex.npu.dma_memcpy_nd(%a[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {id = 0 : i64, metadata = @of_in} : memref<64xi8>
      aiex.npu.dma_memcpy_nd(%b[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {id = 1 : i64, issue_token = true, metadata = @of_out} : memref<64xi8>
      aiex.npu.dma_wait {symbol = @of_out}
    }
  }
}
"""  # noqa: E501

KERNEL = """#include <stdint.h>
#include "amount.h"
extern "C" void step(const int8_t *in, int8_t *out) {
  for (int i = 0; i < 64; i++) out[i] = in[i] + AMOUNT + SHIFT;
}
"""


class UnitMaker:
    """Makes units of one function, `step`, each kernel in a folder named after its unit."""

    design = DESIGN
    kernel = KERNEL

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self,
        name: str = "add",
        label: str = "1",
        text: str = KERNEL,
        shift: int = 0,
        **changes: Any,
    ) -> Unit:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        kernel = folder / "kernel.cc"
        for path, content in ((kernel, text), (folder / "amount.h", "#define AMOUNT 1\n")):
            if not path.exists():
                path.write_text(content)
        built = ObjectSource(name="kernel.o", source=kernel, defines={"SHIFT": shift})
        settings = {"name": name, "label": label, "design": DESIGN, "objects": (built,)}
        return Unit(**{**settings, **changes})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


@pytest.fixture
def make_unit(tmp_path: Path) -> UnitMaker:
    return UnitMaker(tmp_path / "sources")
