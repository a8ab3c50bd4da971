"""What commands print without a terminal: 80 columns, no colour, JSON that is nothing else."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kernels import registry
from kernels.merged import designs

Npulab = Callable[..., subprocess.CompletedProcess[str]]


def lines_within(text: str, width: int = 80) -> None:
    assert "\x1b" not in text
    too_long = [line for line in text.splitlines() if len(line) > width]
    assert not too_long
    assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_list_names_every_kernel_and_variant(npulab: Npulab) -> None:
    done = npulab("list")
    assert (done.returncode, done.stderr) == (0, "")
    lines_within(done.stdout)
    for name in registry.names():
        assert f"\n{name}\n" in f"\n{done.stdout}"
        for kernel in registry.find(name):
            assert kernel.label in done.stdout


def test_list_names_every_merged_design_with_its_parts(npulab: Npulab) -> None:
    text, document = npulab("list").stdout, json.loads(npulab("list", "--json").stdout)
    assert [one["name"] for one in document["merged"]] == [f"merged/{n}" for n in designs.names()]
    for one in document["merged"]:
        name = one["name"].partition("/")[2]
        parts = designs.find(name).sequences
        assert one["sequences"] == {sequence: part.title for sequence, part in parts.items()}
        assert f"\n{one['name']}\n" in text
        assert all(title in text for title in one["sequences"].values())


def test_merged_designs_are_built_by_name(npulab: Npulab) -> None:
    done = npulab("build", "merged", "merged/rows_bf16", "--target", "host", "--json")
    units = json.loads(done.stdout)["units"]
    assert [unit["variant"] for unit in units] == designs.names()
    assert {unit["state"] for unit in units} <= {"built", "current"}
    wrong = npulab("build", "merged/row_bf16")
    assert wrong.returncode == 2
    assert "did you mean rows_bf16" in wrong.stderr


def test_a_variant_longer_than_its_column_has_a_line_of_its_own(npulab: Npulab) -> None:
    done = npulab("demo", "matmul_int8_array/64x48x128-i8-16x16x16-scalar", "matmul_int8/16x16x16")
    lines_within(done.stdout)
    header, *rows = done.stdout.splitlines()
    assert " 64x48x128-i8-16x16x16-scalar" in rows
    figures = [row for row in rows if " demo " in row]
    assert len(figures) == 2
    assert {row.index("demo") for row in figures} == {header.index("data")}
    assert {len(row) for row in (header, *figures)} == {len(header)}


def test_list_json_has_the_contract(npulab: Npulab) -> None:
    document = json.loads(npulab("list", "--json").stdout)
    assert [kernel["name"] for kernel in document["kernels"]] == registry.names()
    gelu = next(kernel for kernel in document["kernels"] if kernel["name"] == "gelu_int8")
    assert gelu["variants"][0] == {
        "label": "512",
        "args": [
            {"name": "x", "role": "in", "shape": [512], "dtype": "int8"},
            {"name": "table", "role": "param", "shape": [256], "dtype": "int8"},
            {"name": "y", "role": "out", "shape": [512], "dtype": "int8"},
        ],
    }


def test_doctor_tells_what_is_missing_with_its_cure(npulab: Npulab) -> None:
    done = npulab("doctor", DOCKER_HOST="unix:///nowhere/docker.sock")
    assert (done.returncode, done.stderr) == (0, "")
    lines_within(done.stdout)
    rows = dict(re.findall(r"^  (\S.{14}) (ok|missing) ", done.stdout, re.MULTILINE))
    rows = {name.strip(): state for name, state in rows.items()}
    assert rows["python"] == rows["packages"] == rows["C++ compiler"] == "ok"
    assert rows["engine"] == "missing"
    assert "-> install docker.io" in done.stdout
    assert "network was not probed" in done.stdout


def test_doctor_without_a_compiler_exits_3(npulab: Npulab) -> None:
    done = npulab("doctor", "--json", CXX="no-such-compiler")
    document = json.loads(done.stdout)
    assert (done.returncode, document["ready"]) == (3, False)
    missing = [check["name"] for check in document["checks"] if check["needed"] and not check["ok"]]
    assert missing == ["C++ compiler"]


def test_doctor_where_nothing_may_be_written_exits_3(npulab: Npulab) -> None:
    done = npulab("doctor", "--json", NPULAB_CACHE="/sys/npulab")
    missing = [c for c in json.loads(done.stdout)["checks"] if c["needed"] and not c["ok"]]
    assert done.returncode == 3
    assert "/sys" in str(missing)


@pytest.fixture
def fresh(tmp_path: Path) -> dict[str, str]:
    """Return an empty cache and build folder."""
    return {"NPULAB_CACHE": str(tmp_path / "cache"), "NPULAB_BUILD": str(tmp_path / "build")}


def test_build_says_what_it_did_and_then_that_all_is_current(
    npulab: Npulab, fresh: dict[str, str]
) -> None:
    first = npulab("build", "passthrough", "gelu_int8/512", **fresh)
    assert first.returncode == 0
    lines_within(first.stderr)
    assert first.stderr.startswith("target host (")
    assert "5 variants in " in first.stdout
    assert ": 5 built  (" in first.stdout
    again = npulab("build", "passthrough", "gelu_int8/512", **fresh)
    assert again.stdout.startswith(f"5 variants in {fresh['NPULAB_BUILD']}: 5 current  (")
    assert len(again.stdout.splitlines()) == 1


def test_build_json_is_one_document(npulab: Npulab, fresh: dict[str, str]) -> None:
    done = npulab("build", "--json", "passthrough/1024", "passthrough/1024", **fresh)
    document = json.loads(done.stdout)
    assert (done.returncode, document["target"]) == (0, "host")
    assert [(unit["kernel"], unit["state"]) for unit in document["units"]] == [
        ("passthrough", "built")
    ]
    assert Path(document["units"][0]["folder"], "manifest.json").is_file()


def test_build_into_a_place_that_may_not_be_written_exits_3(
    npulab: Npulab, fresh: dict[str, str]
) -> None:
    done = npulab("build", "passthrough/1024", **fresh | {"NPULAB_BUILD": "/sys/npulab"})
    assert (done.returncode, done.stdout) == (3, "")
    assert "error: [NPU021] cannot write to /sys/npulab" in done.stderr
    assert "Traceback" not in done.stderr


def test_clean_tells_removes_and_leaves_what_is_not_the_labs(
    npulab: Npulab, fresh: dict[str, str]
) -> None:
    build = Path(fresh["NPULAB_BUILD"])
    npulab("build", "passthrough/1024", **fresh)
    other = build / "host" / "mine" / "notes.txt"
    other.parent.mkdir()
    other.write_text("keep")
    told = npulab("clean", "--dry-run", **fresh).stdout.splitlines()
    assert told[0].startswith("would remove 1 build folder, ")
    assert (build / "host" / "passthrough" / "1024" / "manifest.json").is_file()
    done = npulab("clean", **fresh).stdout.splitlines()
    assert [line.replace("removed", "would remove") for line in done] == told
    left = [path for path in build.rglob("*") if path.is_file() and path.name != ".lock"]
    assert left == [other]
    assert not [path for path in Path(fresh["NPULAB_CACHE"]).rglob("*") if path.is_file()]
    assert npulab("clean", **fresh).stdout.startswith("removed 0 build folders, 0 B, in ")


@pytest.mark.parametrize("command", ["demo", "test"])
def test_checks_tell_every_case_and_that_cycles_are_modelled(npulab: Npulab, command: str) -> None:
    done = npulab(command, "passthrough", "mel_int16/64", "matmul_int8/16x16x16-scalar")
    assert done.returncode == 0
    lines_within(done.stdout)
    lines_within(done.stderr)
    assert "6 variants on the simulator: " in done.stdout
    assert "all agree with their golden models" in done.stdout
    assert "modelled, not measured" in done.stdout


def test_checks_as_json_have_every_number(npulab: Npulab) -> None:
    done = npulab("test", "--json", "--seed", "5", "gelu_int8/512")
    document = json.loads(done.stdout)
    assert (done.returncode, document["ok"], document["device"]) == (0, True, "simulator")
    assert document["cycles"]["basis"] == "modelled"
    (variant,) = document["variants"]
    names = [case.name for case in registry.find("gelu_int8/512")[0].cases(5)]
    assert [case["case"] for case in variant["cases"]] == names
    assert {case["comparison"]["compared"] for case in variant["cases"]} == {512}
    assert all(case["ok"] and case["cycles"] > 0 for case in variant["cases"])


def test_a_report_that_cannot_be_written_is_refused_first(npulab: Npulab) -> None:
    done = npulab("test", "passthrough/1024", "--junit", "/nowhere/report.xml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no folder /nowhere" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(npulab: Npulab, shell: str) -> None:
    done = npulab("completion", shell)
    assert done.returncode == 0
    assert "_NPULAB_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("npulab bui", {"build"}),
        ("npulab build gelu_i", {"gelu_int8"}),
        (
            "npulab show gelu_int8/5",
            {"gelu_int8/512", "gelu_int8/512-lookup", "gelu_int8/512-scalar"},
        ),
        ("npulab build --target ", {"auto", "host", "aie2"}),
        ("npulab test no_such/", set()),
        ("npulab test merged/r", {"merged/rows_bf16"}),
    ],
)
def test_words_are_completed(npulab: Npulab, words: str, offered: set[str]) -> None:
    done = npulab(
        _NPULAB_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(words.count(" "))
    )
    assert {line.partition(",")[2] for line in done.stdout.split()} == offered
