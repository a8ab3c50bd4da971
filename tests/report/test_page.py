"""The page: valid HTML, complete, and every figure that of the records."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinyhtml5.parser import HTMLParser

from kernels import registry
from kernels.compare.histogram import STEPS
from npulab.report import charts, records, sections
from npulab.report.gather import gather
from npulab.report.models import prediction
from npulab.report.page import render
from npulab.report.plan import plan
from npulab.report.records import VariantRecord
from npulab.report.sections import Report
from npulab.report.timelines import compact
from runtime.model import predict
from simulator.timeline import picture

if TYPE_CHECKING:
    from tests.report.conftest import Lab, Made

HTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def made(lab: Lab) -> Made:
    return lab.report("--timeline", "passthrough/1024")


def parsed(text: str) -> Element:
    """Parse HTML, and hold it to the standard: no error, ids once, links that lead somewhere."""
    parser = HTMLParser()
    root: Element = parser.parse(text)
    assert parser.errors == []
    ids = Counter(element.get("id") for element in root.iter() if element.get("id"))
    assert [name for name, count in ids.items() if count > 1] == []
    for link in root.iter(f"{HTML}a"):
        href = link.get("href", "")
        assert href.startswith("#"), href
        assert href[1:] in ids, href
    for element in root.iter():
        for name in ("aria-labelledby", "for"):
            assert set(element.get(name, "").split()) <= set(ids)
    for label in root.iter(f"{HTML}label"):
        assert label.find(f"{HTML}input") is not None or label.find(f"{HTML}select") is not None
    check_tables(root)
    check_loads_nothing(root, text)
    return root


def check_tables(root: Element) -> None:
    tables = list(root.iter(f"{HTML}table"))
    assert tables
    for table in tables:
        caption = table.find(f"{HTML}caption")
        assert caption is not None
        assert "".join(caption.itertext()).strip()
        assert all(cell.get("scope") for cell in table.iter(f"{HTML}th"))
        widths = [width(row) for row in table.findall(f"{HTML}thead/{HTML}tr")]
        rows = table.findall(f"{HTML}tbody/{HTML}tr")
        if not any(cell.get("rowspan") for cell in table.iter()):
            assert {width(row) for row in rows} <= set(widths)


def width(row: Element) -> int:
    return len(list(row))


def check_loads_nothing(root: Element, text: str) -> None:
    assert not list(root.iter(f"{HTML}link"))
    assert not list(root.iter(f"{HTML}img"))
    assert not [one for one in root.iter() if one.get("src")]
    assert not re.search(r"url\(|@import|fetch\(", text)
    addresses = set(re.findall(r"https?://[^\s\"'<]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def words(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def matrix(root: Element) -> dict[str, list[str]]:
    """Return the cells of each row of the matrix by the variant's title."""
    table = next(one for one in root.iter(f"{HTML}table") if one.get("id") == "matrix")
    return {
        words(row[0]): [words(cell) for cell in row[1:]]
        for row in table.findall(f"{HTML}tbody/{HTML}tr")
    }


def by_id(root: Element, name: str) -> Element:
    return next(element for element in root.iter() if element.get("id") == name)


def test_the_page_is_valid_and_has_every_section(made: Made) -> None:
    root = parsed(made.text)
    titles = [section.get("id") for section in root.iter(f"{HTML}section")]
    assert titles[:4] == ["results", "problems", "accuracy", "kernels"]
    assert titles[-3:] == ["model", "history", "provenance"]
    links = [link.get("href") for link in root.findall(f".//{HTML}nav//{HTML}a")]
    assert links == [f"#{title}" for title in titles]
    heads = [int(e.tag[-1]) for e in root.iter() if re.fullmatch(re.escape(HTML) + "h[1-6]", e.tag)]
    assert heads[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(heads))


