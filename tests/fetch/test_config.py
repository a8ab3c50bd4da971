"""The settings file: where it is, what it may say, and that variables win."""

from __future__ import annotations

from pathlib import Path

import pytest

from errors import UsageError
from toolchain import config
from toolchain.fetch import mirror


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of the user's own settings file, which is not there."""
    monkeypatch.delenv("NPULAB_CONFIG", raising=False)
    monkeypatch.delenv("NPULAB_MIRROR", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "npulab").mkdir()
    return tmp_path / "npulab" / "config.toml"


def test_no_file_and_an_empty_one_set_nothing(file: Path) -> None:
    assert config.load() == config.Config(path=file)
    file.touch()
    assert config.load() == config.Config(path=file)
    assert mirror.chosen() is None


def test_it_names_the_mirror(file: Path, tmp_path: Path) -> None:
    file.write_text(f'mirror = "{tmp_path}"\n')
    assert mirror.chosen() == tmp_path
    (file.parent / "wheels").mkdir()
    file.write_text('mirror = "wheels"\n')  # as seen from the file
    assert mirror.chosen() == file.parent / "wheels"


def test_the_variables_win(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(f'mirror = "{file.parent}"\n')
    monkeypatch.setenv("NPULAB_MIRROR", str(tmp_path))
    assert mirror.chosen() == tmp_path
    monkeypatch.setenv("NPULAB_MIRROR", "")
    assert mirror.chosen() is None
    monkeypatch.delenv("NPULAB_MIRROR")
    (tmp_path / "other.toml").write_text(f'mirror = "{tmp_path}"\n')
    monkeypatch.setenv("NPULAB_CONFIG", str(tmp_path / "other.toml"))
    assert mirror.chosen() == tmp_path


def test_a_mirror_that_is_no_folder_is_named_with_the_file(file: Path) -> None:
    file.write_text('mirror = "/nowhere/wheels"\n')
    with pytest.raises(UsageError, match="/nowhere/wheels") as caught:
        mirror.chosen()
    assert caught.value.code == "NPU034"
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'miror = "/srv"\n', "unknown key miror; did you mean mirror?"),
        (b"[mirror]\n", "another value than the path of a folder"),
        (b"mirror = 3\n", "another value than the path of a folder"),
        (b'mirror = ""\n', "another value than the path of a folder"),
        (b"mirror\n", "is not TOML"),
        (b"\xff\xfe", "it is not text"),
    ],
)
def test_a_wrong_file_is_named(content: bytes, says: str, file: Path) -> None:
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        config.load()
    assert (caught.value.code, says in caught.value.message) == ("NPU068", True)
    assert str(file) in caught.value.message


def test_a_file_that_the_variable_names_must_be_there(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPULAB_CONFIG", str(file))
    with pytest.raises(UsageError, match="is not there") as caught:
        config.load()
    assert caught.value.code == "NPU068"
    monkeypatch.setenv("NPULAB_CONFIG", str(file.parent))
    with pytest.raises(UsageError, match="cannot be read"):
        config.load()
