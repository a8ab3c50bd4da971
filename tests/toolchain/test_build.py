"""Builds: output folders, manifests, what is rebuilt and what is restored."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from errors import UsageError
from kernels.contract import Function, arg_in, arg_out
from toolchain.build import Build, BuildResult, build, default_root
from toolchain.storage import digest
from toolchain.storage.store import Store

if TYPE_CHECKING:
    from conftest import UnitMaker

ARGS = (arg_in("a", (64,), np.int8), arg_out("b", (64,), np.int8))
FUNCTIONS = (Function(symbol="step", cycles=70, basis="a guess"),)
FILES = {"design.mlir", "kernel.so", "resources.json", "manifest.json"}


@pytest.fixture
def run(tmp_path: Path, store: Store) -> Any:
    """Return a function that builds units in this test's folders."""

    def once(*units: Any, **settings: Any) -> list[BuildResult]:
        return build(units, root=tmp_path / "build", store=store, **settings)

    return once


def one(results: list[BuildResult]) -> Build:
    (result,) = results
    assert result.errors == ()
    assert result.build is not None
    return result.build


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_the_folder_holds_the_build(run: Any, make_unit: UnitMaker, tmp_path: Path) -> None:
    built = one(run(make_unit(functions=FUNCTIONS, args=ARGS)))
    assert built.folder == tmp_path / "build" / "host" / "add" / "1"
    assert {path.name for path in built.folder.iterdir()} == FILES
    assert built.design == make_unit.design
    assert built.title == "add/1"
    assert built.target == "host"
    assert built.libraries == {"kernel.o": built.folder / "kernel.so"}
    assert built.cycles == {"step": 70}
    assert built.args == ARGS
    assert Build.open(built.folder) == built


def test_the_manifest_tells_what_the_build_is_made_of(run: Any, make_unit: UnitMaker) -> None:
    unit = make_unit(functions=FUNCTIONS, args=ARGS)
    built = one(run(unit))
    record = json.loads((built.folder / "manifest.json").read_text())
    source = unit.objects[0].source
    assert record["steps"][1]["inputs"] == {
        "kernel/amount.h": digest.of_file(source.parent / "amount.h"),
        "kernel/kernel.cc": digest.of_file(source),
    }
    for name, blob in record["outputs"].items():
        content = (built.folder / name).read_bytes()
        assert blob == {"sha256": digest.of_bytes(content), "size": len(content)}
    assert set(record["outputs"]) == FILES - {"manifest.json"}
    assert record["tools"]["compiler"].startswith("zig 0.")
    assert [step["name"] for step in record["steps"]] == [
        "check design",
        "compile kernel.cc",
        "link kernel.so",
        "read locals of kernel.cc",
        "check symbols",
        "check stacks",
    ]
    assert "-DSHIFT=0" in record["steps"][1]["command"]
    assert record["steps"][4]["command"] is None
    assert record["functions"] == [{"symbol": "step", "cycles": 70, "basis": "a guess"}]
    assert record["args"][0] == {"name": "a", "role": "in", "shape": [64], "dtype": "int8"}
    assert str(source.parent) not in (built.folder / "manifest.json").read_text()


def test_a_build_without_contract(run: Any, make_unit: UnitMaker) -> None:
    built = one(run(make_unit()))
    assert built.args is None
    assert built.cycles == {}


def test_bfloat16_arguments_come_back(run: Any, make_unit: UnitMaker) -> None:
    from kernels.contract import bfloat16

    design = make_unit.design.replace("%a: memref<64xi8>", "%a: memref<32xbf16>")
    design = design.replace("%a[0, 0, 0, 0][1, 1, 1, 64]", "%a[0, 0, 0, 0][1, 1, 1, 32]")
    design = design.replace("@of_in} : memref<64xi8>", "@of_in} : memref<32xbf16>")
    args = (arg_in("a", (32,), bfloat16), ARGS[1])
    built = one(run(make_unit(design=design, functions=FUNCTIONS, args=args)))
    assert Build.open(built.folder).args == args


