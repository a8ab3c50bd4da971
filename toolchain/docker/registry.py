"""The other way to a base layer: an image by digest from a registry.

The engine pulls it and holds it against its digest. Debian packages of the recipe that it
lacks are installed in a container of it, from the Debian mirror that this machine uses. What
came out is written as one layer without a trace of when and where, and held against a lock
of its own, so that everything after it is as after a bootstrap.
"""

from __future__ import annotations

import copy
import io
import tarfile
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from errors import CheckFailed, LabError, MissingEnvironment
from toolchain.docker import debian, leases
from toolchain.docker.container import LABEL, check_image, remove
from toolchain.docker.engine import Engine, talking
from toolchain.docker.recipes import Recipe

UNREACHABLE = "NPU061"
"""The code of a registry that does not answer: then a base can be bootstrapped instead."""

_SILENT = (
    "connection refused",
    "no such host",
    "network is unreachable",
    "timeout",
    "deadline exceeded",
    "server misbehaving",
    "no route to host",
)
"""What an engine says of a registry that it cannot talk to."""

_EMPTIED = ("dev", "proc", "sys", "run", "tmp", "var/log", "var/cache", "var/lib/apt/lists")
_DROPPED = (".dockerenv", "etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/machine-id")
_LINES = 12

_INSTALL = """
set -e
if [ -n "$MIRROR" ]; then
    rm -rf /etc/apt/sources.list.d/*
    echo "deb $MIRROR $SUITE main" >/etc/apt/sources.list
fi
apt-get -q update
exec apt-get -q install -y --no-install-recommends "$@"
"""


def base(recipe: Recipe, engine: Engine, out: Path) -> None:
    """Write the base layer's tar to `out`.

    Raises:
        MissingEnvironment: NPU061, no registry answers; or the engine refused.
        CheckFailed: NPU060, the registry does not give the pinned image; NPU095, packages do
            not install.
    """
    if recipe.image is None:
        raise ValueError(f"{recipe.name} has no image in a registry")
    pull(engine, recipe.image)
    lease = leases.take()
    try:
        flatten(_filled(recipe, engine, str(lease.path)), recipe, out)
    finally:
        lease.release()


def pull(engine: Engine, reference: str) -> None:
    """Have the engine hold the image of a reference with a digest.

    Raises:
        MissingEnvironment: NPU061, no registry answers.
        CheckFailed: NPU060, it has no such image, or gives another for it.
    """
    from docker.errors import APIError, ImageNotFound, NotFound

    exact = by_digest(reference)
    name, _, digest = exact.partition("@")
    with talking():
        try:
            engine.client.api.inspect_image(exact)
        except ImageNotFound:
            try:
                events = [*engine.client.api.pull(name, tag=digest, stream=True, decode=True)]
            except (APIError, NotFound) as error:
                raise _refused(reference, str(error.explanation or error)) from error
            if problems := [str(event["error"]) for event in events if "error" in event]:
                raise _refused(reference, problems[0]) from None
    check_image(engine, exact)


def by_digest(reference: str) -> str:
    """Return a reference without its tag, which is for people: the digest says it all."""
    tagged, _, digest = reference.partition("@")
    head, slash, last = tagged.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}@{digest}"


def _refused(reference: str, told: str) -> LabError:
    if any(word in told.lower() for word in _SILENT):
        return MissingEnvironment(
            f"no registry answers for {reference}",
            cure="bootstrap the base from a Debian mirror instead: npulab images --base bootstrap",
            code=UNREACHABLE,
            details=(told,),
        )
    return CheckFailed(
        f"the registry does not give the pinned image {reference}",
        cure="pin a digest that it has in toolchain/pins/pins.toml, or bootstrap the base: "
        "npulab images --base bootstrap",
        code="NPU060",
        details=(told,),
    )


