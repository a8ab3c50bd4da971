"""Target host with the real compiler: what is built, and what each mistake says."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from errors import LabError
from toolchain.build import Build, build
from toolchain.storage.store import Store
from toolchain.unit import Unit

if TYPE_CHECKING:
    from conftest import UnitMaker

each_compiler = pytest.mark.parametrize(
    "compiler",
    [
        pytest.param("", id="zig"),
        pytest.param(
            "g++",
            id="g++",
            marks=pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ here"),
        ),
    ],
    indirect=True,
)


@pytest.fixture(autouse=True)
def compiler(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set CXX to the test's compiler; the lab's own unless it asks for another."""
    chosen = getattr(request, "param", "")
    monkeypatch.setenv("CXX", chosen)


@pytest.fixture
def built(tmp_path: Path, store: Store) -> Any:
    def once(unit: Unit) -> Build:
        (result,) = build([unit], root=tmp_path / "build", store=store)
        assert result.errors == ()
        assert result.build is not None
        return result.build

    return once


@pytest.fixture
def refused(tmp_path: Path, store: Store) -> Any:
    def once(unit: Unit) -> LabError:
        (result,) = build([unit], root=tmp_path / "build", store=store)
        assert result.build is None
        (error,) = result.errors
        assert not (tmp_path / "build" / "host" / unit.name / unit.label / "manifest.json").exists()
        return error

    return once


def call(build: Build, values: bytes) -> bytes:
    library = ctypes.CDLL(str(build.libraries["kernel.o"]))
    given, taken = ctypes.create_string_buffer(values, 64), ctypes.create_string_buffer(64)
    library.step(given, taken)
    return taken.raw


@each_compiler
def test_the_library_computes(built: Any, make_unit: UnitMaker) -> None:
    made = built(make_unit(shift=2))
    assert call(made, bytes(range(64))) == bytes(range(3, 67))


@each_compiler
def test_two_variants_of_a_kernel_do_not_meet(built: Any, make_unit: UnitMaker) -> None:
    """Inline variables are one per library, though the libraries share a process."""
    source = """#include <stdint.h>
inline int calls = SHIFT;
inline int *counter = &calls;
extern "C" void step(const int8_t *in, int8_t *out) { out[0] = in[0] + ++*counter; }
"""
    first = built(make_unit(label="a", text=source, shift=0))
    second = built(make_unit(label="b", text=source, shift=100))
    assert [call(first, b"\0")[0], call(second, b"\0")[0], call(first, b"\0")[0]] == [1, 101, 2]


@each_compiler
def test_the_library_needs_no_other_and_names_no_path(
    built: Any, make_unit: UnitMaker, tmp_path: Path
) -> None:
    source = (
        make_unit.kernel
        + 'extern "C" void *memcpy(void *, const void *, unsigned long);\n'
        + ('extern "C" void copy(char *to, const char *from, long n) { memcpy(to, from, n); }\n')
    )
    library = built(make_unit(text=source)).libraries["kernel.o"]
    content = library.read_bytes()
    for path in (tmp_path, Path(__file__).parents[2], Path(os.__file__).parents[1]):
        assert str(path).encode() not in content
    dynamic = subprocess.run(["readelf", "-d", library], capture_output=True, check=True).stdout
    assert b"NEEDED" not in dynamic
    assert b"RUNPATH" not in dynamic
    assert b"RPATH" not in dynamic


@each_compiler
def test_the_same_sources_elsewhere_give_the_same_bytes(
    make_unit: UnitMaker, tmp_path: Path
) -> None:
    contents = []
    for name in ("one", "another"):
        unit = make_unit(name=name)
        store = Store(tmp_path / f"cache-{name}")
        (result,) = build([unit], root=tmp_path / f"build-{name}", store=store)
        assert result.ran == (4 if os.environ["CXX"] else 6), "g++ tells no locals"
        assert result.build is not None
        contents.append(result.build.libraries["kernel.o"].read_bytes())
    assert contents[0] == contents[1]


@each_compiler
def test_floats_do_not_depend_on_fused_multiply_add(built: Any, make_unit: UnitMaker) -> None:
    source = 'extern "C" float step(float a, float b, float c) { return a * b + c; }\n'
    library = ctypes.CDLL(str(built(make_unit(text=source)).libraries["kernel.o"]))
    library.step.restype = ctypes.c_float
    library.step.argtypes = [ctypes.c_float] * 3
    nearly = 1 + 2.0**-12
    assert library.step(nearly, nearly, -(1 + 2.0**-11)) == 0.0, "fused would give 2**-24"