def test_nothing_is_done_twice(run: Any, make_unit: UnitMaker) -> None:
    units = [make_unit(label=str(shift), shift=shift) for shift in range(3)]
    first = run(*units)
    before = [snapshot(result.build.folder) for result in first]
    again = run(*units)
    # What is the same for all of them is done for whichever comes to it first.
    assert all(0 < result.ran <= 6 and result.written for result in first)
    assert sum(result.ran for result in first) >= 3 * 3, "each compiles, links and reads its own"
    assert [(result.ran, result.written) for result in again] == [(0, False)] * 3
    assert [snapshot(result.build.folder) for result in again] == before


def test_nothing_to_do_starts_no_process_and_no_mlir(
    run: Any, make_unit: UnitMaker, tmp_path: Path, store: Store
) -> None:
    script = """
import sys
from pathlib import Path

def audit(event, arguments):
    if event in ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec", "os.system"):
        raise SystemExit(f"starts a process: {arguments}")

sys.addaudithook(audit)
sys.path.insert(0, sys.argv[1])
from driver import units
from toolchain.build import build
from toolchain.storage.store import Store
(sources, root, cache) = map(Path, sys.argv[2:])
(result,) = build(units(sources), root=root, store=Store(cache))
loaded = {name.partition(".")[0] for name in sys.modules}
print(result.ran, result.written, sorted(loaded & {"xdsl", "subprocess", "filelock", "elftools"}))
"""
    run(make_unit())
    (make_unit.folder / "design.mlir").write_text(make_unit.design)
    arguments = [Path(__file__).parent, make_unit.folder, tmp_path / "build", store.root]
    command = [sys.executable, "-c", script, *map(str, arguments)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.stderr == ""
    assert answer.stdout == "0 False []\n"


def test_touching_one_kernel_rebuilds_its_variants_only(run: Any, make_unit: UnitMaker) -> None:
    units = [make_unit(name, str(s), shift=s) for name in ("add", "other") for s in (1, 2)]
    run(*units)
    source = units[0].objects[0].source
    source.write_text(make_unit.kernel.replace("in[i] + ", "in[i] - "))
    assert [result.ran for result in run(*units)] == [4, 4, 0, 0]
    header = units[2].objects[0].source.parent / "amount.h"
    header.write_text("#define AMOUNT 7\n")
    assert [result.ran for result in run(*units)] == [0, 0, 4, 4]


def test_a_change_without_effect_stops_at_the_object(run: Any, make_unit: UnitMaker) -> None:
    unit = make_unit()
    run(unit)
    (unit.objects[0].source.parent / "amount.h").write_text("#define AMOUNT 1 // one\n")
    (result,) = run(unit)
    assert result.ran == 2, "the object, and its locals"
    assert result.written, "the manifest has the header's new hash"


def test_an_empty_cache_gives_the_same_folder(
    run: Any, make_unit: UnitMaker, tmp_path: Path
) -> None:
    unit = make_unit()
    folder = one(run(unit)).folder
    before = {name: content for name, (content, _) in snapshot(folder).items()}
    (result,) = build([unit], root=tmp_path / "build", store=Store(tmp_path / "fresh"))
    assert result.ran == 6
    after = {name: content for name, (content, _) in snapshot(folder).items()}
    for name in FILES - {"manifest.json"}:
        assert after[name] == before[name]


@pytest.mark.parametrize("damage", ["edit", "cut", "delete", "manifest", "stray", "folder", "link"])
def test_damage_in_the_folder_is_restored_from_the_cache(
    run: Any, make_unit: UnitMaker, tmp_path: Path, damage: str
) -> None:
    unit = make_unit()
    folder = one(run(unit)).folder
    library, before = folder / "kernel.so", snapshot(folder)
    if damage == "edit":
        library.write_bytes(library.read_bytes()[:-1] + b"!")
    elif damage == "cut":
        library.write_bytes(b"")
    elif damage == "delete":
        library.unlink()
    elif damage == "manifest":
        text = (folder / "manifest.json").read_text()
        (folder / "manifest.json").write_text(text.replace('"add"', '"bad"'))
    elif damage == "stray":
        (folder / "old.so").write_bytes(b"")
    elif damage == "folder":
        library.unlink()
        (library / "inside").mkdir(parents=True)
    else:
        library.unlink()
        (tmp_path / "elsewhere").write_bytes(b"mine")
        library.symlink_to(tmp_path / "elsewhere")
    (result,) = run(unit)
    assert result.errors == ()
    assert (result.ran, result.written) == (0, True)
    assert {name: content for name, (content, _) in snapshot(folder).items()} == {
        name: content for name, (content, _) in before.items()
    }
    assert not library.is_symlink()
    if damage == "link":
        assert (tmp_path / "elsewhere").read_bytes() == b"mine"


def test_damage_in_the_cache_is_built_again(run: Any, make_unit: UnitMaker, store: Store) -> None:
    unit = make_unit()
    folder = one(run(unit)).folder
    before = (folder / "kernel.so").read_bytes()
    for path in (store.root / "blobs").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(bytes(len(path.read_bytes())))
    (folder / "kernel.so").unlink()
    assert one(run(unit)).libraries["kernel.o"].read_bytes() == before


def test_a_failing_unit_does_not_hold_up_the_others(run: Any, make_unit: UnitMaker) -> None:
    broken = make_unit("broken", text="syntax error")
    also = make_unit("also", text='extern "C" void step() { missing(); }')
    results = run(broken, make_unit(), also)
    assert [result.build is not None for result in results] == [False, True, False]
    assert [len(result.errors) for result in results] == [1, 0, 1]


def test_a_failed_build_takes_the_old_one_out_of_use(run: Any, make_unit: UnitMaker) -> None:
    unit = make_unit()
    folder = one(run(unit)).folder
    unit.objects[0].source.write_text("syntax error")
    (result,) = run(unit)
    assert result.build is None
    with pytest.raises(UsageError, match="no finished build") as caught:
        Build.open(folder)
    assert caught.value.code == "NPU030"
    unit.objects[0].source.write_text(make_unit.kernel)
    assert Build.open(one(run(unit)).folder).folder == folder


def test_opening_what_is_not_a_build(run: Any, make_unit: UnitMaker, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no finished build"):
        Build.open(tmp_path / "nowhere")
    folder = one(run(make_unit())).folder
    (folder / "kernel.so").write_bytes(b"edited")
    with pytest.raises(UsageError, match=r"kernel\.so is not what the build wrote") as caught:
        Build.open(folder)
    assert caught.value.code == "NPU031"
    newer = (folder / "manifest.json").read_bytes().replace(b'"schema": 1', b'"schema": 99')
    for content in (b"{}", b"", b"{", b'"\xff"', newer):
        (folder / "manifest.json").write_bytes(content)
        with pytest.raises(UsageError, match=r"manifest\.json is not what the build wrote"):
            Build.open(folder)


def test_an_unknown_target_names_the_nearest(run: Any, make_unit: UnitMaker) -> None:
    with pytest.raises(UsageError, match="did you mean host") as caught:
        run(make_unit(), target="hosts")
    assert caught.value.code == "NPU009"


def test_two_units_of_one_name(run: Any, make_unit: UnitMaker) -> None:
    same = make_unit()
    assert [result.build is not None for result in run(same, same)] == [True, True]
    with pytest.raises(UsageError, match="two different units") as caught:
        run(same, make_unit(shift=3))
    assert caught.value.code == "NPU032"


def test_no_units_is_no_work(run: Any) -> None:
    assert run() == []


def test_the_root_is_chosen_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NPULAB_BUILD", str(tmp_path / "out"))
    assert default_root() == tmp_path / "out"
    monkeypatch.delenv("NPULAB_BUILD")
    assert default_root() == Path(__file__).parents[2] / "build"
