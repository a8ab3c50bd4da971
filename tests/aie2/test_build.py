"""Target aie2 with FAKE wheels: what it gives, twice the same, and every refusal by name."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import toolchain.build
from errors import LabError, MissingEnvironment
from kernels import registry
from kernels.merged import designs
from toolchain.aie2.environment import Environment
from toolchain.artifacts import xclbin
from toolchain.build import BuildResult, build
from toolchain.storage.store import Store
from toolchain.unit import ObjectSource, Unit
from toolchain.work.runner import Completed, LocalRunner

Install = Callable[[], Environment]
Run = Callable[..., BuildResult]

DESIGN = """module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @of_in(%shim, {%core}, 2 : i32) : !aie.objectfifo<memref<64xi8>>
    aie.objectfifo @of_out(%core, {%shim}, 2 : i32) : !aie.objectfifo<memref<64xi8>>
    func.func private @step(memref<64xi8>, memref<64xi8>) attributes {link_with = "OBJECT"}
    aie.core(%core) {
      %iv = aie.objectfifo.acquire @of_in(Consume, 1) : !aie.objectfifosubview<memref<64xi8>>
      %i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<64xi8>> -> memref<64xi8>
      %ov = aie.objectfifo.acquire @of_out(Produce, 1) : !aie.objectfifosubview<memref<64xi8>>
      %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<64xi8>> -> memref<64xi8>
      func.call @step(%i, %o) : (memref<64xi8>, memref<64xi8>) -> ()
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

KERNEL = """#include <aie_api/aie.hpp>
#include "amount.h"
extern "C" {
void step(const char *in, char *out) {
  out[0] = in[0] + AMOUNT;
}
}
"""


@pytest.fixture
def make_unit(tmp_path: Path) -> Callable[..., Unit]:
    def make(
        text: str = KERNEL, design: str = DESIGN, label: str = "1", name: str = "kernel.o"
    ) -> Unit:
        folder = tmp_path / "sources" / label
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "kernel.cc").write_text(text)
        (folder / "amount.h").write_text("#define AMOUNT 1\n")
        source = ObjectSource(name=name, source=folder / "kernel.cc")
        text = design.replace("OBJECT", name)
        return Unit(name="add", label=label, design=text, objects=(source,))

    return make


@pytest.fixture
def run(install: Install, store: Store, tmp_path: Path) -> Run:
    """Return a function that builds a unit for aie2 with the FAKE wheels."""
    install()

    def run(unit: Unit, root: Path = tmp_path / "build") -> BuildResult:
        return build([unit], target="aie2", root=root, store=store, jobs=2)[0]

    return run


def error(result: BuildResult) -> LabError:
    (found,) = result.errors
    return found


def hashes(result: BuildResult) -> dict[str, str]:
    assert result.build is not None, result.errors
    return {name: blob.sha256 for name, blob in result.build.manifest.outputs.items()}


def test_a_kernel_becomes_what_an_npu_runs(run: Run, make_unit: Callable[..., Unit]) -> None:
    result = run(make_unit())
    assert sorted(hashes(result)) == [
        "core_0_2.elf",
        "design.mlir",
        "design.xclbin",
        "insts.bin",
        "kernel.o",
        "kernel.remarks.yaml",
        "lowered.mlir",
        "objects.json",
        "resources.json",
        "usage.json",
    ]
    made = result.build
    assert made is not None
    assert made.target == "aie2"
    assert made.libraries == {"kernel.o": made.folder / "kernel.o"}
    assert sorted(made.manifest.tools) == ["llvm-aie", "mlir-aie", "xclbinutil"]
    steps = {step.name: step.command for step in made.manifest.steps}
    assert steps["aiecc"] is not None
    assert "--get-xclbin" in steps["aiecc"]
    compiled = steps["compile kernel.cc"]
    assert compiled is not None
    assert compiled[:4] == ["clang++", "-O2", "-std=c++20", "--target=aie2-none-unknown-elf"]
    assert not any(str(Path.home()) in word or "/tmp" in word for word in compiled)
    (inputs,) = (step.inputs for step in made.manifest.steps if step.name == "compile kernel.cc")
    assert {"kernel/amount.h", "kernel/kernel.cc"} <= set(inputs)


def test_two_builds_from_nothing_give_the_same_bytes(
    run: Run, make_unit: Callable[..., Unit], store: Store, tmp_path: Path
) -> None:
    first = run(make_unit())
    store.clean()
    again = run(make_unit(), tmp_path / "elsewhere")
    assert again.ran > 0
    assert hashes(first) == hashes(again)
    assert first.build is not None
    packed = xclbin.decode((first.build.folder / "design.xclbin").read_bytes())
    assert packed.timestamp == packed.unique_id == 0
    assert packed.uuid.version == 5


