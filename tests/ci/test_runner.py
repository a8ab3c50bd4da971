"""The runner kit without a runner: dry run, refusals, and health of a host."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
from pathlib import Path
from shutil import which

import pytest
from click.testing import CliRunner

from errors import UsageError
from npulab import hardware
from npulab.cli import cli
from runtime.canary import check_canary
from runtime.health import Sign, examine, out_of_rotation
from runtime.lock import DEFAULT, QUEUE, device_lock
from runtime.xrt import XrtDevice, fake_stack
from simulator.fake_xrt.board import Board
from simulator.fake_xrt.faults import Ends, Spoiled

KIT = Path(__file__).parents[2] / "ci" / "runner"
SCRIPTS = sorted(KIT.glob("*.sh"))


def install(*args: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(KIT / "install.sh"), *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def options(tmp_path: Path) -> dict[str, str]:
    archive, token = tmp_path / "runner.tar.gz", tmp_path / "token"
    archive.write_bytes(b"runner")
    token.write_text("very-secret")
    return {
        "--url": "https://github.com/owner/repository",
        "--archive": str(archive),
        "--sha256": hashlib.sha256(b"runner").hexdigest(),
        "--token-file": str(token),
    }


def flat(options: dict[str, str]) -> list[str]:
    return [word for pair in options.items() for word in pair]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_parses_and_stops_at_the_first_error(script: Path) -> None:
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert "set -euo pipefail" in script.read_text()
    assert os.access(script, os.X_OK)


def test_a_dry_run_shows_all_and_does_nothing(options: dict[str, str]) -> None:
    ended = install(*flat(options), "--dry-run")
    assert ended.returncode == 0, ended.stderr
    for word in ("useradd", "memlock unlimited", "--groups render", "systemctl enable"):
        assert word in ended.stdout
    assert "ConditionPathExists=!" in ended.stdout
    assert "very-secret" not in ended.stdout
    assert not Path("/opt/npulab-runner").exists()


def test_the_uninstaller_removes_what_the_installer_makes(options: dict[str, str]) -> None:
    made, removed = install(*flat(options), "--dry-run").stdout, install("--uninstall", "--dry-run")
    for path in (
        "/etc/systemd/system/npulab-runner.service",
        "/etc/security/limits.d/npulab-runner.conf",
        "/opt/npulab-runner",
        "/usr/local/lib/npulab-runner",
        "/var/lib/npulab-runner",
        "/etc/npulab-runner",
        "/etc/tmpfiles.d/npulab-runner.conf",
        "/run/lock/npulab",
    ):
        assert path in made
        assert path in removed.stdout


def test_the_uninstaller_keeps_the_timings() -> None:
    removed = install("--uninstall", "--dry-run").stdout.splitlines()
    kept = [line for line in removed if line.startswith("mv ") and "timings.jsonl" in line]
    assert [line.split()[-1] for line in kept] == ["/var/lib/npulab-timings.jsonl"]
    gone = next(index for index, line in enumerate(removed) if line.startswith("rm -rf"))
    assert removed.index(kept[0]) < gone
    assert "/var/lib/npulab-timings.jsonl" not in removed[gone]


def test_the_queues_folder_is_there_after_a_restart(options: dict[str, str]) -> None:
    """/var/lock is emptied when the machine starts: who makes the folder is systemd-tmpfiles."""
    made = install(*flat(options), "--dry-run").stdout
    assert "d /run/lock/npulab 2775 root render -" in made.splitlines()
    assert "systemd-tmpfiles --create /etc/tmpfiles.d/npulab-runner.conf" in made
    assert str(DEFAULT) == "/var/lock/npulab"


@pytest.mark.skipif(not which("systemd-analyze"), reason="no systemd-analyze on this machine")
def test_the_unit_is_valid(options: dict[str, str], tmp_path: Path) -> None:
    """The programs that it names are not installed here: only that may be said against it."""
    made = install(*flat(options), "--dry-run").stdout
    unit = tmp_path / "npulab-runner.service"
    unit.write_text(made[made.index("[Unit]") : made.index("END", made.index("[Install]"))])
    ended = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    said = [line for line in ended.stderr.splitlines() if unit.name in line]
    assert all("is not executable" in line for line in said), ended.stderr


@pytest.mark.parametrize(
    ("option", "value", "says", "code"),
    [
        ("--url", "https://example.org/x", "--url takes", 2),
        ("--archive", "nowhere", "no file", 2),
        ("--sha256", "0" * 64, "not the one with that hash", 1),
        ("--sha256", "latest", "64 hex digits", 2),
        ("--token-file", "nowhere", "no file", 2),
        ("--colour", "red", "unknown option", 2),
    ],
)
def test_wrong_options_are_refused(
    option: str, value: str, says: str, code: int, options: dict[str, str]
) -> None:
    ended = install(*flat({**options, option: value}), "--dry-run")
    assert ended.returncode == code
    assert says in ended.stderr
    assert not ended.stdout


def test_the_service_leaves_the_health_check_time_to_wait(options: dict[str, str]) -> None:
    """Else systemd would end it, and nobody would be told for whom it waited."""
    (wait,) = re.findall(r" --wait (\d+) ", (KIT / "health.sh").read_text())
    limits = re.findall(
        r"^Timeout(Start|Stop)Sec=(\d+)min$", install(*flat(options), "--dry-run").stdout, re.M
    )
    assert [name for name, _ in limits] == ["Start", "Stop"]
    assert all(int(minutes) * 60 >= 2 * int(wait) for _, minutes in limits)


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """The installed scripts, with programs in `bin` that stand in for those of the system."""
    folder = tmp_path / "kit"
    (folder / "bin").mkdir(parents=True)
    for script in SCRIPTS:
        (folder / script.name).write_bytes(script.read_bytes())
    stand_ins = {
        "runuser": 'shift 3; exec "$@"',
        "curl": 'echo "$HOME $*" >"$0.log"; cat >/dev/null; echo "{\\"token\\": \\"1\\"}"',
        "sleep": "",
        "logger": "",
    }
    for name, script in stand_ins.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / "bin" / name).chmod(0o755)
    return folder


def environment(kit: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PATH": f"{kit / 'bin'}:{os.environ['PATH']}", **more}


def test_root_runs_nothing_that_a_job_left(kit: Path, tmp_path: Path) -> None:
    with tarfile.open(kit / "runner.tar.gz", "w:gz") as archive:
        content = b'#!/bin/sh\necho "$PWD $HOME $*" >configured\n'
        member = tarfile.TarInfo("config.sh")
        member.mode, member.size = 0o755, len(content)
        archive.addfile(member, io.BytesIO(content))
    (kit / "token").write_text("secret")
    home = tmp_path / "home"
    (home / "_work" / "deep").mkdir(parents=True)
    for name in ("json.py", "sitecustomize.py"):
        (home / name).write_text(f"open({str(tmp_path / 'owned')!r}, 'w')\n")
    (home / "run.sh").write_text("of a job")
    subprocess.run(
        ["bash", kit / "register.sh", kit / "token", "user", home],
        cwd=home,
        env=environment(
            kit,
            HOME=str(home),
            PYTHONPATH=str(home),
            RUNNER_URL="https://github.com/owner/repository",
            RUNNER_LABELS="npu",
        ),
        check=True,
    )
    assert not (tmp_path / "owned").exists()
    asked_from, first = (kit / "bin" / "curl.log").read_text().split()[:2]
    assert asked_from != str(home)
    assert first == "-q", "curl reads no settings only where this is its first argument"
    assert sorted(path.name for path in home.iterdir()) == ["config.sh", "configured"]
    said = (home / "configured").read_text().split()
    assert said[:2] == [str(home), str(home)]
    assert {"--ephemeral", "npu"} <= set(said)


RUNNER = 'bash -e "$0"; echo "steps with always() follow"'
"""As the runner calls its hook, and what it does then whatever the hook's exit code."""


