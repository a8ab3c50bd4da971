"""A base by digest from a registry: Debian's docker-registry, on this machine's loopback."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from errors import CheckFailed, MissingEnvironment, UsageError
from tests.docker.waiting import wait_until
from toolchain.docker import debian, images, recipes, registry
from toolchain.docker.container import Spec
from toolchain.docker.engine import Engine
from toolchain.docker.image import Image, Layer
from toolchain.docker.layers import archive, configuration, measure, pack
from toolchain.docker.recipes import Recipe
from toolchain.docker.runner import DockerRunner
from toolchain.pins import lockfile
from toolchain.storage.store import Store

pytestmark = pytest.mark.docker
DEBIAN = Path("/usr/bin/docker-registry")
needs_registry = pytest.mark.skipif(not DEBIAN.exists(), reason="no docker-registry here")
EPOCH = 1767225600
DIGEST = f"sha256:{'0' * 64}"
STATUS = "Package: {}\nStatus: install ok installed\nVersion: {}\nArchitecture: amd64\n"


class Registry:
    """A registry with its own disk."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{free.getsockname()[1]}"
        self.disk = folder / "disk"
        settings = {
            "version": 0.1,
            "log": {"accesslog": {"disabled": True}, "level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(self.disk)}},
            "http": {"addr": self.host},
        }
        (folder / "config.yml").write_text(json.dumps(settings))
        with (folder / "log").open("wb") as log:
            command = [str(DEBIAN), "serve", str(folder / "config.yml")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._log = folder / "log"

    def wait(self) -> None:
        """Wait until it answers."""
        wait_until(self._answers, lambda: self._process.poll() is not None, self._log.read_text)

    def _answers(self) -> bool:
        host, port = self.host.split(":")
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) == 0

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)


@pytest.fixture
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    made = Registry(tmp_path_factory.mktemp("registry"))
    try:
        made.wait()
        yield made
    finally:
        made.stop()


@pytest.fixture
def small_base(tmp_path: Path) -> Layer:
    """A layer whose record of packages says what the recipe asks for, and no more."""
    content = tmp_path / "content"
    (content / "lib" / "dpkg").mkdir(parents=True)
    there = [STATUS.format(name, "3.11.2-1") for name in ("libstdc++6", "python3", "usr-is-merged")]
    (content / "lib" / "dpkg" / "status").write_text("\n".join(there))
    (content / "log").mkdir()
    (content / "log" / "dpkg.log").write_text("when it was made")
    pack(content, "var", tmp_path / "layer.tar", EPOCH)
    return measure(tmp_path / "layer.tar", "test")


def push(docker: Engine, local: Registry, layer: Layer) -> str:
    """Hand a layer to the registry as an image, forget it here, and return its reference."""
    config = configuration(
        [layer], architecture="amd64", epoch=EPOCH, labels={}, env={}, user="root"
    )
    name = f"{local.host}/base"
    docker.client.images.load(archive(config, [layer], f"{name}:1"))
    events = docker.client.api.push(name, tag="1", stream=True, decode=True)
    (digest,) = (event["aux"]["Digest"] for event in events if "aux" in event)
    docker.client.images.remove(f"{name}:1")
    return f"{name}:1@{digest}"


@pytest.fixture
def recipe(own_recipes: dict[str, Recipe], tmp_path: Path) -> Recipe:
    """The recipe of Python 3.11, with a lock of this test's."""
    found = own_recipes["toolchain-py3.11"]
    lock = tmp_path / found.lock.name
    shutil.copyfile(found.lock, lock)
    return dataclasses.replace(found, lock=lock)


def forget(docker: Engine, reference: str) -> None:
    docker.client.images.remove(registry.by_digest(reference), force=True)


@needs_registry
def test_a_pulled_base_is_the_bootstrapped_one(
    built: Callable[[str], Image],
    docker: Engine,
    local: Registry,
    recipe: Recipe,
    store: Store,
    tmp_path: Path,
) -> None:
    bootstrapped = built("toolchain-py3.11")
    reference = push(docker, local, bootstrapped.layers[0])
    here = dataclasses.replace(recipe, image=reference).from_registry
    own = Store(tmp_path / "cache")
    shutil.copytree(store.root / "layers", own.root / "layers", copy_function=_link)
    try:
        with pytest.raises(CheckFailed) as caught:
            images.make(here, own, report=lambda *_: None, engine=docker)
        assert caught.value.code == "NPU096"
        assert "npulab images toolchain-py3.11 --base registry --accept" in str(caught.value)
        made = images.make(here, own, accept=True, report=lambda *_: None, engine=docker)
    finally:
        forget(docker, reference)
    assert debian.locked(here) == debian.locked(recipe)
    assert made.packages == bootstrapped.packages
    assert made.layers[1] == bootstrapped.layers[1]
    images.load(made, docker, EPOCH, lambda *_: None)
    out = tmp_path / "out"
    out.mkdir()
    script = "import numpy, os, platform; print(platform.python_version(), os.getuid())"
    with DockerRunner(Spec(image=made.tag, writes=(out,))) as runner:
        command = ["/usr/bin/python3", "-c", script]
        env = {"PYTHONPATH": "/opt/lab"}
        done = runner.run(command, cwd=out, env=env, timeout=60, log=out / "log")
    assert done.exit_code == 0, (out / "log").read_text()
    assert (out / "log").read_text().startswith("3.11.")
    docker.client.images.remove(made.tag)


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