def test_every_figure_of_the_matrix_is_that_of_the_record(made: Made) -> None:
    rows = matrix(parsed(made.text))
    data = gather(made.root)
    assert set(rows) == {variant.title for variant in data.variants}
    for variant in data.variants:
        state, build, tests, demo, elements, _, cycles, _ = rows[variant.title]
        if variant.test is None or variant.demo is None:
            assert (tests, demo, elements, cycles) == ("not run", "not run", "", "")
            continue
        assert state == "✓ right"
        assert build.startswith("built ")
        assert tests == f"{len(variant.test.cases)} of {len(variant.test.cases)}"
        assert demo == "1 of 1"
        both = (*variant.test.cases, *variant.demo.cases)
        assert elements == f"{sum(case.compared for case in both):,}"
        assert cycles == f"{variant.demo.cases[0].cycles:,}"


@pytest.mark.parametrize("title", ["passthrough-1024", "gelu_bf16-512"])
def test_every_figure_of_a_case_is_that_of_the_record(made: Made, title: str) -> None:
    kernel, label = title.rsplit("-", 1)
    block = by_id(parsed(made.text), f"v-{title}")
    table = next(t for t in block.iter(f"{HTML}table") if "cases" in t.get("class", ""))
    path = records.variant_path(made.root, "test", kernel, label)
    record = records.read(path, VariantRecord)
    assert record is not None
    rows = [list(map(words, row)) for row in table.findall(f"{HTML}tbody/{HTML}tr")]
    used = [index for index, count in enumerate(charts.steps_of(record)) if count]
    expected = [
        [case.name, "right", f"{case.compared:,}", f"{case.cycles:,}", case.outputs[0].name]
        + [f"{case.outputs[0].steps[bin_]:,}".removeprefix("0") for bin_ in used]
        for case in record.cases
    ]
    if charts.small_of(record):
        for row, case in zip(expected, record.cases, strict=True):
            row.append(f"{case.outputs[0].small:,}".removeprefix("0"))
    assert rows == expected


def test_the_accuracy_is_that_of_elements_for_which_steps_mean_something(made: Made) -> None:
    """gelu_bf16 is at most a step off wherever its tolerance is relative, edge data included."""
    table = by_id(parsed(made.text), "errors")
    rows = {words(row[0]): row for row in table.findall(f"{HTML}tbody/{HTML}tr")}
    figures = [words(cell) for cell in rows["gelu_bf16/512"]]
    assert figures[4:8] == ["0", "0", "0", "0"], figures
    record = records.read(
        records.variant_path(made.root, "test", "gelu_bf16", "512"), VariantRecord
    )
    assert record is not None
    small, compared = charts.small_of(record), sum(case.compared for case in record.cases)
    assert 0 < small < compared
    assert figures[8:] == [f"{compared - small:,}", f"{small:,}"]
    assert words(rows["passthrough/1024"][-1]) == "", "none of them is small"


def test_resources_are_those_of_the_build(made: Made) -> None:
    block = by_id(parsed(made.text), "v-gelu_bf16-512")
    table = next(t for t in block.iter(f"{HTML}table") if "takes of each tile" in words(t))
    rows = [list(map(words, row)) for row in table.findall(f"{HTML}tbody/{HTML}tr")]
    taken = json.loads((made.root / "host/gelu_bf16/512/resources.json").read_text())
    core = next(tile for tile in taken["tiles"] if tile["kind"] == "core")
    place = f"core ({core['tile'][0]},{core['tile'][1]})"
    row = next(row for row in rows if row[0] == place)
    assert row[1] == f"{core['memory']:,} of 65,536"
    assert row[2] == f"{core['stack']:,}"
    assert row[3] == str(len(core["buffers"]))
    assert row[4] == f"{core['locks']} of 16"
    assert row[5] == f"{core['bds']} of 16"
    assert row[8] == "gelu_bf16_vector"
    assert all(buffer["name"] in words(block) for buffer in core["buffers"])


def test_a_timeline_is_drawn_of_what_was_asked_for_and_kept(made: Made, lab: Lab) -> None:
    root = parsed(made.text)
    assert "Timeline, modelled" in words(by_id(root, "v-passthrough-1024"))
    assert "Timeline, modelled" not in words(by_id(root, "v-gelu_bf16-512"))
    kept = made.root / "records" / "timeline" / "passthrough" / "1024.json"
    before = kept.stat().st_mtime_ns
    assert "Timeline of passthrough/1024" in lab.report("--timeline", "passthrough/1024").text
    assert kept.stat().st_mtime_ns == before


