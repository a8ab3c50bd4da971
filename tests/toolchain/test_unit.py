"""Units: from the lab's kernels, and from files of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from errors import UsageError
from kernels import registry
from toolchain.unit import Unit


def declare(*pairs: tuple[str, str]) -> str:
    return "\n".join(
        f'func.func private @{name}(memref<4xi8>) attributes {{link_with = "{object_}"}}'
        for name, object_ in pairs
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("scale.cc", "add.cc", "other.cpp"):
        (tmp_path / name).write_text("")
    return tmp_path


def from_files(folder: Path, text: str, *links: str) -> Unit:
    (folder / "my.mlir").write_text(text)
    return Unit.from_files(folder / "my.mlir", [folder / link for link in links])


def test_a_kernel_is_a_unit() -> None:
    kernel = registry.find("passthrough")[0]
    unit = Unit.from_kernel(kernel)
    assert unit.title == kernel.title
    assert unit.design == kernel.design()
    assert unit.args == kernel.args()
    assert unit.functions == kernel.functions()
    (built,) = unit.objects
    assert (built.name, built.source, built.defines) == (
        "kernel.o",
        kernel.source,
        kernel.defines(),
    )


def test_files_answer_for_the_objects_of_their_names(folder: Path) -> None:
    text = declare(("a", "scale.o"), ("b", "add.o"), ("c", "scale.o"))
    unit = from_files(folder, text, "add.cc", "scale.cc")
    assert [(built.name, built.source.name) for built in unit.objects] == [
        ("add.o", "add.cc"),
        ("scale.o", "scale.cc"),
    ]
    assert unit.args is None
    assert unit.functions == ()
    assert unit.label == "my"
    assert unit.source == folder / "my.mlir"


def test_one_file_answers_for_one_object_of_any_name(folder: Path) -> None:
    unit = from_files(folder, declare(("a", "kernel.o")), "other.cpp")
    assert [(built.name, built.source.name) for built in unit.objects] == [
        ("kernel.o", "other.cpp")
    ]
    assert unit.objects[0].stem == "kernel"


def test_an_object_of_the_core_counts_too(folder: Path) -> None:
    unit = from_files(folder, 'aie.core(%t) { aie.end } {link_with = "kernel.o"}', "add.cc")
    assert unit.objects[0].name == "kernel.o"


def test_an_object_in_a_folder_is_matched_by_its_last_name(folder: Path) -> None:
    text = declare(("a", "build/add.o"), ("b", "scale.o"))
    unit = from_files(folder, text, "scale.cc", "add.cc")
    assert [(built.name, built.stem, built.source.name) for built in unit.objects] == [
        ("build/add.o", "build_add", "add.cc"),
        ("scale.o", "scale", "scale.cc"),
    ]


def test_a_comment_links_nothing(folder: Path) -> None:
    text = '// link_with = "old.o"\n' + declare(("a", "add.o"))
    assert [built.name for built in from_files(folder, text, "add.cc").objects] == ["add.o"]


def test_a_design_without_objects(folder: Path) -> None:
    assert from_files(folder, "module {}").objects == ()


@pytest.mark.parametrize(
    ("objects", "links"),
    [
        (("scale.o", "add.o"), ("add.cc",)),
        (("scale.o", "add.o"), ("add.cc", "other.cpp")),
        (("scale.o",), ("scale.cc", "add.cc")),
        ((), ("add.cc",)),
        (("scale.o",), ()),
        (("add.o", "scale.o"), ("add.cc", "scale.cc", "scale.cc")),
    ],
)
def test_files_that_do_not_match_show_both_sides(
    folder: Path, objects: tuple[str, ...], links: tuple[str, ...]
) -> None:
    text = declare(*((f"f{index}", name) for index, name in enumerate(objects)))
    with pytest.raises(UsageError, match="do not match") as caught:
        from_files(folder, text, *links)
    assert caught.value.code == "NPU003"
    wanted, given = caught.value.details
    assert all(name in wanted for name in objects)
    assert all(name in given for name in links)


def test_a_near_name_is_proposed(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"did you mean add\.o"):
        from_files(folder, declare(("a", "adds.o"), ("b", "scale.o")), "add.cc", "scale.cc")


@pytest.mark.parametrize("kind", ["missing", "folder", "binary"])
def test_a_design_that_cannot_be_read(folder: Path, kind: str) -> None:
    path = folder / "design.mlir"
    if kind == "folder":
        path.mkdir()
    elif kind == "binary":
        path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"cannot read the design .*design\.mlir") as caught:
        Unit.from_files(path, [])
    assert caught.value.code == "NPU001"


def test_a_link_file_that_is_not_there(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"no file .*gone\.cc") as caught:
        from_files(folder, declare(("a", "gone.o")), "gone.cc")
    assert caught.value.code == "NPU002"
