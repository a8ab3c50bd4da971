"""The lock file: the committed one is right, and nothing unpinned gets through."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import LabError, MissingEnvironment, UsageError
from toolchain.pins import lockfile

ROOT = Path(__file__).parents[2]
OWN = lockfile.PATH.read_text(encoding="utf-8")
HASH = "17844e20250261adff0e396b142924d9d87cc947461bbe12fbe0d065ae21d9cd"


def parse(text: str) -> lockfile.Lock:
    return lockfile.parse(text, Path("pins.toml"))


def test_the_committed_lock_pins_the_wheels_of_python_3_11() -> None:
    wheels = {wheel.name: wheel for wheel in lockfile.load().variant("3.11")}
    assert sorted(wheels) == ["llvm-aie", "mlir-aie"]
    assert wheels["mlir-aie"].sha256 == HASH
    assert wheels["mlir-aie"].file_name == "mlir_aie-1.4.2-cp311-cp311-manylinux_2_35_x86_64.whl"
    assert "+c9c5ecb7" in wheels["llvm-aie"].file_name


def test_file_names_are_wheel_names_of_the_pinned_version() -> None:
    from packaging.utils import canonicalize_name, parse_wheel_filename
    from packaging.version import Version

    for wheel in lockfile.load().wheels:
        name, version, _, tags = parse_wheel_filename(wheel.file_name)
        assert (name, version) == (canonicalize_name(wheel.name), Version(wheel.version))
        interpreters = {tag.interpreter for tag in tags}
        expected = "py3" if wheel.python == "any" else f"cp{wheel.python.replace('.', '')}"
        assert interpreters == {expected}


def test_the_host_compiler_is_the_one_that_the_lab_requires() -> None:
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    host = lockfile.load().host
    assert f"{host.compiler}=={host.version}" in required


def test_an_unpinned_variant_names_the_command_that_pins_it() -> None:
    text = OWN.replace(HASH, lockfile.UNPINNED)
    with pytest.raises(MissingEnvironment) as caught:
        parse(text).variant("3.11")
    assert (caught.value.code, caught.value.exit_code) == ("NPU024", 3)
    assert "npulab lock" in str(caught.value)


def test_another_variant_is_named_only_where_it_is_pinned() -> None:
    one = OWN.replace(lockfile.UNPINNED, "0" * 64).replace(HASH, lockfile.UNPINNED)
    for text, says in ((one, "NPULAB_PYTHON 3.13"), (OWN.replace(HASH, lockfile.UNPINNED), None)):
        with pytest.raises(MissingEnvironment) as caught:
            parse(text).variant("3.11")
        assert says is None or says in str(caught.value.cure)
        assert ("another variant" in str(caught.value.cure)) is (says is not None)


def test_an_unknown_variant_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        parse(OWN).variant("3.10")
    assert caught.value.code == "NPU025"


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        (f'sha256 = "{HASH}"\n', "", "NPU023", "has no sha256"),
        (HASH, HASH[:-1], "NPU023", "not 64"),
        (HASH, HASH.upper(), "NPU023", "not 64"),
        (HASH, "", "NPU023", "not 64"),
        ('"https://github.com/Xilinx/mlir', '"http://example.org/mlir', "NPU023", "not encrypted"),
        ('"https://github.com/Xilinx/mlir', '"file:///mlir', "NPU023", "not one of https"),
        ('"https://github.com/Xilinx/mlir', '"mlir', "NPU023", "not one of https"),
        ("cp311-manylinux_2_35_x86_64.whl", "cp311.tar.gz", "NPU022", "wheel's name"),
        ("mlir_aie-1.4.2-cp311", "..%2F..%2Fmlir_aie", "NPU022", "wheel's name"),
        ("schema = 1", "schema = 2", "NPU022", "schema 2"),
        ("schema = 1", "schema = [", "NPU022", "not TOML"),
        ("schema = 1", "", "NPU022", "schema"),
        ('tag = "v1.4.2"', 'tga = "v1.4.2"', "NPU022", "did you mean tag"),
        ('tag = "v1.4.2"', "tag = 3", "NPU022", "Expected `str`"),
        ('python = "3.11"\ntag', 'python = "3.9"\ntag', "NPU022", "no variant"),
        ('python = "3.11"\ntag', 'python = "any"\ntag', "NPU022", "2 wheels of mlir-aie"),
        ('name = "llvm-aie"', 'name = "llvm"', "NPU022", "not llvm-aie and mlir-aie"),
        ('tag = "nightly"', 'tag = "nightly"\nsize = 0', "NPU022", "size of 0"),
    ],
)
def test_a_wrong_lock_is_refused(old: str, new: str, code: str, says: str) -> None:
    assert old in OWN
    with pytest.raises(UsageError) as caught:
        parse(OWN.replace(old, new, 1))
    assert caught.value.code == code
    assert says in str(caught.value)
    assert caught.value.cure


def test_a_missing_lock_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read") as caught:
        lockfile.load(tmp_path / "none.toml")
    assert caught.value.code == "NPU022"


def test_binary_rubbish_is_an_error_of_one_line(tmp_path: Path) -> None:
    path = tmp_path / "pins.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not text"):
        lockfile.load(path)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_line_left_out_gives_a_lock_or_a_clear_error(data: st.DataObject) -> None:
    lines = OWN.splitlines(keepends=True)
    left_out = data.draw(st.integers(0, len(lines) - 1))
    text = "".join(lines[:left_out] + lines[left_out + 1 :])
    code: str | None = None
    wheels: tuple[lockfile.Wheel, ...] = ()
    try:
        wheels = parse(text).wheels
    except LabError as error:
        code = error.code
    assert bool(wheels) != (code in ("NPU022", "NPU023"))
    assert all(re.fullmatch(r"[0-9a-f]{64}|not yet pinned", w.sha256) for w in wheels)


@pytest.mark.parametrize("table", ["wheel", "base", "xrt", "host"])
def test_every_table_is_needed(table: str) -> None:
    document = tomlkit.parse(OWN)
    del document[table]
    with pytest.raises(UsageError) as caught:
        parse(tomlkit.dumps(document))
    assert caught.value.code == "NPU022"
