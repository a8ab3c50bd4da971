"""The container engine: where it is, whether it will do, and what went wrong with it.

Looked for as the docker client does: ``DOCKER_HOST``, ``DOCKER_CONTEXT`` or the current
context, then the usual sockets, rootless ones and podman's included. An engine elsewhere is
refused: its containers could not see this machine's files.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import LabError, MissingEnvironment

if TYPE_CHECKING:
    from docker import DockerClient

API = "1.40"
"""The oldest API that will do: Docker 19.03's, for limits and device requests."""

SECONDS = 60.0
"""How long the engine may take for an answer that is not a stream."""

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PROBE_SECONDS = 2.0
_PING_SECONDS = 10.0
_MEMLOCK = re.compile(r"(?i)(rlimit type 8\b|RLIMIT_MEMLOCK).*not permitted", re.DOTALL)
"""What runc and crun say where locked memory may not be raised; other limits say alike."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine that answered.

    Attributes:
        address: Its socket as a ``unix://`` URL.
        rootless: Whether root in its containers is this user outside.
        architecture: In the words of image configurations, such as ``amd64``.
        own_cgroups: Whether it makes control groups itself, and not by systemd's leave.
    """

    address: str
    client: DockerClient
    version: str
    rootless: bool
    architecture: str
    own_cgroups: bool = False

    @property
    def user(self) -> str:
        """``uid:gid`` inside a container that is this user outside."""
        return "0:0" if self.rootless else f"{os.getuid()}:{os.getgid()}"

    def answers(self) -> bool:
        """Whether it still answers a ping: a killed one accepts connections for a moment more."""
        # Not the SDK's ping, which leaves its socket open where it is refused.
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PING_SECONDS)
            connection.connect(self.address.removeprefix("unix://"))
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            return connection.recv(1) != b""
        return False

    def close(self) -> None:
        """Drop the connections."""
        self.client.close()


def connect() -> Engine:
    """Return the engine that answers here.

    Raises:
        MissingEnvironment: None does, or it may not be used, is too old or is elsewhere.
    """
    address = find()
    # The SDK's own version="auto" leaves its connection open where the engine refuses to say.
    asking = _client(address, API)
    try:
        with talking():
            version = asking.api.version(api_version=False)
    finally:
        asking.close()
    if is_too_old(version["ApiVersion"]):
        raise MissingEnvironment(
            f"the container engine {version['Version']} speaks API {version['ApiVersion']}, "
            f"and the lab needs {API}",
            cure="install Docker 19.03 or later, or a podman of this decade",
            code="NPU081",
        )
    client = _client(address, version["ApiVersion"])
    try:
        with talking():
            info = client.info()
    except BaseException:
        client.close()
        raise
    machine = str(info.get("Architecture", version.get("Arch", "")))
    rootless = any("rootless" in option for option in info.get("SecurityOptions") or ())
    return Engine(
        address=address,
        client=client,
        version=str(version["Version"]),
        rootless=rootless,
        architecture=_ARCHITECTURES.get(machine, machine),
        own_cgroups=info.get("CgroupDriver") == "cgroupfs" and not rootless,
    )


def is_too_old(api: str) -> bool:
    """Whether an engine's newest API is older than the lab needs."""
    return _numbers(api) < _numbers(API)


def find() -> str:
    """Return the address of the engine to use, which accepts connections.

    Raises:
        MissingEnvironment: There is none, or it is not on this machine.
    """
    chosen = _chosen()
    tried: list[str] = []
    for address in [chosen] if chosen else _usual():
        if address.startswith("/"):
            raise MissingEnvironment(
                f"the container engine's address {address} is a path without unix:// before it",
                cure=f"write unix://{address} (in DOCKER_HOST, or in the docker context)",
                code="NPU080",
            )
        if not address.startswith("unix://"):
            raise MissingEnvironment(
                f"the container engine at {address} is not on this machine",
                cure="use an engine on a unix socket: its containers read this machine's files",
                code="NPU080",
            )
        refusal = _refusal(address)
        if refusal is None:
            return address
        tried.append(f"{address}: {refusal}")
    raise MissingEnvironment(
        "no container engine answers",
        cure="install docker.io, start dockerd and join the group docker; or use --runner local",
        code="NPU080",
        details=tuple(tried),
    )


