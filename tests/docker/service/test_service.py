"""The runner kit on a host with a running systemd: installed, at work, ill, mended, removed.

The host is a container of Debian bookworm whose init is systemd. Stand-ins are GitHub's API, the
runner's own two programs (beside this file), the node, and, for the health check, the fake NPU.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from toolchain.docker import debian
from toolchain.docker.engine import Engine
from toolchain.docker.recipes import Recipe

pytestmark = pytest.mark.docker

HERE = Path(__file__).parent
CHECKOUT = Path(__file__).parents[3]
PACKAGES = (
    *("systemd-sysv", "dbus", "udev", "procps", "curl", "ca-certificates"),
    *("python3-venv", "libstdc++6"),
)
TOKEN = "may-register-runners"
UNIT = "npulab-runner.service"
STATE = "/var/lib/npulab-runner"
FLAG = f"{STATE}/out-of-rotation"
KIT = "/usr/local/lib/npulab-runner"
HOME = "/opt/npulab-runner"
KEPT = "/var/lib/npulab-timings.jsonl"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
ON_THE_FAKE = f'#!/bin/sh\nexec {KIT}/venv/bin/npulab "$@" --device fake\n'
PAUSE = 7
"""Seconds: longer than systemd waits before it starts the service anew."""
WHAT_IS_THERE = (
    "getent passwd; getent group;"
    "find /etc /opt /srv /usr/local /var/lib /var/spool /run/lock /root -xdev "
    "-not -path '/var/lib/systemd/*' -not -path '/root/.cache*' "
    r"-not -name '*-' -not -name .pwd.lock | sort"
)
"""What an installation could leave behind; copies that shadow's tools keep are theirs."""


