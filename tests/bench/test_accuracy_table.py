"""The table of accuracy in the documentation: of all variants that it should have."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_variant_with_float_outputs_has_a_row() -> None:
    spec = importlib.util.spec_from_file_location(
        "kernel_accuracy", ROOT / "bench" / "kernel_accuracy.py"
    )
    assert spec is not None
    assert spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    text = (ROOT / "docs" / "measurements.md").read_text(encoding="utf-8")
    section = text.split("## Accuracy of the bfloat16 kernels\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\w+/\S+) \|", section, re.MULTILINE)
    assert rows == [kernel.title for kernel in bench.variants([])]