def test_the_model_stands_beside_the_simulated_cycles(made: Made) -> None:
    root = parsed(made.text)
    table = next(one for one in root.iter(f"{HTML}table") if one.get("id") == "predictions")
    rows = [list(map(words, row)) for row in table.findall(f"{HTML}tbody/{HTML}tr")]
    assert [row[0] for row in rows] == ["gelu_bf16/512", "passthrough/1024"]
    for row in rows:
        one = predict(registry.find(row[0])[0])
        run = next(v.cycles for v in gather(made.root).variants if v.title == row[0])
        assert run
        assert row[1:5] == [
            f"{one.cycles:,}",
            f"{run:,}",
            f"{one.cycles / run - 1:+.1%}",
            one.array_bound.kind.value,
        ]
    assert "Modelled roofline of the kernels" in words(by_id(root, "model"))


def test_what_is_kept_of_a_build_is_not_taken_for_another(own: Lab) -> None:
    kernel = registry.find("passthrough/1024")[0]
    before = prediction(own.root, kernel)
    assert before is not None
    path = own.root / "records" / "model" / "passthrough" / "1024.json"
    content = path.read_bytes()
    assert prediction(own.root, kernel) == before
    for damaged in (b"", content[:-9], content.replace(b'"key":"', b'"key":"0')):
        path.write_bytes(damaged)
        assert prediction(own.root, kernel) == before
        assert path.read_bytes() == content


def test_what_went_wrong_is_told_with_code_and_cure(troubled: Lab) -> None:
    made = troubled.report("--quick")
    assert "1 right, 2 wrong, 1 build failed, " in made.said
    root = parsed(made.text)
    rows = matrix(root)
    assert rows["passthrough/1024"][0] == "✗ wrong"
    assert rows["passthrough/4096"][:2] == ["✗ build failed", "FAILED"]
    problems = words(by_id(root, "problems"))
    data = gather(troubled.root)
    record = next(v.test for v in data.variants if v.title == "passthrough/1024")
    assert record is not None
    assert record.errors
    for error in record.errors:
        assert f"{error.code} {error.message}" in problems
        assert (error.cure or "") in problems
        for line in error.details:
            assert " ".join(line.split()) in problems
    assert "1,024 of 1,024 elements wrong" in problems
    assert problems.count("there is no operation aie.kore") == 1, (
        "by the build, not by the test too"
    )
    assert "build for host" in problems
    assert "passthrough-16384" in problems, "the picture of the deadlock"
    assert "Deadlock" in made.text
    history = words(by_id(root, "history"))
    assert "gelu_bf16/512, measured npu, mini, default" in history
    assert "3 records" in history
    assert "102 us" in history


def test_without_timings_a_sentence_says_so(made: Made) -> None:
    history = words(by_id(parsed(made.text), "history"))
    assert history.startswith("Timings There are no timings. They come from npulab bench")
    problems = words(by_id(parsed(made.text), "problems"))
    assert "No build has failed and no output was wrong in the last records." in problems


def test_builds_alone_make_a_page(own: Lab) -> None:
    for path in sorted((own.root / "records").rglob("*.json")):
        path.unlink()
    made = own.report("--quick")
    assert "there is no record of a test: npulab test makes one" in made.said
    root = parsed(made.text)
    assert "No outputs were compared yet." in words(by_id(root, "accuracy"))
    assert matrix(root)["passthrough/1024"][0] == "○ not tested"


def test_nothing_at_all_is_one_line_and_exits_2(lab: Lab, tmp_path: Path) -> None:
    empty = type(lab)(tmp_path / "none", lab.cache)
    done = empty("report")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"error: [NPU312] there is nothing to report: {tmp_path / 'none'} holds no build and no "
        "record of a test\n"
        "  -> npulab test builds and checks all kernels; then make the report again\n"
    )
    assert not (tmp_path / "none").exists()


def test_a_store_that_cannot_be_read_is_told_of(own: Lab, tmp_path: Path) -> None:
    (tmp_path / "times").write_text("no record\n")
    text = own.report("--quick", "--store", str(tmp_path / "times")).text
    assert "The store of timings cannot be read: " in text