def test_nothing_is_done_where_nothing_changed(run: Run, make_unit: Callable[..., Unit]) -> None:
    assert run(make_unit()).ran > 0
    again = run(make_unit())
    assert (again.ran, again.written) == (0, False)


@pytest.mark.parametrize("how", ["gone", "changed"])
def test_an_altered_toolchain_compiles_nothing_more(
    how: str, run: Run, install: Install, make_unit: Callable[..., Unit]
) -> None:
    first = hashes(run(make_unit()))
    header = install().include / "aie_api" / "aie.hpp"
    if how == "gone":
        header.unlink()
    else:
        header.write_text("// changed\n")
    assert hashes(run(make_unit())) == first  # was made before, and nothing has to run
    with pytest.raises(MissingEnvironment, match=r"mlir_aie/include/aie_api/aie\.hpp") as caught:
        run(make_unit(KERNEL.replace("+", "- 2 +")))
    assert caught.value.code == "NPU069"
    install()
    assert run(make_unit(KERNEL.replace("+", "- 2 +"))).build is not None


def test_using_the_toolchain_does_not_alter_it(
    run: Run, install: Install, make_unit: Callable[..., Unit]
) -> None:
    assert run(make_unit()).ran > 0
    assert install().altered is None


class CountingRunner(LocalRunner):
    """Runs commands on this machine and notes their programs."""

    def __init__(self) -> None:
        super().__init__()
        self.programs: list[str] = []

    def run(self, command: Sequence[str], **settings: Any) -> Completed:
        self.programs.append(Path(command[0]).name)
        return super().run(command, **settings)


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("touched", ["amount.h", "kernel.cc"])
def test_touching_one_kernel_runs_one_compiler_and_one_aiecc(
    touched: str, make_unit: Callable[..., Unit], store: Store, tmp_path: Path
) -> None:
    def programs(units: list[Unit]) -> tuple[list[str], list[int]]:
        runner = CountingRunner()
        root = tmp_path / "build"
        results = build(units, target="aie2", root=root, store=store, runner=runner)
        assert [error for result in results for error in result.errors] == []
        return sorted(runner.programs), [result.ran for result in results]

    units = [make_unit(KERNEL.replace("+", f"+ {label} +"), label=label) for label in "123"]
    assert programs(units) == (["aiecc"] * 3 + ["clang++"] * 3, [5, 5, 5])
    file = tmp_path / "sources" / "2" / touched
    file.write_text(file.read_text() + "#define MORE 2\n")
    assert programs(units) == (["aiecc", "clang++"], [0, 4, 0])
    assert programs(units) == ([], [0, 0, 0])


def test_all_kernels_of_the_lab_build(install: Install, store: Store, tmp_path: Path) -> None:
    install()
    units = [Unit.from_kernel(registry.find(name)[0]) for name in registry.names()]
    results = build(units, target="aie2", root=tmp_path / "build", store=store)
    for result in results:
        assert result.build is not None, result.errors
        assert {"design.xclbin", "insts.bin", "kernel.o"} <= set(result.build.manifest.outputs)


@pytest.mark.parametrize("name", designs.names())
def test_a_merged_design_has_instructions_for_each_of_its_sequences(name: str, run: Run) -> None:
    merged = designs.find(name)
    made = run(Unit.from_merged(merged)).build
    assert made is not None
    files = {made.folder / f"insts_{sequence}.bin" for sequence in merged.sequences}
    assert {path.name for path in files} < set(made.manifest.outputs)
    assert len({path.read_bytes() for path in files}) == len(merged.sequences)
    assert not (made.folder / "insts.bin").exists()
    assert {f"{part}.o" for part in merged.sequences} < set(made.manifest.outputs)


def test_instructions_of_a_sequence_that_aiecc_leaves_out_are_missed(run: Run) -> None:
    unit = Unit.from_merged(designs.find("rows_bf16"))
    found = error(run(replace(unit, design=f"// fake: aiecc forgets gelu_bf16\n{unit.design}")))
    assert found.code == "NPU043"
    assert "without the instructions of gelu_bf16" in found.message


def test_an_object_in_a_folder_is_linked_under_its_name(
    run: Run, make_unit: Callable[..., Unit]
) -> None:
    assert "build_add.o" in hashes(run(make_unit(name="build/add.o")))


