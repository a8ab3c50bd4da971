"""One hardened container, kept for a whole run, with the agent in it.

It has no network, no capabilities, no way to new ones, a root file system that may only be
read, limits on memory and processes, this machine's folders under their own paths, and this
user's uid. It removes itself when its lab ends, however that ends; `sweep` finds by label
what an engine that was stopped in between has left.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from errors import LabError, MissingEnvironment
from toolchain.docker import agent, leases
from toolchain.docker.engine import Engine, talking

if TYPE_CHECKING:
    from concurrent.futures import Future

LABEL = "npulab.lease"
"""Names the file that the container's lab keeps locked while it lives."""

HEADROOM = 64
"""Processes beyond the limit of a command, for the agent and its threads."""

SHARES = 1024
"""The scheduler's weight of one process of usual priority, in the engine's units."""

START_SECONDS = 60.0
STOP_SECONDS = 10.0
GRACE_SECONDS = 60.0
"""How long the agent may take for its answer beyond a command's own time."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the commands of one container may take.

    Attributes:
        memory: Bytes, swap included, of all commands together.
        processes: Processes and threads of one command.
        scratch: Bytes of /tmp, which count as memory.
    """

    memory: int = 8 << 30
    processes: int = 1024
    scratch: int = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What a container is started from.

    Attributes:
        image: Its id or tag.
        reads: Folders and files of this machine that it sees and may not write to.
        writes: Folders of this machine that it may write to.
        extra: Further arguments of the SDK's `create`, such as a device; see `device`.
    """

    image: str
    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    limits: Limits = field(default_factory=Limits)
    extra: Mapping[str, Any] = field(default_factory=dict)


def options(spec: Spec, engine: Engine) -> dict[str, Any]:
    """Return the arguments of the SDK's `containers.create` for `spec`."""
    from docker.types import LogConfig, Mount

    mounts = [Mount(str(p), str(p), type="bind", read_only=True) for p in spec.reads]
    mounts += [Mount(str(p), str(p), type="bind") for p in spec.writes]
    limits = spec.limits
    hardened: dict[str, Any] = {
        "user": engine.user,
        "network_mode": "none",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "read_only": True,
        "tmpfs": {"/tmp": f"rw,nosuid,nodev,noexec,mode=1777,size={limits.scratch}"},  # noqa: S108
        "mem_limit": limits.memory,
        "memswap_limit": limits.memory,
        # A container weighs as much as one process unless told otherwise; outside, every job
        # of a build would weigh as one.
        "cpu_shares": SHARES * (os.cpu_count() or 1),
        "pids_limit": limits.processes + HEADROOM,
        "ipc_mode": "private",
        "init": True,
        "hostname": "lab",
        "environment": {"HOME": "/tmp"},  # noqa: S108
        "log_config": LogConfig(type="none"),
        "mounts": mounts,
    }
    if engine.own_cgroups:
        # Below the engine's own group all containers together would weigh as one process.
        hardened["cgroup_parent"] = "/"
    if Path("/tmp") in (*spec.reads, *spec.writes):  # noqa: S108
        del hardened["tmpfs"]
    return {**hardened, **spec.extra}


class Lost(Exception):
    """The container ended while a command ran in it."""


class Silent(Exception):
    """The container did not say in time what became of a command: it is paused, or hangs."""


class Socket(Protocol):
    """The part of a socket that the agent is talked to with."""

    def sendall(self, data: bytes, /) -> None: ...
    def close(self) -> None: ...