def test_one_document_for_scripts(own: Lab, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "r.html"
    page.parent.mkdir()
    done = own("report", "--quick", "--json", "--out", str(page))
    document = json.loads(done.stdout)
    assert document["page"] == str(page)
    assert document["bytes"] == page.stat().st_size
    states = {(one["kernel"], one["variant"]): one["state"] for one in document["variants"]}
    assert states["gelu_bf16", "512"] == "right"
    assert document["runs"]["test"] == document["runs"]["test"] | {"done": 2, "ended": True}


def test_text_from_elsewhere_is_text(own: Lab) -> None:
    path = records.variant_path(own.root, "test", "gelu_bf16", "512")
    said = '"errors":[{"code":null,"message":"<script>x</script> & <b>","cure":null,"details":[]}]'
    path.write_text(path.read_text().replace('"errors":[]', said))
    root = parsed(own.report("--quick").text)
    assert "<script>x</script> & <b>" in words(by_id(root, "problems"))
    assert len(list(root.iter(f"{HTML}script"))) == 1


def test_a_section_without_anything_to_say_is_left_out(lab: Lab) -> None:
    text = render(Report(data=gather(lab.root)))
    assert text.count("<section ") == len(sections.SECTIONS) - 1
    assert "#model" not in text


@pytest.mark.parametrize(("right", "code"), [(True, 0), (False, 1)])
def test_strict_says_by_its_exit_code_what_the_page_tells(
    request: pytest.FixtureRequest, right: bool, code: int
) -> None:
    lab: Lab = request.getfixturevalue("own" if right else "troubled")
    done = lab("report", "--quick", "--strict")
    assert done.exit_code == code
    assert (lab.root / "report.html").is_file()


@given(st.lists(st.integers(0, 10**9), min_size=len(STEPS) + 2, max_size=len(STEPS) + 2))
def test_a_histogram_stays_in_its_frame(counts: list[int]) -> None:
    root = svg(charts.histogram("any", counts, 1.0))
    bars = [bar for bar in root.iter(f"{SVG}rect") if "bar" in bar.get("class", "")]
    assert len(bars) == sum(count > 0 for count in counts)
    hot = sum(count > 0 for count in counts[2:])
    assert sum("hot" in bar.get("class", "") for bar in bars) == hot


def test_the_plan_shows_each_tile_that_is_used(lab: Lab) -> None:
    for variant in gather(lab.root).variants:
        taken = variant.resources
        if taken is None:
            continue
        drawn = plan(variant.title, taken)
        tiles = [t for t in svg(drawn.svg).iter(f"{SVG}rect") if "tile" in t.get("class", "")]
        assert len(tiles) == len(taken.tiles)
        functions = {name for tile in taken.tiles for name in tile.functions or ()}
        assert {name for _, names in drawn.keys for name in names} == functions


def test_a_compact_drawing_covers_the_same() -> None:
    body = [
        picture.rectangle(8, 20, 3, 14, "work", "f"),
        picture.rectangle(11, 24, 2, 8, "lock", "l"),
    ]
    whole = picture.svg(336, 50, "t", [picture.rectangle(8, 20, 320, 14, "lane"), *body])
    small = svg(compact(whole))
    paths = {one.get("class"): one.get("d") for one in small.iter(f"{SVG}path")}
    assert paths == {"work": "M8 20h3v14h-3z", "lock": "M11 24h2v8h-2z"}
    assert [one.get("class") for one in small.iter(f"{SVG}rect")] == ["lane"]


def svg(text: str) -> Element:
    """Parse a drawing, and hold its rectangles to its frame."""
    root = ElementTree.fromstring(text)
    height = float(root.get("height", "0"))
    for element in root.iter(f"{SVG}rect"):
        assert float(element.get("x", "")) >= 0
        assert float(element.get("x", "")) + float(element.get("width", "")) <= 336.01
        assert float(element.get("y", "")) >= 0
        assert float(element.get("y", "")) + float(element.get("height", "")) <= height
    return root