@needs_registry
def test_a_pulled_layer_is_the_same_each_time(
    docker: Engine, local: Registry, recipe: Recipe, small_base: Layer, tmp_path: Path
) -> None:
    reference = push(docker, local, small_base)
    here = dataclasses.replace(recipe, image=reference).from_registry
    layers = []
    for name in ("a.tar", "b.tar"):
        registry.base(here, docker, tmp_path / name)
        layers.append((tmp_path / name).read_bytes())
        forget(docker, reference)
    assert layers[0] == layers[1]
    assert [one.name for one in debian.installed(tmp_path / "a.tar")] == list(recipe.packages)
    assert b"when it was made" not in layers[0]


@needs_registry
def test_a_digest_that_the_registry_has_not_is_refused(
    docker: Engine, local: Registry, small_base: Layer
) -> None:
    reference = push(docker, local, small_base)
    wrong = f"{reference.partition('@')[0]}@{DIGEST}"
    with pytest.raises(CheckFailed, match=f"does not give the pinned image {wrong}") as caught:
        registry.pull(docker, wrong)
    assert caught.value.code == "NPU060"
    assert "--base bootstrap" in str(caught.value.cure)


@needs_registry
def test_content_that_is_not_the_digests_is_refused(
    docker: Engine, local: Registry, small_base: Layer
) -> None:
    reference = push(docker, local, small_base)
    digest = reference.rpartition(":")[2]
    blob = local.disk / "docker/registry/v2/blobs/sha256" / digest[:2] / digest / "data"
    other = blob.read_bytes().replace(b'"schemaVersion": 2', b'"schemaVersion":  2')
    assert hashlib.sha256(other).hexdigest() != digest
    blob.write_bytes(other)
    with pytest.raises(CheckFailed) as caught:
        registry.pull(docker, reference)
    assert caught.value.code == "NPU060"


def test_a_registry_that_does_not_answer_is_named(docker: Engine) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"127.0.0.1:{unused.getsockname()[1]}/base:1@{DIGEST}"
    with pytest.raises(MissingEnvironment, match="no registry answers") as caught:
        registry.pull(docker, nowhere)
    assert caught.value.code == registry.UNREACHABLE == "NPU061"


def test_the_pinned_images_have_tags_for_people_and_digests() -> None:
    suites = {base.suite: base.image for base in lockfile.load().bases}
    for suite, image in suites.items():
        assert image is not None
        assert image.startswith(f"debian:{suite}-slim@sha256:")
        assert registry.by_digest(image) == f"debian@{image.partition('@')[2]}"
    text = lockfile.PATH.read_text().replace("-slim@sha256:", "-slim#sha256:")
    with pytest.raises(UsageError, match="has no digest"):
        lockfile.parse(text, Path("pins.toml"))


def test_packages_of_another_version_than_the_pins_are_refused() -> None:
    recipe = recipes.load()["xrt"]
    assert recipe.versions["python3-xrt"] == lockfile.load().xrt.version
    debian.refuse_other_versions(recipe, [debian.Package("python3-xrt", "1:2.25.0-3", "amd64")])
    with pytest.raises(CheckFailed, match=r"is 2\.251-1, and pins\.toml pins 2\.25"):
        debian.refuse_other_versions(recipe, [debian.Package("python3-xrt", "2.251-1", "amd64")])


@pytest.mark.parametrize("name", ["toolchain-py3.11", "toolchain-py3.13", "xrt"])
def test_the_committed_locks_are_of_the_pinned_versions(name: str) -> None:
    recipe = recipes.load()[name]
    listed = [debian.Package(*line.split()) for line in debian.locked(recipe)]
    assert recipe.versions.keys() <= {package.name for package in listed}
    debian.refuse_other_versions(recipe, listed)