@contextmanager
def talking() -> Iterator[None]:
    """Turn what the SDK raises into the lab's errors.

    Raises:
        MissingEnvironment: The engine went away, has no disk left, or refused.
    """
    from docker.errors import DockerException
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (DockerException, RequestException, HTTPError, OSError) as error:
        if (answer := getattr(error, "response", None)) is not None:
            answer.close()  # of a refused stream, whose connection nobody else gives back
        raise explain(error) from error


def explain(error: Exception) -> LabError:
    """Return the failure that an exception of the SDK tells of."""
    from docker.errors import APIError, ImageLoadError

    told = str(getattr(error, "explanation", None) or error)
    if "no space left on device" in told:
        return MissingEnvironment(
            "the container engine has no disk space left",
            cure="free some: docker system df says what takes it, npulab images --remove "
            "gives back the lab's",
            code="NPU083",
            details=(told,),
        )
    if _MEMLOCK.search(told):
        return MissingEnvironment(
            "the container engine may not raise the limit on locked memory",
            cure="give the engine's service LimitMEMLOCK=infinity (it needs CAP_SYS_RESOURCE), "
            "or set NPULAB_MEMLOCK to its hard limit in bytes",
            code="NPU480",
            details=(told,),
        )
    if not isinstance(error, (APIError, ImageLoadError)):
        return went_away(told)
    return MissingEnvironment(
        "the container engine refused",
        cure="read its answer; npulab doctor names the engine and its version",
        code="NPU084",
        details=(told,),
    )


def went_away(told: str) -> MissingEnvironment:
    """Return the failure of an engine that stopped answering; `told` is what was seen of it."""
    return MissingEnvironment(
        "the container engine went away while it was used",
        cure="start it again, then repeat the command: what was finished is kept",
        code="NPU082",
        details=(told,),
    )


def _client(address: str, version: str) -> DockerClient:
    import docker

    with talking():
        return docker.DockerClient(base_url=address, version=version, timeout=int(SECONDS))


def _chosen() -> str | None:
    """Return the address that the user's settings name, None if they name none.

    Raises:
        MissingEnvironment: They name a docker context that is not there.
    """
    if host := os.environ.get("DOCKER_HOST"):
        return host
    folder = Path(os.environ.get("DOCKER_CONFIG") or "~/.docker").expanduser()
    source, name = "DOCKER_CONTEXT", os.environ.get("DOCKER_CONTEXT")
    if not name:
        # One that the docker client cannot read either names nothing.
        source, name = str(folder / "config.json"), _read(folder / "config.json", "currentContext")
    if not name or name == "default":
        return None
    # Not the SDK's search, which needs a config.json beside the contexts and asks nowhere else.
    record = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"
    address = _read(record, "Endpoints", "docker", "Host")
    if address is None:
        raise MissingEnvironment(
            f"there is no docker context {name!r}, which {source} names",
            cure="choose one that docker context ls lists, or unset it: docker context use default",
            code="NPU080",
        )
    return address


def _read(path: Path, *keys: str) -> str | None:
    """Return the text below `keys` in a file of JSON; None where there is none."""
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
        for key in keys:
            found = found[key]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def _usual() -> list[str]:
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    sockets = ("/var/run/docker.sock", f"{runtime}/docker.sock", f"{runtime}/podman/podman.sock")
    return [f"unix://{path}" for path in (*sockets, "/run/podman/podman.sock")]


def _refusal(address: str) -> str | None:
    path = address.removeprefix("unix://")
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PROBE_SECONDS)
            connection.connect(path)
    except OSError as error:
        return "no such socket" if not Path(path).exists() else str(error.strerror or error)
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