def test_the_users_environment_does_not_leak_in(
    built: Any, make_unit: UnitMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "stdint.h").write_text("#error the user's CPATH leaked in\n")
    (trap / "zig").write_text("#!/bin/sh\nexit 1\n")
    (trap / "zig").chmod(0o755)
    for name in ("CPATH", "CPLUS_INCLUDE_PATH", "PATH", "PYTHONPATH", "ZIG_LIB_DIR"):
        monkeypatch.setenv(name, str(trap))
    monkeypatch.setenv("CXXFLAGS", "-DSTEP=broken")
    monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", "/nowhere")
    assert call(built(make_unit()), b"\1")[0] == 2


def test_two_objects_of_which_one_is_in_a_folder(
    tmp_path: Path, store: Store, make_unit: UnitMaker
) -> None:
    unit = make_unit()
    other = replace(unit.objects[0], name="deep/other.o")
    (result,) = build(
        [replace(unit, objects=(*unit.objects, other))], root=tmp_path / "build", store=store
    )
    assert result.build is not None
    assert {name: path.name for name, path in result.build.libraries.items()} == {
        "kernel.o": "kernel.so",
        "deep/other.o": "deep_other.so",
    }
    assert Build.open(result.build.folder) == result.build


@each_compiler
def test_warnings_are_kept_in_the_log(built: Any, make_unit: UnitMaker) -> None:
    made = built(make_unit(text="static int never_used;\n" + make_unit.kernel))
    assert "never_used" in (made.folder / "kernel.log").read_text()
    assert "kernel.log" in made.manifest.outputs
    clean = built(make_unit(name="clean"))
    assert not (clean.folder / "kernel.log").exists()


@each_compiler
def test_a_cpp_error_shows_the_compilers_lines_command_and_log(
    refused: Any, make_unit: UnitMaker
) -> None:
    unit = make_unit(text=make_unit.kernel.replace("out[i]", "output[i]"))
    error = refused(unit)
    assert error.code == "NPU010"
    assert error.message == "add/1: kernel.cc does not compile"
    source = unit.objects[0].source
    assert any(f"{source}:4" in line and "error" in line for line in error.details)
    log = Path(error.details[-1].removeprefix("log: "))
    assert "output" in log.read_text()
    repeat = error.details[-2].removeprefix("repeat: ")
    again = subprocess.run(
        shlex.split(repeat), cwd=log.parent, capture_output=True, text=True, check=False
    )
    assert again.returncode == 1
    assert again.stderr == log.read_text()


def test_a_long_log_is_cut_in_the_message_and_whole_in_the_file(
    refused: Any, make_unit: UnitMaker
) -> None:
    lines = "".join(f"#warning w{index}\n" for index in range(50))
    error = refused(make_unit(text=lines + "#error end\n"))
    assert error.details[30].endswith("more lines in the log")
    assert "#error end" in Path(error.details[-1].removeprefix("log: ")).read_text()


@each_compiler
def test_an_unknown_header_is_named(refused: Any, make_unit: UnitMaker) -> None:
    error = refused(make_unit(text='#include "lut.h"\n'))
    assert (error.code, error.message) == ("NPU015", "add/1: there is no header lut.h")
    assert any("kernel.cc:1" in line for line in error.details)


@each_compiler
def test_a_call_into_the_math_library_names_its_line(refused: Any, make_unit: UnitMaker) -> None:
    source = '#include <math.h>\nextern "C" void step(float *a) {\n  *a = expf(*a);\n}\n'
    unit = make_unit(text=source)
    error = refused(unit)
    assert error.code == "NPU012"
    assert "expf" in error.message
    assert f"expf, called at {unit.objects[0].source}:3" in error.details
    assert error.cure is not None
    assert "aie::invsqrt" in error.cure


