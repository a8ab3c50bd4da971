"""Steps that run programs: what a failure says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from errors import CheckFailed, LabError
from toolchain.storage.places import Places
from toolchain.work.diagnose import Cause, Diagnosis, diagnose
from toolchain.work.runner import LocalRunner
from toolchain.work.steps import LOG_LINES, CommandStep

FAILURE = Diagnosis(message="it fails", cure="mend it", code="NPU011")
CAUSES = (
    Cause(
        pattern=re.compile(r"cannot find (?P<what>\w+)"),
        message="no {what} here",
        cure="get one",
        code="NPU015",
    ),
)


def shell(tmp_path: Path, script: str, timeout: float = 30) -> CommandStep:
    return CommandStep(
        unit="u/1",
        name="do",
        pin="1",
        command=("/bin/sh", "-c", script),
        timeout=timeout,
        failure=FAILURE,
        causes=lambda: CAUSES,
        log="log",
        kept_log=tmp_path / "kept" / "log",
        headers="headers.d",
        pinned=(Path("/pinned"),),
        sources=(Path("/src/a.cc"),),
        places=Places({Path("/src"): "source"}),
    )


def failure(tmp_path: Path, script: str, timeout: float = 30) -> LabError:
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(CheckFailed) as caught:
        shell(tmp_path, script, timeout).run(work, LocalRunner())
    return caught.value


def test_a_failure_shows_output_command_and_log(tmp_path: Path) -> None:
    error = failure(tmp_path, "echo one; echo two >&2; exit 7")
    assert error.message == "u/1: it fails"
    assert error.details[:2] == ("one", "two")
    assert error.details[2].startswith("repeat: env -i /bin/sh -c ")
    assert error.details[3] == f"log: {tmp_path / 'kept' / 'log'}"
    assert (tmp_path / "kept" / "log").read_text() == "one\ntwo\n"


def test_a_known_cause_says_more(tmp_path: Path) -> None:
    error = failure(tmp_path, "echo error: cannot find header; exit 1")
    assert (error.message, error.cure, error.code) == ("u/1: no header here", "get one", "NPU015")


def test_a_success_that_mentions_a_cause_is_none(tmp_path: Path) -> None:
    shell(tmp_path, "echo cannot find header; echo 'o: a' >headers.d").run(tmp_path, LocalRunner())


def test_output_that_is_no_text(tmp_path: Path) -> None:
    assert failure(tmp_path, r"printf 'a\377b'; exit 1").details[0] == "a\ufffdb"


def test_a_long_output_is_cut(tmp_path: Path) -> None:
    error = failure(tmp_path, "seq 1000; exit 1")
    assert error.details[LOG_LINES - 1 : LOG_LINES + 1] == (
        str(LOG_LINES),
        f"... {1000 - LOG_LINES} more lines in the log",
    )


def test_a_program_over_its_time(tmp_path: Path) -> None:
    error = failure(tmp_path, "echo started; sleep 60", timeout=0.3)
    assert error.code == "NPU017"
    assert "sh was still running after 0.3 s" in error.message
    assert error.details[0] == "started"


def test_a_program_that_crashes(tmp_path: Path) -> None:
    assert failure(tmp_path, "kill -SEGV $$").message == "u/1: it fails"


def test_files_read_are_those_that_no_input_or_pin_answers_for(tmp_path: Path) -> None:
    rule = "out: /src/a.cc /src/a.h /pinned/b.h relative.h"
    found = shell(tmp_path, f"echo '{rule}' >headers.d").run(tmp_path, LocalRunner())
    assert found == [Path("/src/a.h"), tmp_path / "relative.h"]


def test_the_recipe_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    step = shell(tmp_path, "/src")
    assert step.recipe() == {"command": ["sh", "-c", "source"], "env": {}}


def test_the_first_cause_that_matches_counts() -> None:
    assert diagnose("fine", CAUSES) is None
    assert diagnose("cannot find x", CAUSES) == Diagnosis(
        message="no x here", cure="get one", code="NPU015"
    )
