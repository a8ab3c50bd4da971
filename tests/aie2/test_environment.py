"""Installing a toolchain of FAKE wheels: what works is kept, what is broken is named."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from errors import LabError, MissingEnvironment, UsageError
from toolchain.aie2 import environment, glibc, options, packer
from toolchain.aie2.environment import Environment
from toolchain.pins import lockfile
from toolchain.storage.store import Store

Install = Callable[[], Environment]
AIECC = "mlir_aie-1.4.2-py3-none-any.whl", "mlir_aie/bin/aiecc"
CLANG = "llvm_aie-21.0.0-py3-none-any.whl", "llvm-aie/bin/clang++"
NM = "llvm_aie-21.0.0-py3-none-any.whl", "llvm-aie/bin/llvm-nm"


def failing(says: str) -> str:
    """Return a program that says something and fails."""
    return f"#!/bin/sh\ncat <<'END'\n{says}\nEND\nexit 1\n"


def made(store: Store) -> list[str]:
    """Names of the environments in the cache."""
    return [path.name for path in (store.root / "toolchains").glob("*")]


def test_an_environment_is_made_tested_and_found_again(
    install: Install, store: Store, wheels: Any, packer: Path
) -> None:
    made_now = install()
    assert environment.find(store, wheels.pins) == made_now
    assert install() == made_now
    assert made(store) == [made_now.folder.name]
    assert made_now.record.versions == {
        "clang++": "clang version 21.0.0 (FAKE llvm-aie)",
        "aiecc": "aiecc (FAKE mlir-aie declarative driver)",
        "xclbinutil": "XRT Build Version: 2.25.0 (FAKE)",
    }
    assert made_now.record.options == ("--no-progress", "--nthreads=1", *options.SELECTORS)
    assert (made_now.folder / "bin" / "xclbinutil").resolve() == packer.resolve()
    assert Path(made_now.tool("aiecc")).is_absolute()
    assert sorted(made_now.pins) == ["llvm-aie", "mlir-aie", "xclbinutil"]
    assert list((store.root / "work").glob("*/step/*")) == []


def test_options_of_an_older_driver_are_passed_where_it_has_them(
    install: Install, wheels: Any
) -> None:
    listed = wheels.contents[AIECC[0]]["fake_support/options.json"]
    wheels.contents[AIECC[0]]["fake_support/options.json"] = listed.replace(
        b'"verbose"', b'"verbose", "no-xchesscc", "no-xbridge"'
    ).replace(b'"input-with-addresses", ', b"")
    wheels.write()
    assert install().record.options == (*options.OPTIONAL, "--get-core-elfs")


@pytest.mark.parametrize(
    ("tool", "script", "code", "says"),
    [
        (AIECC, "#!/nowhere/python\n", "NPU016", "cannot start"),
        (AIECC, "#!/bin/sh\nexit 3\n", "NPU036", "aiecc --version exits 3"),
        (AIECC, "#!/bin/sh\necho aiecc\n", "NPU036", "has no option"),
        (
            AIECC,
            failing("AttributeError: module 'typing' has no attribute '_ClassVar'"),
            "NPU070",
            "old one",
        ),
        (
            AIECC,
            failing("ModuleNotFoundError: No module named 'aie.extras.util'"),
            "NPU071",
            "aie.extras.util is missing",
        ),
        (
            CLANG,
            failing("clang++: /lib/libc.so.6: version `GLIBC_2.38' not found"),
            "NPU073",
            "GLIBC_2.38",
        ),
        (CLANG, "#!/bin/sh\necho clang version 21\n", "NPU036", "knows no target aie2"),
        (
            CLANG,
            "#!/bin/sh\necho '  aie2  - AIE2'\n[ $1 = --version -o $1 = --print-targets ]\n",
            "NPU036",
            "clang++ -O2 -std=c++20 exits 1",
        ),
        (NM, "#!/bin/sh\necho '00000000 t probe'\n", "NPU036", "has not the function"),
    ],
)
def test_a_broken_tool_is_found_at_install_with_its_cause(
    tool: tuple[str, str],
    script: str,
    code: str,
    says: str,
    install: Install,
    wheels: Any,
    store: Store,
) -> None:
    wheel, path = tool
    wheels.contents[wheel][path] = script.encode()
    wheels.write()
    with pytest.raises(LabError) as caught:
        install()
    assert caught.value.code == code
    assert says in caught.value.message
    assert caught.value.cure
    assert made(store) == []
    assert environment.find(store, wheels.pins) is None


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("#!/bin/sh\nexit 1\n", "NPU038"),
        ("#!/bin/sh\nexit 0\n", "NPU038"),
        (
            failing(
                "xclbinutil: error while loading shared libraries: libxrt.so: cannot open "
                "shared object file: No such file or directory"
            ),
            "NPU073",
        ),
    ],
)
def test_a_packer_that_does_not_work_is_the_users_to_cure_not_the_pins(
    script: str, code: str, install: Install, packer: Path, store: Store
) -> None:
    packer.write_text(script)
    with pytest.raises(LabError) as caught:
        install()
    assert caught.value.code == code
    assert str(packer) in caught.value.message
    assert "lock" not in str(caught.value.cure)
    assert code != "NPU038" or "NPULAB_XCLBINUTIL" in str(caught.value.cure)
    assert made(store) == []


@pytest.mark.parametrize(
    ("wheel", "path"), [AIECC, CLANG, NM, (AIECC[0], "mlir_aie/include/aie_api/aie.hpp")]
)
def test_a_missing_file_is_named(
    wheel: str, path: str, install: Install, wheels: Any, store: Store
) -> None:
    del wheels.contents[wheel][path]
    wheels.write()
    with pytest.raises(LabError, match=path.replace("+", r"\+")) as caught:
        install()
    assert caught.value.code == "NPU036"
    assert made(store) == []


@pytest.mark.parametrize("damage", ["gone", "changed", "record"])
def test_an_environment_that_was_tampered_with_is_made_anew(
    damage: str, install: Install, store: Store, wheels: Any
) -> None:
    first = install()
    tool = Path(first.tool("aiecc"))
    if damage == "gone":
        tool.unlink()
    elif damage == "changed":
        tool.write_text("#!/bin/sh\n")
    else:
        (first.folder / environment.RECORD).write_text("{}")
    assert environment.find(store, wheels.pins) is None
    again = install()
    assert again.folder == first.folder
    assert b"FAKE" in Path(again.tool("aiecc")).read_bytes()


def damage(folder: Path, how: str) -> str:
    """Alter what no check of the tools sees, and return the path of the file."""
    path = folder / "site" / "mlir_aie" / "include" / "aie_api" / "aie.hpp"
    if how == "gone":
        path.unlink()
    elif how == "same size":
        path.write_bytes(path.read_bytes()[::-1])
        os.utime(path, ns=(1, 1))
    elif how == "new":
        path = path.with_name("stdint.h")
        path.write_text("#error trapped\n")
    else:
        path = folder / "bin" / "xclbinutil"
        path.unlink()
        path.symlink_to("/bin/false")
    return str(path.relative_to(folder))


@pytest.mark.parametrize("how", ["gone", "same size", "new", "other packer"])
def test_an_altered_file_is_named_and_the_environment_made_anew(
    how: str, install: Install, store: Store, wheels: Any
) -> None:
    first = install()
    assert first.altered is None
    name = damage(first.folder, how)
    found = environment.find(store, wheels.pins)
    assert found is not None
    with pytest.raises(MissingEnvironment, match=name) as caught:
        found.check()
    assert (caught.value.code, "npulab fetch" in str(caught.value.cure)) == ("NPU069", True)
    again = install()
    assert (again.folder, again.altered) == (first.folder, None)
    again.check()


def test_an_environment_without_its_list_of_files_is_made_anew(
    install: Install, store: Store, wheels: Any
) -> None:
    first = install()
    (first.folder / environment.FILES).unlink()
    found = environment.find(store, wheels.pins)
    assert found is not None
    with pytest.raises(MissingEnvironment, match=environment.FILES):
        found.check()
    assert install().altered is None


def test_other_wheels_are_another_environment(install: Install, wheels: Any) -> None:
    first = install()
    wheels.contents[AIECC[0]]["mlir_aie/README"] = b"another release"
    wheels.write()
    assert install().folder != first.folder


class TestPacker:
    def test_another_packer_is_another_environment(self, install: Install, packer: Path) -> None:
        first = install()
        packer.write_bytes(packer.read_bytes() + b"# newer\n")
        assert install().folder != first.folder

    def test_a_setting_that_names_none_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NPULAB_XCLBINUTIL", "/nowhere/xclbinutil")
        with pytest.raises(UsageError) as caught:
            packer.find()
        assert caught.value.code == "NPU038"

    def test_the_users_path_is_not_searched(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packer: Path
    ) -> None:
        monkeypatch.delenv("NPULAB_XCLBINUTIL")
        monkeypatch.setattr("toolchain.aie2.packer.PLACES", (tmp_path / "usr/bin/xclbinutil",))
        monkeypatch.setenv("PATH", f"{packer.parent}:{os.environ['PATH']}")
        from toolchain.aie2 import packer as module

        with pytest.raises(MissingEnvironment) as caught:
            module.find()
        assert caught.value.code == "NPU038"


class TestGlibc:
    @pytest.mark.parametrize(
        ("version", "code"), [("glibc 2.35", None), ("glibc 2.34", "NPU037"), (None, "NPU037")]
    )
    def test_the_c_library_must_be_new_enough(
        self, version: str | None, code: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "confstr", lambda _: version)
        found = None
        try:
            glibc.check(lockfile.load().variant("3.11"))
        except LabError as error:
            found = error.code
        assert found == code

    def test_another_processor_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        uname = os.uname()
        other = os.uname_result((*uname[:4], "aarch64"))
        monkeypatch.setattr(os, "uname", lambda: other)
        with pytest.raises(MissingEnvironment, match="aarch64"):
            glibc.check(lockfile.load().variant("3.11"))


@pytest.mark.parametrize(
    ("line", "option", "listed"),
    [
        ("  --tmpdir=<string>   - Intermediate", "--tmpdir=prj", True),
        ("  --tmpdir-other=<string>", "--tmpdir=prj", False),
        ("  -v, --verbose", "--verbose", True),
        ("  Use --get-xclbin to", "--get-xclbin", False),
        ("  -j<uint>  - Threads", "-j", False),
        ("", "--get", False),
    ],
)
def test_options_are_found_in_a_help_text(line: str, option: str, listed: bool) -> None:
    assert options.named(f"OPTIONS:\n{line}\n", option) is listed
