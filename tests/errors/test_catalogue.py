"""The failure catalogue: whole, unique, and the page made from it current."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from errors import catalogue

ROOT = Path(__file__).parents[2]
PACKAGES = ("errors", "kernels", "toolchain", "runtime", "simulator", "npulab")


def used_codes() -> set[str]:
    """Codes that the lab's sources raise."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {code for path in files for code in re.findall(r'"(NPU\d{3})"', path.read_text())}


def test_codes_are_unique_and_in_their_files_range() -> None:
    seen: dict[str, str] = {}
    for section in catalogue.SECTIONS:
        path = catalogue.FOLDER / section.file
        for code in tomllib.loads(path.read_text()) if path.exists() else {}:
            assert code not in seen, f"{code} is in {section.file} and in {seen[code]}"
            assert int(code.removeprefix("NPU")) in section.codes, f"{code} in {section.file}"
            seen[code] = section.file
    assert len(seen) == len(catalogue.load()) > 20


def test_the_ranges_do_not_overlap() -> None:
    numbers = [number for section in catalogue.SECTIONS for number in section.codes]
    assert len(numbers) == len(set(numbers)) == 549


def test_every_file_of_the_folder_is_a_section() -> None:
    files = {path.name for path in catalogue.FOLDER.glob("*.toml")}
    assert files <= {section.file for section in catalogue.SECTIONS}


def test_every_code_that_is_raised_is_explained() -> None:
    assert sorted(used_codes() - set(catalogue.load())) == []


def test_every_code_of_the_build_is_raised_somewhere() -> None:
    explained = catalogue.load_section(catalogue.SECTIONS[0])
    assert sorted(set(explained) - used_codes()) == []


def test_the_page_is_current() -> None:
    page = ROOT / "docs" / "troubleshooting.md"
    assert page.read_text() == catalogue.markdown(), (
        "run: python -m errors.catalogue docs/troubleshooting.md"
    )


def test_the_page_has_every_entry() -> None:
    page = catalogue.markdown()
    for code, entry in catalogue.load().items():
        assert f"### {code}: {entry.title}\n\n{entry.cause.strip()}\n" in page
        assert entry.cure.strip() in page


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[NPU100]\ntitle = "a"\ncause = "b"\ncure = "c"', "not in the range"),
        ('[NPU000]\ntitle = "a"\ncause = "b"\ncure = "c"', "not in the range"),
        ('[NPU1]\ntitle = "a"\ncause = "b"\ncure = "c"', "not in the range"),
        ('[NPU001]\ntitle = "a"\ncause = "b"', "must have title, cause and cure"),
        ('[NPU001]\ntitle = "a"\ncause = "b"\ncure = "c"\nmore = "d"', "nothing else"),
        ('[NPU001]\ntitle = "a"\ncause = " "\ncure = "c"', "empty cause"),
        ('[NPU001]\ntitle = "a"\ncause = "b"\ncure = 3', "empty cure"),
        ("NPU001 = 3", "must have title"),
    ],
)
def test_a_wrong_entry_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "build.toml").write_text(text)
    with pytest.raises(ValueError, match=complaint):
        catalogue.load(tmp_path)


def test_a_code_twice_in_one_file_is_refused(tmp_path: Path) -> None:
    entry = '[NPU001]\ntitle = "a"\ncause = "b"\ncure = "c"\n'
    (tmp_path / "build.toml").write_text(entry + entry)
    with pytest.raises(tomllib.TOMLDecodeError):
        catalogue.load(tmp_path)
