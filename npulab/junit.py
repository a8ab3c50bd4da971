"""The JUnit XML that CI systems read: a suite per variant, a test case per data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from npulab.checking import Checked


def write_junit(path: Path, checked: Sequence[Checked]) -> None:
    """Write what became of the variants to `path`."""
    root = ET.Element("testsuites", name="npulab test")
    for one in checked:
        cases = one.report.cases if one.report else ()
        suite = ET.SubElement(
            root,
            "testsuite",
            name=one.title,
            tests=str(len(cases) or 1),
            failures=str(sum(not case.ok for case in cases)),
            errors="0" if one.report else "1",
            time=f"{sum(case.seconds for case in cases):.6f}",
        )
        if one.report is None:
            element = _case(suite, one.title, "build", 0.0)
            ET.SubElement(element, "error", message=one.errors[0].message).text = str(one.errors[0])
        for case in cases:
            element = _case(suite, one.title, case.case, case.seconds)
            if case.failure:
                failure = ET.SubElement(element, "failure", message=case.failure.message)
                failure.text = str(case.failure)
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _case(suite: ET.Element, kernel: str, name: str, seconds: float) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=kernel, name=name, time=f"{seconds:.6f}")