class Host:
    """The container."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def try_(self, script: str) -> tuple[int, str]:
        """Run a script as root; return its exit code and what it printed."""
        code, output = self._container.exec_run(["bash", "-c", script])
        return code, output.decode()

    def run(self, script: str) -> str:
        """Run a script that must succeed."""
        code, output = self.try_(script)
        assert code == 0, f"{script}\n{output}\n{self.journal()}"
        return output

    def journal(self) -> str:
        return self.try_(f"journalctl --no-pager --lines 80 --unit {UNIT}")[1]

    def put(self, folder: str, files: dict[str, tuple[int, bytes]]) -> None:
        """Write files of a mode and content into a folder, which is made."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, (mode, content) in files.items():
                member = tarfile.TarInfo(name)
                member.mode, member.size = mode, len(content)
                archive.addfile(member, io.BytesIO(content))
        self.run(f"mkdir -p {folder}")
        assert self._container.put_archive(folder, packed.getvalue())

    def await_(self, what: Callable[[], bool], seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, self.journal()
            time.sleep(0.2)

    def exists(self, path: str) -> bool:
        return self.try_(f"test -e {path}")[0] == 0

    def job(self, name: str, script: str, event: str = "push") -> None:
        """Give the runner a job of an event of its repository."""
        content = f"# {event} owner/repository\n{script}\n"
        self.put("/jobs", {f"{name}.tmp": (0o644, content.encode())})
        self.run(f"chown npurunner /jobs; mv /jobs/{name}.tmp /jobs/{name}.sh")

    def log(self, name: str) -> str:
        """Wait for the end of a job, and return what it printed."""
        path = f"/jobs/{name}.sh.log"
        self.await_(lambda: self.try_(f"grep -q '^exit code' {path}")[0] == 0)
        return self.run(f"cat {path}")

    def await_registration(self, number: int) -> None:
        """Wait until the runner of this number waits for its job."""
        self.await_(lambda: self.run(f"wc -l <{STATE}/registrations").strip() == str(number))

    def is_up(self) -> bool:
        """Whether systemd is done with starting; that no console asks questions degrades it."""
        return self.try_("systemctl is-system-running")[1].strip() in ("running", "degraded")

    def idle(self) -> bool:
        """Whether the service runs nothing, and does not wait for its next start either."""
        state = self.run(f"systemctl show --property ActiveState --value {UNIT}").strip()
        return state in ("inactive", "failed")


def image(docker: Engine, recipe: Recipe, folder: Path) -> str:
    """Return the tag of the host's image; the engine keeps it for the next run."""
    from docker.errors import ImageNotFound

    host = replace(recipe, name="runner-host", packages=PACKAGES, requirements=None)
    tag = f"npulab-test/runner-host:{host.base_key[:12]}"
    try:
        docker.client.images.get(tag)
    except ImageNotFound:
        debian.bootstrap(host, folder / "host.tar")
        repository, _, name = tag.partition(":")
        docker.client.api.import_image_from_file(str(folder / "host.tar"), repository, name)
    return tag


@pytest.fixture
def host(docker: Engine, own_recipes: dict[str, Recipe], tmp_path: Path) -> Iterator[Host]:
    if docker.rootless:
        pytest.skip("systemd needs an engine of root's")
    container = docker.client.containers.run(
        image(docker, own_recipes["toolchain-py3.11"], tmp_path),
        ["/sbin/init"],
        detach=True,
        cap_add=["SYS_ADMIN"],
        security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        tmpfs={"/run": "", "/run/lock": "", "/tmp": "exec"},
        cgroupns="host",
        volumes={"/sys/fs/cgroup": {"bind": "/sys/fs/cgroup", "mode": "rw"}},
        extra_hosts={"api.github.com": "127.0.0.1"},
    )
    try:
        made = Host(container)
        made.await_(made.is_up)
        yield made
    finally:
        container.remove(force=True, v=True)


def sources() -> dict[str, tuple[int, bytes]]:
    """Return the files of this checkout that git knows or would know."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    paths = [CHECKOUT / name for name in listed.split("\0") if name]
    return {
        str(path.relative_to(CHECKOUT)): (path.stat().st_mode & 0o777, path.read_bytes())
        for path in paths
        if path.is_file()
    }


def runner_archive() -> bytes:
    """Pack the stand-in for the runner's release."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in ("config.sh", "run.sh"):
            content = (HERE / name).read_bytes()
            member = tarfile.TarInfo(name)
            member.mode, member.size = 0o755, len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def prepare(host: Host) -> str:
    """Bring in sources and stand-ins; return the installer's command line."""
    authority = trustme.CA()
    certificate = authority.issue_cert("api.github.com")
    known = Path(AUTHORITIES).read_bytes() if Path(AUTHORITIES).exists() else b""
    pem = certificate.private_key_pem.bytes() + certificate.cert_chain_pems[0].bytes()
    archive = runner_archive()
    host.put("/lab", sources())
    host.put(
        str(Path(AUTHORITIES).parent),
        {Path(AUTHORITIES).name: (0o644, known + authority.cert_pem.bytes())},
    )
    host.put(
        "/standin",
        {
            "github.pem": (0o600, pem),
            "github.py": (0o644, (HERE / "github.py").read_bytes()),
            "runner.tar.gz": (0o644, archive),
            "token": (0o600, TOKEN.encode()),
            "npulab": (0o755, ON_THE_FAKE.encode()),
        },
    )
    host.run("groupadd docker; mkdir -p /dev/accel; mknod -m 660 /dev/accel/accel0 c 1 3")
    host.run("chgrp render /dev/accel/accel0")
    host.run(
        "systemd-run --unit github python3 /standin/github.py /standin/github.pem /standin/asked"
    )
    return (
        f"PIP_CERT={AUTHORITIES} bash /lab/ci/runner/install.sh "
        "--url https://github.com/owner/repository --archive /standin/runner.tar.gz "
        f"--sha256 {hashlib.sha256(archive).hexdigest()} --token-file /standin/token"
    )


def let_the_fake_stand_in(host: Host) -> None:
    """Have the health check ask the fake NPU, and start the service."""
    host.run(
        f"mkdir -p /etc/systemd/system/{UNIT}.d; "
        f"printf '[Service]\\nEnvironment=NPULAB=/standin/npulab\\n' "
        f">/etc/systemd/system/{UNIT}.d/fake.conf; rm {FLAG}; "
        f"systemctl daemon-reload; systemctl start {UNIT}"
    )


LOOK = f"""
id; ulimit -l; npulab list | head -n 3; env
cat /etc/npulab-runner/token
echo >>{KIT}/register.sh
mv {KIT}/venv {KIT}/mine
ls -l /dev/accel/accel0
"""
LEAVES = f"""
for name in json sitecustomize; do
    echo 'open("/etc/owned-by-python", "w")' | tee $HOME/$name.py >{HOME}/$name.py
done
echo 'trace-ascii = /etc/owned-by-curl' | tee $HOME/.curlrc >{HOME}/.curlrc
echo {{}} >{STATE}/timings.jsonl
"""
"""What would run as root, if root's programs looked where a job may write."""


def test_a_host_from_its_installation_to_its_removal(host: Host) -> None:
    install = prepare(host)
    before = host.run(WHAT_IS_THERE)
    code, said = host.try_(install)

    # XRT is not on this host: it is out of rotation before its first job, and stays out.
    assert code == 1, said
    assert "this host is not fit for jobs: canary:" in said
    assert "cannot import pyxrt" in host.run(f"cat {FLAG}")
    time.sleep(PAUSE)
    host.run(f"systemctl start {UNIT}")
    # A host that was found ill takes no jobs.
    host.await_(host.idle)
    let_the_fake_stand_in(host)

    # One job after another, each of a runner that was registered for it alone.
    host.job("1", LOOK + LEAVES)
    host.job("2", "kill -9 $PPID")
    host.job("3", "echo right; sleep 300 &")
    said = host.log("1")
    assert "uid=" in said
    assert all(word in said.splitlines()[0] for word in ("(npurunner)", "(render)", "(docker)"))
    assert "add_residual" in said
    assert TOKEN not in said
    assert said.count("Permission denied") == 3, said
    assert f"HOME={HOME}" in said.splitlines()
    assert "right\nexit code 0" in host.log("3"), "a runner that was killed is followed by another"
    assert host.run(f"systemctl show --property LimitMEMLOCK --value {UNIT}").strip() == "infinity"
    host.await_registration(4)
    assert host.try_("pgrep -u npurunner -f 'sleep 300'")[0] == 1, "a job left a process"
    registrations = set(host.run(f"cat {STATE}/registrations").splitlines())
    assert registrations == {
        "https://github.com/owner/repository self-hosted,linux,npu,phoenix as npurunner"
    }
    assert set(host.run("cat /standin/asked").splitlines()) == {
        "/repos/owner/repository/actions/runners/registration-token "
        f"Bearer {TOKEN} application/vnd.github+json"
    }

    # What a job left in the runner's folder is gone before the next, and root ran none of it.
    assert set(host.run(f"cat {STATE}/unpacked").split()) == {"config.sh", "run.sh"}
    assert not host.exists("/etc/owned-by-python")
    assert not host.exists("/etc/owned-by-curl")

    # A stranger's change does not run, and the next one of a friend does.
    host.job("3a", "touch /jobs/ran", event="pull_request")
    host.job("3b", "echo right")
    assert "right" in host.log("3b")
    assert not host.exists("/jobs/ran")
    refused = "refused by this host: event 'pull_request'"
    assert refused in host.run("cat /jobs/3a.sh.log")
    # By its tag: the one who said it was gone before journald could ask for its unit, perhaps.
    assert refused in host.run("journalctl --no-pager --identifier npulab-runner")
    host.await_registration(6)

    # A job after which nobody can say whether the host is well is the last one.
    host.run("chmod -x /standin/npulab")
    host.job("4", "echo right")
    assert "right" in host.log("4")
    host.await_(host.idle)
    assert "install the lab for the health check" in host.run(f"cat {FLAG}")
    host.job("5", "echo mended")
    time.sleep(PAUSE)
    host.await_(host.idle)
    assert host.exists("/jobs/5.sh")
    host.run(f"chmod +x /standin/npulab; rm {FLAG}; systemctl start {UNIT}")
    assert "mended" in host.log("5")

    # Installed again over a service at work, it goes on, with a cache that no job wrote in.
    host.run(f"echo >{STATE}/.cache/planted")
    host.run(install)
    assert not host.exists(f"{STATE}/.cache/planted")
    host.job("6", "echo again")
    assert "again" in host.log("6")

    # The drop-in is the test's own; everything else goes, but the baseline.
    host.run(f"rm -r /etc/systemd/system/{UNIT}.d")
    said = host.run("bash /lab/ci/runner/install.sh --uninstall")
    assert KEPT in said
    assert host.run(f"cat {KEPT}") == "{}\n"
    host.run(f"rm {KEPT}")
    assert host.run(WHAT_IS_THERE) == before