def traps(folder: Path) -> Iterator[tuple[str, str]]:
    """Make an environment that breaks any tool which it reaches."""
    tools = folder / "bin"
    tools.mkdir(parents=True)
    for name in ("aiecc", "aiecc.py", "clang++", "llvm-nm", "xchesscc", "xclbinutil", "python3"):
        (tools / name).write_text("#!/bin/sh\necho trapped; exit 9\n")
        (tools / name).chmod(0o755)
    broken = folder / "python"
    (broken / "aie").mkdir(parents=True)
    (broken / "aie" / "__init__.py").write_text("raise ImportError('trapped')\n")
    (broken / "sitecustomize.py").write_text(
        "import typing, os\nif hasattr(typing, '_ClassVar'): del typing._ClassVar\nos._exit(9)\n"
    )
    yield "PATH", f"{tools}:{os.environ['PATH']}"
    yield "PYTHONPATH", str(broken)
    yield "PYTHONHOME", str(folder)
    yield "PYTHONSTARTUP", str(broken / "sitecustomize.py")
    yield "PEANO_INSTALL_DIR", str(folder)
    yield "MLIR_AIE_INSTALL_DIR", str(folder)
    yield "AIECC_PATH", str(tools / "aiecc")
    yield "AIE_XCLBINUTIL", str(tools / "xclbinutil")
    yield "AIETOOLS_ROOT", str(folder)
    yield "LD_PRELOAD", str(folder / "none.so")
    yield "CPATH", str(folder)
    yield "CC_PRINT_OPTIONS", "1"


def test_traps_in_the_users_environment_are_not_noticed(
    wheels: Any,
    make_unit: Callable[..., Unit],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from toolchain.aie2 import environment

    found = []
    for number in range(2):
        store = Store(tmp_path / f"cache{number}")
        environment.install(store, LocalRunner(), "3.11", wheels.files)
        root = tmp_path / f"build{number}"
        found.append(hashes(build([make_unit()], target="aie2", root=root, store=store)[0]))
        for name, value in traps(tmp_path / f"traps{number}"):
            monkeypatch.setenv(name, value)
    assert found[0] == found[1]


@pytest.mark.usefixtures("wheels")
def test_without_an_installed_toolchain_the_cure_is_named(
    make_unit: Callable[..., Unit], store: Store, tmp_path: Path
) -> None:
    with pytest.raises(LabError) as caught:
        build([make_unit()], target="aie2", root=tmp_path, store=store)
    assert (caught.value.code, caught.value.exit_code) == ("NPU039", 3)
    assert "npulab fetch" in str(caught.value.cure)


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("out[0] =", "out[0] = sqrtf(2) *", "NPU012", "calls the math library"),
        ("out[0] =", 'printf("x"); out[0] =', "NPU013", "calls what no core has: printf"),
        ("void step", "void stepp", "NPU014", "did you mean stepp?"),
        ('"amount.h"', '"amounts.h"', "NPU015", "there is no header amounts.h"),
        ("extern", "#error broken\nextern", "NPU010", "kernel.cc does not compile"),
        ("extern", "// fake: text 20000\nextern", "NPU044", "20,000 bytes of code"),
        ("extern", "// fake: frame step 2048\nextern", "NPU045", "needs 2,048 bytes of stack"),
        ("extern", "// fake: calls step step\nextern", "NPU047", "calls itself"),
        (
            "extern",
            "// fake: says fatal error: error in backend: unable to legalize instruction: "
            "%14:_(<64 x s8>) = G_SHL %4:_, %12:_(<64 x s8>) (in function: step)\nextern",
            "NPU075",
            "no instruction for G_SHL in step",
        ),
    ],
)
def test_each_fault_of_a_kernel_has_its_name(
    old: str, new: str, code: str, says: str, run: Run, make_unit: Callable[..., Unit]
) -> None:
    found = error(run(make_unit(KERNEL.replace(old, new))))
    assert found.code == code
    assert says in found.message
    assert found.cure


def test_an_undefined_symbol_is_found_at_the_object_with_the_kernels_line(
    run: Run, make_unit: Callable[..., Unit], tmp_path: Path
) -> None:
    text = KERNEL.replace("void step", "// sqrtf(3) in a comment\nvoid step").replace(
        "out[0] =", "out[0] = sqrtf(2) *"
    )
    found = error(run(make_unit(text)))
    source = tmp_path / "sources" / "1" / "kernel.cc"
    assert found.details == (f"sqrtf, called at {source}:6",)