def _filled(recipe: Recipe, engine: Engine, lease: str) -> Iterable[bytes]:
    """Yield the tar of the image's files with the packages that it lacks."""
    mirror = next(iter(debian.mirror()), "")
    with talking():
        container = engine.client.containers.create(
            by_digest(str(recipe.image)),
            entrypoint=["/bin/sh", "-c", _INSTALL, "install", *_wanted(recipe)],
            command=[],
            user="0:0",
            labels={LABEL: lease},
            environment={
                "DEBIAN_FRONTEND": "noninteractive",
                "SOURCE_DATE_EPOCH": str(recipe.epoch),
                "LC_ALL": "C.UTF-8",
                "MIRROR": mirror,
                "SUITE": recipe.suite,
            },
        )
        try:
            if lacking(recipe, _status(container.get_archive("/var/lib/dpkg/status")[0])):
                container.start()
                if container.wait()["StatusCode"]:
                    raise _not_installed(recipe, container.logs().decode(errors="replace"))
            yield from container.export()
        finally:
            remove(engine, str(container.id))


def _wanted(recipe: Recipe) -> list[str]:
    """Return the recipe's packages for apt-get, with the versions that are locked."""
    versions = dict(line.split()[:2] for line in debian.locked(recipe))
    return [f"{name}={versions[name]}" if name in versions else name for name in recipe.packages]


def lacking(recipe: Recipe, status: str) -> list[str]:
    """Return the packages of a recipe that dpkg's record has not."""
    there = {package.name for package in debian.packages(status)}
    return [name for name in recipe.packages if name not in there]


def _status(archive: Iterable[bytes]) -> str:
    with tarfile.open(fileobj=io.BytesIO(b"".join(archive))) as tar:
        content = tar.extractfile(tar.getmembers()[0])
        return content.read().decode() if content else ""


def _not_installed(recipe: Recipe, log: str) -> CheckFailed:
    return CheckFailed(
        f"the packages of {recipe.name} do not install on {recipe.image}",
        cure="read apt-get's lines; NPULAB_DEBIAN_MIRROR names another Debian mirror",
        code="NPU095",
        details=tuple(log.splitlines()[-_LINES:]),
    )


def flatten(stream: Iterable[bytes], recipe: Recipe, out: Path) -> None:
    """Write an exported file system as a layer: the recipe's paths, its epoch, one order.

    Args:
        stream: A tar, as engines export containers.
        recipe: Says what is left out, and the latest time that a file may have.
        out: Takes the layer.
    """
    exported = out.with_name(f"{out.name}.export")
    with exported.open("wb") as file:
        for chunk in stream:
            file.write(chunk)
    with tarfile.open(exported) as tar, tarfile.open(out, "w", format=tarfile.GNU_FORMAT) as layer:
        members = [one for one in tar if _stays(_name(one), recipe)]
        members.sort(key=lambda one: _name(one).split("/"))
        kept = {one.name for one in members}
        for member in members:
            _add(layer, tar, member, recipe.epoch, kept)
    exported.unlink()


def _add(
    layer: tarfile.TarFile,
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    epoch: int,
    kept: set[str],
) -> None:
    info = copy.copy(member)
    info.name, info.uname, info.gname, info.pax_headers = f"./{_name(member)}", "", "", {}
    info.mtime = min(int(member.mtime), epoch)
    if member.islnk() and member.linkname in kept:
        info.linkname = f"./{member.linkname.removeprefix('./')}"
    elif member.isreg() or member.islnk():
        content = tar.extractfile(member)
        data = content.read() if content else b""
        data += _ACCOUNTS.get(_name(member), b"") if b"\nlab:" not in data else b""
        info.type, info.linkname, info.size = tarfile.REGTYPE, "", len(data)
        layer.addfile(info, io.BytesIO(data))
        return
    layer.addfile(info)


_ACCOUNTS = {"etc/passwd": f"{debian.LAB_USER}\n".encode(), "etc/group": b"lab:x:1000:\n"}
"""What makes the images' user, where a base has it not."""


def _name(member: tarfile.TarInfo) -> str:
    return member.name.removeprefix("./").rstrip("/")


def _stays(name: str, recipe: Recipe) -> bool:
    """Whether a path is one of the base's own, and none that the recipe leaves out."""
    if name in ("", ".", *_DROPPED):
        return False
    if any(name.startswith(f"{folder}/") for folder in _EMPTIED):
        return False
    if name.startswith("etc/") and name.endswith("-"):
        return False
    if name.startswith("var/lib/dpkg/") and PurePosixPath(name).name.endswith("-old"):
        return False
    path = f"/{name}"
    if any(fnmatchcase(path, pattern) for pattern in recipe.keep):
        return True
    return not any(fnmatchcase(path, pattern) for pattern in recipe.exclude)