@pytest.mark.parametrize(
    ("event", "repository", "url", "refusal"),
    [
        ("push", "owner/repository", "owner/repository", ""),
        ("schedule", "Owner/Repository", "owner/repository", ""),
        ("workflow_dispatch", "owner/another", "owner", ""),
        ("pull_request", "owner/repository", "owner/repository", "event 'pull_request'"),
        ("pull_request_target", "owner/repository", "owner", "event 'pull_request_target'"),
        ("", "owner/repository", "owner/repository", "event ''"),
        ("push", "owner/repository2", "owner/repository", "repository 'owner/repository2'"),
        ("push", "owners/repository", "owner", "repository 'owners/repository'"),
        ("push", "", "owner/repository", "repository ''"),
        ("push", "owner/repository", None, "cannot tell whose job"),
    ],
)
def test_only_trusted_events_of_the_own_repository_run(
    event: str, repository: str, url: str | None, refusal: str, kit: Path
) -> None:
    if url:
        (kit / "url").write_text(f"https://github.com/{url}\n")
    ended = subprocess.run(
        ["bash", "-c", RUNNER, kit / "trusted.sh"],
        env=environment(kit, GITHUB_EVENT_NAME=event, GITHUB_REPOSITORY=repository),
        capture_output=True,
        text=True,
        check=False,
    )
    if refusal:
        assert ended.returncode < 0, "the runner is ended, or it would go on"
        (line,) = ended.stdout.splitlines()
        assert line.startswith("refused by this host: ")
        assert refusal in line
    else:
        assert ended.stdout == "steps with always() follow\n", ended.stderr


