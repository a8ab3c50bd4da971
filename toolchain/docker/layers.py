"""Image layers and image archives, byte for byte the same for the same content.

An image's id is the hash of its configuration, which names its layers by theirs. So each file
of a layer gets the lab's epoch, root and plain modes, and the configuration holds no time of
this machine.
"""

from __future__ import annotations

import hashlib
import json
import stat
import tarfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from toolchain.docker.image import Layer

CHUNK = 1 << 20


def measure(path: Path, created_by: str) -> Layer:
    """Return the layer that a tar is."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Layer(path=str(path), sha256=sha256, size=path.stat().st_size, created_by=created_by)


def pack(folder: Path, root: str, out: Path, epoch: int) -> None:
    """Write a tar that puts what is in `folder` at `root`, a path without leading slash."""
    parts = Path(root).parts
    with tarfile.open(out, "w", format=tarfile.GNU_FORMAT) as tar:
        for depth in range(1, len(parts) + 1):
            tar.addfile(_info("/".join(parts[:depth]), folder, epoch))
        for path in sorted(folder.rglob("*")):
            info = _info(f"{root}/{path.relative_to(folder)}", path, epoch)
            if info.isreg():
                with path.open("rb") as content:
                    tar.addfile(info, content)
            else:
                tar.addfile(info)


def configuration(
    layers: Sequence[Layer],
    *,
    architecture: str,
    epoch: int,
    labels: dict[str, str],
    env: dict[str, str],
    user: str,
) -> bytes:
    """Return the image configuration, whose hash is the image's id."""
    created = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    document: dict[str, Any] = {
        "architecture": architecture,
        "config": {
            "Cmd": ["/bin/sh"],
            "Env": [f"{name}={value}" for name, value in sorted(env.items())],
            "Labels": labels,
            "User": user,
        },
        "created": created,
        "history": [{"created": created, "created_by": one.created_by} for one in layers],
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{one.sha256}" for one in layers]},
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def archive(config: bytes, layers: Sequence[Layer], tag: str) -> Iterator[bytes]:
    """Yield what `docker load` takes: the configuration, the layers, and their manifest."""
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    paths = [f"{layer.sha256}/layer.tar" for layer in layers]
    manifest = json.dumps([{"Config": name, "RepoTags": [tag], "Layers": paths}]).encode()
    yield from _member(name, BytesIO(config), len(config))
    for path, layer in zip(paths, layers, strict=True):
        with Path(layer.path).open("rb") as file:
            yield from _member(path, file, layer.size)
    yield from _member("manifest.json", BytesIO(manifest), len(manifest))
    yield bytes(2 * tarfile.BLOCKSIZE)


def _member(name: str, content: BinaryIO, size: int) -> Iterator[bytes]:
    info = tarfile.TarInfo(name)
    info.size = size
    yield info.tobuf(tarfile.GNU_FORMAT)
    while chunk := content.read(CHUNK):
        yield chunk
    yield bytes(-size % tarfile.BLOCKSIZE)


def _info(name: str, path: Path, epoch: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mtime = epoch
    status = path.lstat()
    if path.is_symlink():
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, str(path.readlink()), 0o777
    elif path.is_dir():
        info.type, info.mode = tarfile.DIRTYPE, 0o755
    else:
        info.size, info.mode = status.st_size, 0o755 if status.st_mode & stat.S_IXUSR else 0o644
    return info
