"""The pinned wheels themselves, where a mirror has them: install, and build every kernel.

Everywhere else the FAKE wheels stand in for them, and the report's header says so.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from errors import LabError
from kernels import registry
from toolchain.aie2 import environment
from toolchain.build import build
from toolchain.fetch import mirror
from toolchain.fetch.shelf import Shelf
from toolchain.pins import lockfile
from toolchain.storage.store import Store
from toolchain.unit import Unit
from toolchain.work.runner import LocalRunner


def test_the_pinned_wheels_install_and_build_every_kernel_twice_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = mirror.chosen()
    if folder is None:
        pytest.skip("no real wheels: no mirror is set")
    monkeypatch.delenv("NPULAB_XCLBINUTIL")
    python = lockfile.own_variant()
    wheels = lockfile.load().variant(python)
    found = []
    for number in range(2):
        store = Store(tmp_path / f"cache{number}")
        try:
            files = Shelf(store, mirror_folder=folder, offline=True).fetch(wheels)
        except LabError as error:
            if error.code != "NPU029":
                raise
            pytest.skip("no real wheels: the mirror has not those that are pinned")
        environment.install(store, LocalRunner(), python, files)
        units = [
            Unit.from_kernel(kernel) for name in registry.names() for kernel in registry.find(name)
        ]
        results = build(units, target="aie2", root=tmp_path / f"build{number}", store=store)
        assert [error for result in results for error in result.errors] == []
        found.append([result.build and result.build.manifest.outputs for result in results])
    assert found[0] == found[1]