def test_the_service_asks_whether_a_job_is_trusted(options: dict[str, str]) -> None:
    made = install(*flat(options), "--dry-run").stdout
    kit = "/usr/local/lib/npulab-runner"
    assert f"Environment=ACTIONS_RUNNER_HOOK_JOB_STARTED={kit}/trusted.sh" in made.splitlines()
    assert f"{kit}/url <<END\nhttps://github.com/owner/repository\nEND" in made


def test_no_health_check_is_no_health(tmp_path: Path) -> None:
    ended = subprocess.run(
        ["bash", str(KIT / "health.sh")],
        env={**os.environ, "RUNNER_STATE": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 3
    assert "install the lab" in (tmp_path / "out-of-rotation").read_text()


def test_a_health_check_that_breaks_is_no_health(tmp_path: Path) -> None:
    """A service that only failed would try again for ever."""
    broken = tmp_path / "npulab"
    broken.write_text("#!/bin/sh\nexit 7\n")
    broken.chmod(0o755)
    ended = subprocess.run(
        ["bash", str(KIT / "health.sh")],
        env={**os.environ, "RUNNER_STATE": str(tmp_path), "NPULAB": str(broken)},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 7
    assert "exit code 7" in (tmp_path / "out-of-rotation").read_text()


def test_a_well_host_is_well(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    ended = CliRunner().invoke(cli, ["health", "--device", "fake", "--flag", str(flag)])
    assert ended.exit_code == 0, ended.output
    assert not flag.exists()


@pytest.mark.parametrize("fault", [Spoiled.STALE, Ends("ERT_CMD_STATE_TIMEOUT")])
def test_an_ill_host_goes_out_of_rotation_with_the_reason_and_stays_out(
    fault: Spoiled | Ends, tmp_path: Path
) -> None:
    board = Board()
    device = XrtDevice(fake_stack(board))
    board.script(*[fault] * 3)
    signs = examine(lambda: check_canary(device), node=None)
    flag = tmp_path / "flag"
    assert out_of_rotation(flag, signs)
    assert "canary" in flag.read_text()
    assert out_of_rotation(flag, [Sign("canary", True, "well again")]), "a person decides"


def test_a_machine_without_its_npu_is_ill(tmp_path: Path) -> None:
    device = XrtDevice(fake_stack(Board()))
    signs = {
        sign.name: sign for sign in examine(lambda: check_canary(device), node=tmp_path / "accel0")
    }
    assert not signs["node"].ok
    assert signs["canary"].ok


def test_the_check_waits_for_its_turn_says_for_whom_and_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(QUEUE, str(tmp_path))
    monkeypatch.setattr(hardware, "in_container", lambda *_: False)
    with device_lock("a soak test"):
        ended = CliRunner().invoke(cli, ["health", "--wait", "0.2", "--json"])
    assert ended.exit_code == 1
    assert "waiting for the NPU: 1 ahead, held by a soak test (process" in ended.stderr
    (canary,) = [sign for sign in json.loads(ended.stdout)["signs"] if sign["name"] == "canary"]
    assert not canary["ok"]
    assert "held by a soak test (process" in canary["found"]
    assert "NPU443" in canary["found"]


def test_health_as_json_says_what_the_text_says(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    command = ["health", "--device", "fake", "--flag", str(flag)]
    well = CliRunner().invoke(cli, [*command, "--json"])
    assert well.exit_code == 0, well.output
    document = json.loads(well.stdout)
    assert (document["well"], document["out_of_rotation"]) == (True, None)
    text = CliRunner().invoke(cli, command).stdout
    assert all(f"{sign['name']:<12}ok     {sign['found']}" in text for sign in document["signs"])
    flag.write_text("a person's reason\n")
    ill = CliRunner().invoke(cli, [*command, "--json"])
    assert ill.exit_code == 1
    document = json.loads(ill.stdout)
    assert (document["well"], document["out_of_rotation"]) == (False, str(flag))


def test_a_flag_that_cannot_be_is_refused_before_anything_runs(tmp_path: Path) -> None:
    flag = tmp_path / "nowhere" / "flag"
    ended = CliRunner().invoke(cli, ["health", "--device", "fake", "--flag", str(flag)])
    assert ended.exit_code == 2, ended.output
    assert "there is no folder" in ended.output
    assert "NPU405" in ended.output


def test_a_reason_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    flag.symlink_to(tmp_path / "nowhere" / "flag")
    with pytest.raises(UsageError, match="no such file") as caught:
        out_of_rotation(flag, [Sign("canary", False, "wrong")])
    assert caught.value.code == "NPU405"
