"""What a container may take, as the environment says it."""

from __future__ import annotations

import pytest

from errors import UsageError
from npulab.running import limits
from toolchain.docker.container import HEADROOM, Limits


def test_it_is_what_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NPULAB_MEMORY", "NPULAB_PROCESSES"):
        monkeypatch.delenv(name, raising=False)
    assert limits() == Limits()
    monkeypatch.setenv("NPULAB_MEMORY", "64")
    monkeypatch.setenv("NPULAB_PROCESSES", "9")
    assert limits() == Limits(memory=64 << 20, processes=9)


@pytest.mark.parametrize("text", ["", "0", "1", "63", "-64", "1.5", "8G", "\u0662\u0664", "9" * 20])
def test_memory_that_no_container_can_be_given_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("NPULAB_MEMORY", text)
    with pytest.raises(
        UsageError, match=r"NPULAB_MEMORY is .* from 64 to 1073741824 \(MiB\)"
    ) as told:
        limits()
    assert told.value.code == "NPU063"


@pytest.mark.parametrize("text", ["0", "many", str((1 << 22) - HEADROOM + 1)])
def test_processes_that_linux_does_not_count_name_their_variable(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("NPULAB_PROCESSES", text)
    with pytest.raises(UsageError, match=r"NPULAB_PROCESSES is .* from 1 to 4194240") as told:
        limits()
    assert told.value.code == "NPU063"