class Container:
    """A running container. Any number of threads may run commands in it at once.

    Attributes:
        engine: Where it runs.
        spec: What it was started from.
    """

    def __init__(self, engine: Engine, spec: Spec) -> None:
        """Start it.

        Raises:
            MissingEnvironment: There is no such image, it is for another architecture, or
                the engine refused.
        """
        self.engine = engine
        self.spec = spec
        self._lock = threading.Lock()
        self._answers: dict[int, Future[dict[str, Any]]] = {}
        self._next = 0
        self._ready: Future[dict[str, Any]] = _future()
        self._open = True
        check_image(engine, spec.image)
        self._lease = leases.take()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        spec = self.spec
        command = ["/usr/bin/python3", "-I", "-S", "-c", Path(agent.__file__).read_text()]
        with talking():
            self._container = self.engine.client.containers.create(
                spec.image,
                entrypoint=[*command, str(spec.limits.processes)],
                command=[],
                stdin_open=True,
                auto_remove=True,
                labels={LABEL: str(self._lease.path)},
                **options(spec, self.engine),
            )
            wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            attached = self.engine.client.api.attach_socket(self._container.id, wanted)
            self._stream = attached
            self._socket: Socket = getattr(attached, "_sock", attached)
            self._listener = threading.Thread(target=self._listen, daemon=True, name="container")
            self._listener.start()
            self._container.start()
        try:
            self._ready.result(START_SECONDS)
        except (Lost, TimeoutError) as error:
            raise MissingEnvironment(
                f"nothing starts in a container of image {spec.image}",
                cure="build the image again: npulab images --rebuild",
                code="NPU086",
                details=tuple(str(error).splitlines()),
            ) from error

    @property
    def id(self) -> str:
        """The engine's name for it."""
        return str(self._container.id)

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout: float,
        log: Path,
    ) -> dict[str, Any]:
        """Run a command and return the agent's answer; see `agent.run`.

        Raises:
            Lost: The container ended meanwhile, or had ended before.
            Silent: It still says nothing when the command's time is over for long.
        """
        answer: Future[dict[str, Any]] = _future()
        with self._lock:
            if not self._open:
                raise Lost
            self._next += 1
            number = self._next
            self._answers[number] = answer
            request = {"id": number, "command": list(command), "cwd": str(cwd), "env": dict(env)}
            request |= {"timeout": timeout, "log": str(log)}
            try:
                self._socket.sendall(json.dumps(request).encode() + b"\n")
            except OSError as error:
                raise Lost from error
        try:
            return answer.result(timeout + GRACE_SECONDS)
        except TimeoutError as error:
            raise Silent from error

    def close(self) -> None:
        """End all that runs in it and remove it."""
        with self._lock:
            self._open = False
        container = getattr(self, "_container", None)
        if container is not None and self.engine.answers():
            with suppress(LabError):
                remove(self.engine, container.id)
        listener = getattr(self, "_listener", None)
        if listener is not None and listener is not threading.current_thread():
            listener.join(STOP_SECONDS)
        self._lease.release()

    def _listen(self) -> None:
        from docker.utils.socket import frames_iter

        buffer, noise = b"", b""
        with suppress(OSError, ValueError):
            for stream, data in frames_iter(self._stream, tty=False):
                if stream == 1:
                    *lines, buffer = (buffer + data).split(b"\n")
                    for line in lines:
                        self._take(json.loads(line))
                else:
                    noise = (noise + data)[-4096:]
        self._lose(noise.decode(errors="replace"))
        self._stream.close()
        self._socket.close()

    def _take(self, answer: dict[str, Any]) -> None:
        if answer.get("ready"):
            self._ready.set_result(answer)
            return
        with self._lock:
            future = self._answers.pop(answer["id"])
        future.set_result(answer)

    def _lose(self, said: str) -> None:
        with self._lock:
            self._open = False
            lost = [*self._answers.values(), *([] if self._ready.done() else [self._ready])]
            self._answers.clear()
        for future in lost:
            future.set_exception(Lost(said))


def check_image(engine: Engine, image: str) -> None:
    """Raise unless the engine has `image`, made for its architecture.

    Raises:
        MissingEnvironment: It has not.
    """
    from docker.errors import ImageNotFound

    with talking():
        try:
            found = engine.client.images.get(image)
        except ImageNotFound as error:
            raise MissingEnvironment(
                f"the container engine has no image {image}",
                cure="build it: npulab images",
                code="NPU085",
            ) from error
    architecture = found.attrs.get("Architecture")
    if architecture != engine.architecture:
        raise MissingEnvironment(
            f"image {image} is for {architecture}, and the engine runs {engine.architecture}",
            cure="build it on this machine: npulab images --rebuild",
            code="NPU087",
        )


def remove(engine: Engine, identity: str) -> None:
    """Remove a container and its volumes, running or not, even if the engine just does so."""
    from docker.errors import APIError, NotFound

    with talking(), suppress(NotFound):
        try:
            engine.client.api.remove_container(identity, force=True, v=True)
        except APIError as error:
            if "already in progress" not in str(error.explanation):
                raise
            engine.client.api.wait(identity, timeout=STOP_SECONDS, condition="removed")


def abandoned(engine: Engine) -> list[str]:
    """Return the ids of the containers whose labs are gone."""
    with talking():
        found = engine.client.api.containers(all=True, filters={"label": LABEL})
    return [one["Id"] for one in found if leases.is_over(Path(one["Labels"][LABEL]))]


def sweep(engine: Engine) -> list[str]:
    """Remove the containers of labs that are gone, and return their ids.

    One that cannot be removed keeps nobody from working: `npulab health` names it.
    """
    gone = []
    for identity in abandoned(engine):
        with suppress(LabError):
            remove(engine, identity)
            gone.append(identity)
    leases.sweep()
    return gone


def _future() -> Future[dict[str, Any]]:
    from concurrent.futures import Future

    return Future()
