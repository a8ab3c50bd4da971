"""The command line with FAKE wheels: from an empty cache to artifacts, then without a network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from npulab.cli import cli

FIXTURES = Path(__file__).parents[1] / "artifacts" / "fixtures"


def npulab(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and an empty output folder."""
    monkeypatch.setenv("NPULAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NPULAB_BUILD", str(tmp_path / "build"))
    monkeypatch.delenv("NPULAB_MIRROR", raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_from_nothing_to_artifacts_and_again_offline(
    wheels: Any, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = npulab("build", "gelu_int8/512", "--target", "aie2")
    assert early.exit_code == 3
    assert "NPU039" in early.output

    filled = [npulab("fetch", "--mirror", str(places / "mirror")).output for _ in range(2)]
    assert f"2 wheels in {places / 'mirror'}, 2 new" in filled[0]
    assert f"2 wheels in {places / 'mirror'}, 0 new" in filled[1]
    fetched = npulab("fetch")
    assert fetched.exit_code == 0, fetched.output
    assert "installed and tested" in fetched.output
    built = npulab("build", "gelu_int8/512", "--target", "aie2", "--json")
    assert built.exit_code == 0, built.output
    folder = Path(json.loads(built.stdout)["units"][0]["folder"])
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {"design.xclbin", "insts.bin", "core_0_2.elf"} <= set(first)

    for path in wheels.folder.glob("*.whl"):
        path.unlink()
    monkeypatch.setenv("NPULAB_CACHE", str(places / "another cache"))
    monkeypatch.setenv("NPULAB_BUILD", str(places / "another build"))
    assert "NPU026" in npulab("fetch").output
    assert "NPU029" in npulab("fetch", "--offline").output
    monkeypatch.setenv("NPULAB_MIRROR", str(places / "mirror"))
    assert npulab("fetch", "--offline").exit_code == 0
    again = npulab("build", "gelu_int8/512", "--target", "aie2", "--json")
    folder = Path(json.loads(again.stdout)["units"][0]["folder"])
    second = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name in set(first) - {"manifest.json"}:
        assert first[name] == second[name], name


@pytest.mark.usefixtures("wheels")
def test_a_build_that_has_nothing_to_do_loads_little_and_starts_nothing() -> None:
    npulab("fetch")
    assert npulab("build", "gelu_int8/512", "--target", "aie2").exit_code == 0
    script = (
        "import sys; seen = []; sys.addaudithook(lambda name, _: seen.append(name))\n"
        "from npulab.cli import cli\n"
        "cli('build gelu_int8/512 --target aie2 --runner local'.split(), standalone_mode=False)\n"
        "heavy = {'rich', 'xdsl', 'simulator', 'toolchain.diagnostics', 'concurrent.futures'}\n"
        "print(sorted(heavy & set(sys.modules)), {'subprocess.Popen', 'os.fork'} & set(seen))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (0, 2), done.stderr
    told, loaded = done.stdout.splitlines()
    assert "1 current" in told
    assert loaded == "[] set()"


@pytest.mark.usefixtures("wheels")
def test_clean_gives_back_a_toolchain_where_it_is_asked_for(places: Path) -> None:
    npulab("fetch")
    cache = places / "cache"
    (cache / "toolchains" / "note").write_text("not the lab's")
    assert npulab("clean").exit_code == 0
    assert len(list((cache / "toolchains").glob("*/installed.json"))) == 1
    told = npulab("clean", "--toolchains", "--dry-run").output
    assert "would remove 2 fetched files" in told
    assert "would remove 1 installed toolchain" in told
    assert len(list((cache / "wheels").rglob("*.whl"))) == 2
    assert "removed 2 fetched files" in npulab("clean", "--toolchains").output
    assert [path.name for path in (cache / "toolchains").iterdir()] == ["note"]
    assert list((cache / "wheels").iterdir()) == []
    assert npulab("fetch").exit_code == 0


@pytest.mark.usefixtures("wheels")
def test_doctor_tells_of_the_toolchain() -> None:
    assert "npulab fetch" in npulab("doctor").output
    npulab("fetch")
    assert "llvm-aie 21.0.0" in npulab("doctor").output


@pytest.mark.usefixtures("wheels")
def test_a_toolchain_that_was_altered_is_told_and_mended(places: Path) -> None:
    npulab("fetch")
    (header,) = (places / "cache" / "toolchains").rglob("aie.hpp")
    intact = header.read_bytes()
    header.write_text("// changed\n")
    told = " ".join(npulab("doctor").output.split())
    assert "AIE2 toolchain missing altered since it was installed" in told
    assert npulab("fetch").exit_code == 0
    assert header.read_bytes() == intact
    assert "llvm-aie 21.0.0" in npulab("doctor").output


@pytest.mark.usefixtures("wheels")
def test_a_variant_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    result = npulab("fetch", "--python", "3.9")
    assert (result.exit_code, "'3.9' is not one of '3.11', '3.13'" in result.output) == (2, True)
    monkeypatch.setenv("NPULAB_PYTHON", "9")
    assert "'9' is not one of '3.11', '3.13'" in npulab("fetch").output
    told = " ".join(npulab("doctor").output.split())
    assert "the AIE2 toolchain has no variant for Python 9" in told
    assert "-> set --python or NPULAB_PYTHON to one of: 3.11, 3.13" in told


@pytest.mark.usefixtures("wheels")
def test_fetch_tells_as_json_too(places: Path) -> None:
    mirror = places / "mirror"
    filled = json.loads(npulab("fetch", "--mirror", str(mirror), "--json").stdout)
    assert filled["mirror"] == str(mirror)
    assert sorted(filled["new"]) == sorted(path.name for path in mirror.iterdir())
    made = json.loads(npulab("fetch", "--json").stdout)
    assert made["versions"]["clang++"] == "clang version 21.0.0 (FAKE llvm-aie)"
    assert [wheel["name"] for wheel in made["wheels"]] == ["mlir-aie", "llvm-aie"]
    assert (Path(made["folder"]) / "installed.json").is_file()


@pytest.mark.usefixtures("wheels")
def test_a_lock_where_everything_is_pinned_stays() -> None:
    result = npulab("lock")
    assert (result.exit_code, result.output) == (0, "everything is pinned\n")


@pytest.mark.usefixtures("wheels")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--check", "--update", "llvm-aie"], "--check changes nothing"),
        (["--update", "llvm"], "the lock has no llvm"),
        (["--json"], "--json goes with --check"),
    ],
)
def test_lock_refuses_what_makes_no_sense(arguments: list[str], says: str) -> None:
    result = npulab("lock", *arguments)
    assert result.exit_code == 2
    assert says in result.output


def test_inspect_tells_what_is_in_an_artifact() -> None:
    result = npulab("inspect", str(FIXTURES / "small.xclbin"))
    assert result.exit_code == 0
    assert "MLIR_AIE" in result.output
    spans = npulab("inspect", "--bytes", str(FIXTURES / "small.xclbin")).output
    assert len(spans) > len(result.output)
    document = json.loads(npulab("inspect", "--json", str(FIXTURES / "small.pdi")).output)
    assert document["kind"] == "pdi"


def test_inspect_refuses_what_is_no_artifact(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    for path in (tmp_path / "text", tmp_path / "none"):
        result = npulab("inspect", str(path))
        assert (result.exit_code, "NPU050" in result.output) == (2, True)


def test_diff_tells_same_from_different() -> None:
    small, two = str(FIXTURES / "small.xclbin"), str(FIXTURES / "two.xclbin")
    assert npulab("diff", small, small).exit_code == 0
    different = npulab("diff", small, two)
    assert (different.exit_code, "column_width: 1 -> 2" in different.output) == (1, True)
    assert json.loads(npulab("diff", "--json", small, two).output)["same"] is False
    assert npulab("diff", small, str(FIXTURES / "small.pdi")).exit_code == 2