def test_an_undefined_symbol_in_a_shared_header_is_found_there(
    run: Run, make_unit: Callable[..., Unit], tmp_path: Path
) -> None:
    text = KERNEL.replace(
        "extern", '// fake: calls step sqrtf\n#include "../common/root.h"\nextern'
    )
    unit = make_unit(text)
    header = tmp_path / "sources" / "common" / "root.h"
    header.parent.mkdir()
    header.write_text("float sqrtf(float);\ninline float root(float x) {\n  return sqrtf(x);\n}\n")
    assert error(run(unit)).details == (f"sqrtf, called at {header}:3",)


def test_a_stack_that_calls_add_up(run: Run, make_unit: Callable[..., Unit]) -> None:
    text = KERNEL.replace(
        "void step",
        "// fake: frame helper 600\n// fake: frame step 500\n// fake: calls step helper\n"
        "void helper(char *out) {\n  out[0] = 1;\n}\nvoid step",
    )
    found = error(run(make_unit(text)))
    assert found.code == "NPU045"
    assert found.details == ("deepest: step -> helper",)
    larger = DESIGN.replace("aie.end\n    }", "aie.end\n    } {stack_size = 2048 : i32}")
    assert run(make_unit(text, larger)).build is not None


@pytest.mark.parametrize(
    ("directive", "code", "says"),
    [
        ("forgets xclbin", "NPU043", "without the design.xclbin"),
        ("forgets insts", "NPU043", "without the insts.bin"),
        ("text 17000", "NPU044", "the program of core (0, 2) has 17,000 bytes"),
        ("data 65000", "NPU046", "bytes of data memory"),
        ("says something else", "NPU042", "aiecc does not build the design"),
        ("says xchesscc: command not found", "NPU072", "wants the Chess compiler"),
        (
            "says ld.lld: error: section '.text' will not fit in region 'program': "
            "overflowed by 4096 bytes",
            "NPU044",
            "16 KB of program memory",
        ),
    ],
)
def test_each_fault_of_aiecc_has_its_name(
    directive: str, code: str, says: str, run: Run, make_unit: Callable[..., Unit]
) -> None:
    found = error(run(make_unit(design=f"// fake: aiecc {directive}\n{DESIGN}")))
    assert found.code == code
    assert says in found.message


def test_an_aiecc_that_cannot_keep_the_lowered_mlir_says_so_where_it_would_be(
    install: Install, wheels: Any, store: Store, make_unit: Callable[..., Unit], tmp_path: Path
) -> None:
    (name, *_) = wheels.contents
    options = wheels.contents[name]["fake_support/options.json"]
    wheels.contents[name]["fake_support/options.json"] = options.replace(
        b'"input-with-addresses", ', b""
    )
    wheels.write()
    install()
    made = build([make_unit()], target="aie2", root=tmp_path / "build", store=store)[0].build
    assert made is not None
    text = (made.folder / "lowered.mlir").read_text()
    assert text == "// No lowered MLIR: this aiecc does not know --get-input-with-addresses.\n"


def test_a_lowered_mlir_that_aiecc_leaves_out_is_missed_where_it_would_be(
    run: Run, make_unit: Callable[..., Unit]
) -> None:
    made = run(make_unit(design=f"// fake: aiecc forgets lowered\n{DESIGN}")).build
    assert made is not None
    assert "left none when it was asked" in (made.folder / "lowered.mlir").read_text()


def test_each_of_several_lowered_texts_is_kept(run: Run, make_unit: Callable[..., Unit]) -> None:
    made = run(make_unit(design=f"// fake: aiecc repeats lowered\n{DESIGN}")).build
    assert made is not None
    text = (made.folder / "lowered.mlir").read_text()
    titles = [line for line in text.splitlines() if line.startswith("// ---")]
    assert titles == [
        "// --- prj/input_with_addresses.mlir",
        "// --- prj/other_input_with_addresses.mlir",
    ]
    assert text.count("// FAKE lowering") == 2


def test_an_aiecc_that_hangs_is_stopped(
    run: Run, make_unit: Callable[..., Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolchain.aie2.target.AIECC_TIMEOUT", 0.5)
    start = time.monotonic()
    found = error(run(make_unit(design=f"// fake: aiecc sleeps 30\n{DESIGN}")))
    assert found.code == "NPU017"
    assert time.monotonic() - start < 25


def test_the_target_is_known() -> None:
    assert list(toolchain.build.TARGETS) == ["host", "aie2"]