@each_compiler
def test_sqrtf_is_not_a_hosts_instruction(refused: Any, make_unit: UnitMaker) -> None:
    source = '#include <math.h>\nextern "C" void step(float *a) {\n  *a = sqrtf(*a);\n}\n'
    error = refused(make_unit(text=source))
    assert error.code == "NPU012"
    assert "sqrtf" in error.message


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("std::floor(*a)", "floor"),
        ("std::ceil(*a)", "ceil"),
        ("std::trunc(*a)", "trunc"),
        ("std::rint(*a)", "rint"),
        ("std::nearbyint(*a)", "nearbyint"),
        ("std::round(*a)", "round"),
        ("std::fma(a[0], a[1], a[2])", "fma"),
        ("std::fmax(a[0], a[1])", "fmax"),
        ("std::fmin(a[0], a[1])", "fmin"),
        ("std::copysign(a[0], a[1])", "copysign"),
        ("__builtin_floorf(*a)", "floor"),
        ("std::accumulate(a, a + 8, 0.0f, fmaxf)", "fmaxf"),
        ("std::transform_reduce(a, a + 8, 0.0f, std::plus<>(), floorf)", "floorf"),
        # The square root of what is not negative sets no errno: an instruction of the host.
        ("sqrtf(fabsf(*a))", "sqrtf"),
    ],
)
def test_the_math_library_is_seen_in_a_hosts_instructions(
    refused: Any, make_unit: UnitMaker, expression: str, name: str
) -> None:
    source = "#include <cmath>\n#include <functional>\n#include <numeric>\n"
    source += f'extern "C" void step(float *a) {{ *a = {expression}; }}\n'
    unit = make_unit(text=source)
    error = refused(unit)
    assert error.code == "NPU012"
    assert error.message.endswith(f": {name}")
    assert error.details == (f"{name}, called at {unit.objects[0].source}:4",)


def test_inlined_and_undefined_functions_are_told_at_once(
    refused: Any, make_unit: UnitMaker
) -> None:
    header = "#include <cmath>\ninline float lower(float x) {\n  return std::floor(x);\n}\n"
    source = '#include "lower.h"\nextern "C" void step(float *a) {\n  *a = lower(expf(*a));\n}\n'
    unit = make_unit(text=source)
    beside = unit.objects[0].source.with_name("lower.h")
    beside.write_text(header)
    error = refused(unit)
    assert error.message.endswith(": expf, floor")
    assert error.details == (
        f"expf, called at {unit.objects[0].source}:3",
        f"floor, called at {beside}:3",
    )


def test_what_needs_no_math_library_is_not_refused(built: Any, make_unit: UnitMaker) -> None:
    """Bits of a number, comparisons, constants that every compiler folds, and aie_api's own."""
    source = """#include <cmath>
#include <algorithm>
#include <aie_api/aie.hpp>
static float floor_of(float x) { return static_cast<float>(static_cast<int>(x)); }
extern "C" void step(float *a) {
  a[0] = std::fabs(a[1]) + std::max(a[2], a[3]) + floor_of(a[4]) + std::abs(int(a[7]));
  a[1] = std::floor(2.5f) + __builtin_sqrtf(16.0f) + std::isnan(a[5]);
  a[2] = aie::invsqrt(a[6]) + aie::reduce_add(aie::abs(aie::load_v<8>(a)));
}
"""
    built(make_unit(text=source))


@each_compiler
def test_an_array_of_variable_length_is_refused(refused: Any, make_unit: UnitMaker) -> None:
    source = """#include <stdint.h>
extern "C" void step(const int8_t *in, int8_t *out) {
  int8_t all[in[0]];
  for (int i = 0; i < in[0]; ++i) all[i] = in[i];
  out[0] = all[in[1]];
}
"""
    error = refused(make_unit(text=source))
    assert error.code == "NPU010"
    assert any("kernel.cc:3" in line and "variable" in line for line in error.details)


@each_compiler
def test_a_call_into_nowhere_names_its_line(refused: Any, make_unit: UnitMaker) -> None:
    source = 'extern "C" void helper();\nextern "C" void step() { helper(); }\n'
    unit = make_unit(text=source)
    error = refused(unit)
    assert error.code == "NPU013"
    assert f"helper, called at {unit.objects[0].source}:2" in error.details


@each_compiler
def test_a_function_without_extern_c_is_missed(refused: Any, make_unit: UnitMaker) -> None:
    error = refused(make_unit(text=make_unit.kernel.replace('extern "C" ', "")))
    assert error.code == "NPU014"
    assert "does not define step" in error.message
    assert error.cure is not None
    assert 'extern "C"' in error.cure


def test_a_missing_source_is_named(refused: Any, make_unit: UnitMaker) -> None:
    unit = make_unit()
    unit.objects[0].source.unlink()
    error = refused(unit)
    assert (error.code, error.exit_code) == ("NPU002", 2)
    assert str(unit.objects[0].source) in error.message
