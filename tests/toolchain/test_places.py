"""Stand-ins for folders."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from toolchain.storage.places import Places

PART = st.text("ab.-_= é", min_size=1, max_size=4).filter(lambda part: part.strip(".") != "")
FOLDER = st.lists(PART, min_size=1, max_size=4).map(lambda parts: Path("/", *parts))


def test_an_argument_may_hold_paths_between_equals_signs() -> None:
    places = Places({Path("/x/kernel"): "kernel", Path("/x/include"): "include"})
    assert places.neutral("/x/include/aie_api") == "include/aie_api"
    assert places.neutral("-ffile-prefix-map=/x/kernel=kernel") == "-ffile-prefix-map=kernel=kernel"
    assert places.neutral("-ffile-prefix-map=/x/kernel=/x/include") == (
        "-ffile-prefix-map=kernel=include"
    )


def test_a_folder_whose_name_only_begins_alike_is_another() -> None:
    places = Places({Path("/x/kernel"): "kernel"})
    assert places.neutral("/x/kernels/a.cc") == "/x/kernels/a.cc"
    assert places.neutral("/y/x/kernel/a.cc") == "/y/x/kernel/a.cc"
    assert places.neutral("/x/kernel") == "kernel"


def test_the_innermost_folder_wins() -> None:
    places = Places({Path("/x"): "outer", Path("/x/y"): "inner"})
    assert places.neutral("/x/y/a.h") == "inner/a.h"
    assert places.neutral("/x/a.h") == "outer/a.h"
    assert [name for _, name in places] == ["outer", "inner"]


@given(folders=st.sets(FOLDER, max_size=4), inside=FOLDER, tail=FOLDER)
def test_a_path_comes_back_from_its_stand_in(folders: set[Path], inside: Path, tail: Path) -> None:
    folders.add(inside)
    places = Places({folder: f"<{index}>" for index, folder in enumerate(sorted(folders))})
    path = inside / tail.relative_to("/")
    assert places.real(places.neutral(str(path))) == path
    assert places.neutral(str(path)).startswith("<")


@given(path=FOLDER)
def test_without_folders_nothing_changes(path: Path) -> None:
    assert Places({}).neutral(str(path)) == str(path)
