"""Timings in the words of others: benchmark-action's JSON, JUnit XML, a page for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from runtime.bench.record import Record


def benchmark_action(records: Sequence[Record]) -> str:
    """Return the ``customSmallerIsBetter`` JSON of github-action-benchmark."""
    return json.dumps([_entry(record) for record in records], indent=2) + "\n"


def _entry(record: Record) -> dict[str, object]:
    summary = record.summary
    versions = {**record.provenance, **record.conditions}
    return {
        "name": f"{record.kernel} on {record.device} ({record.basis})",
        "unit": "us",
        "value": round(summary.median * 1e6, 3),
        "range": f"+-{summary.spread * summary.median * 1e6:.3f}",
        "extra": "\n".join(f"{name}: {value}" for name, value in versions.items()),
    }


def write_junit(path: Path, records: Sequence[Record]) -> None:
    """Write a test case per record, its time the median."""
    suite = ET.Element("testsuite", name="npulab bench", tests=str(len(records)), failures="0")
    for record in records:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=record.device,
            name=record.kernel,
            time=f"{record.summary.median:.9f}",
        )
        properties = ET.SubElement(case, "properties")
        everything = {"basis": record.basis, **record.provenance, **record.conditions}
        for name, value in everything.items():
            ET.SubElement(properties, "property", name=name, value=value)
    root = ET.Element("testsuites", name="npulab bench")
    root.append(suite)
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
