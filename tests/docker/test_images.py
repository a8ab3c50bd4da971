"""Images: the same content gives the same id, and what is in them is told."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from errors import CheckFailed, MissingEnvironment, UsageError
from toolchain.docker import debian, image, images, recipes, revision, wheels
from toolchain.docker.debian import Package
from toolchain.docker.engine import Engine
from toolchain.docker.image import Image, Layer
from toolchain.docker.layers import archive, configuration, measure, pack
from toolchain.docker.recipes import Recipe
from toolchain.docker.sbom import document, purl
from toolchain.storage.store import Store

pytestmark = pytest.mark.docker
VARIANTS = ("toolchain-py3.11", "toolchain-py3.13")


@pytest.mark.parametrize("name", [*VARIANTS, "xrt"])
def test_the_engine_has_the_image_under_the_id_that_was_computed(
    built: Callable[[str], Image], docker: Engine, name: str
) -> None:
    made = built(name)
    found = docker.client.images.get(made.tag)
    assert found.id == made.id
    assert found.labels["npulab.image"] == name
    assert len(found.labels["npulab.lock"]) == 64
    if (ours := recipes.load()[name]).key == made.key and (
        commit := revision.of(ours)
    ) != "unknown":
        assert found.labels["org.opencontainers.image.revision"] == commit
    assert found.attrs["Config"]["User"] == "lab"
    assert made.size < (400 if name.startswith("toolchain") else 350) * 10**6


@pytest.mark.parametrize("name", VARIANTS[1:])  # one is enough: both run the same code
def test_a_base_bootstrapped_again_is_the_same_image(
    built: Callable[[str], Image], own_recipes: dict[str, Recipe], tmp_path: Path, name: str
) -> None:
    made, again = built(name), tmp_path / "layer.tar"
    debian.bootstrap(own_recipes[name], again)
    assert measure(again, "").sha256 == made.layers[0].sha256


def test_a_second_layer_made_again_is_the_same(
    built: Callable[[str], Image], own_recipes: dict[str, Recipe], tmp_path: Path
) -> None:
    recipe = own_recipes["toolchain-py3.13"]
    wheels.unpack(recipe, tmp_path / "lab")
    pack(tmp_path / "lab", "opt/lab", tmp_path / "layer.tar", recipe.epoch)
    again = measure(tmp_path / "layer.tar", "")
    assert again.sha256 == built("toolchain-py3.13").layers[1].sha256


def test_what_is_current_is_not_made_again(
    built: Callable[[str], Image], own_recipes: dict[str, Recipe], store: Store
) -> None:
    made, parts = built("xrt"), []
    again = images.make(own_recipes["xrt"], store, report=lambda what, _: parts.append(what))
    assert again == made == image.require(own_recipes["xrt"], store)
    assert parts == []


def test_the_bases_hold_no_trace_of_the_machine(built: Callable[[str], Image]) -> None:
    with tarfile.open(built("toolchain-py3.11").layers[0].path) as tar:
        names = {member.name.removeprefix("./") for member in tar}
        assert max(member.mtime for member in tar.getmembers()) <= 1767225600
    for name in ("etc/machine-id", "etc/hostname", "etc/resolv.conf", "var/log/dpkg.log"):
        assert name not in names
    assert not any(name.startswith("var/lib/apt/lists/d") for name in names)


@pytest.mark.parametrize("name", [*VARIANTS, "xrt"])
def test_the_bill_of_materials_has_every_package(
    built: Callable[[str], Image], own_recipes: dict[str, Recipe], tmp_path: Path, name: str
) -> None:
    made = built(name)
    images.describe(made, own_recipes[name], tmp_path)
    bill = json.loads((tmp_path / "sbom.cdx.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    references = [component["bom-ref"] for component in bill["components"]]
    assert len(references) == len(set(references)) == len(made.packages) > 70
    listed = (tmp_path / "packages.txt").read_text().splitlines()
    assert len(listed) == len(made.packages)
    if name in VARIANTS:
        assert "pkg:pypi/ziglang@0.17.0" in references


def test_package_urls_are_as_the_specification_has_them() -> None:
    package = Package("libstdc++6", "1:14.2.0-19", "amd64")
    url = "pkg:deb/debian/libstdc%2B%2B6@1%3A14.2.0-19?arch=amd64&distro=trixie"
    assert purl(package, "trixie") == url
    assert purl(Package("ml_dtypes", "0.6.0"), "trixie") == "pkg:pypi/ml-dtypes@0.6.0"
    assert document("x", "sha256:1", "trixie", [package], 0) == document(
        "x", "sha256:1", "trixie", [package], 0
    )


def test_a_mirror_that_moved_on_is_told_as_a_diff(
    own_recipes: dict[str, Recipe], tmp_path: Path
) -> None:
    recipe = dataclasses.replace(own_recipes["xrt"], lock=tmp_path / "xrt.packages")
    old = [Package("libc6", "2.41-1", "amd64"), Package("python3-xrt", "2.25-1", "amd64")]
    debian.write_lock(recipe, old)
    assert debian.drift(recipe, old) == []
    new = [Package("libc6", "2.42-1", "amd64"), old[1]]
    with pytest.raises(CheckFailed) as caught:
        debian.refuse_drift(recipe, new)
    assert caught.value.code == "NPU096"
    assert caught.value.details[2:] == ("-libc6 2.41-1 amd64", "+libc6 2.42-1 amd64")
    assert "npulab images xrt --accept" in str(caught.value)


def test_a_base_that_nobody_locked_is_refused(
    own_recipes: dict[str, Recipe], tmp_path: Path
) -> None:
    recipe = dataclasses.replace(own_recipes["xrt"], lock=tmp_path / "none")
    with pytest.raises(CheckFailed):
        debian.refuse_drift(recipe, [Package("libc6", "2.41-1", "amd64")])


def test_a_mirror_that_does_not_answer_is_named(
    own_recipes: dict[str, Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPULAB_DEBIAN_MIRROR", f"file://{tmp_path}")
    with pytest.raises(CheckFailed, match="does not bootstrap") as caught:
        debian.bootstrap(own_recipes["xrt"], tmp_path / "out.tar")
    assert caught.value.code == "NPU095"


def test_a_changed_recipe_is_not_the_image_that_was_made(
    built: Callable[[str], Image], own_recipes: dict[str, Recipe], store: Store
) -> None:
    built("xrt")
    changed = dataclasses.replace(own_recipes["xrt"], packages=("bash",))
    with pytest.raises(MissingEnvironment) as caught:
        image.require(changed, store)
    assert caught.value.code == "NPU085"


def test_unknown_images_and_keys_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no image 'xtr'; did you mean xrt\?"):
        recipes.find("xtr")
    with pytest.raises(MissingEnvironment, match="no image recipes"):
        recipes.load(tmp_path)
    (tmp_path / "containers").mkdir()
    (tmp_path / "containers" / "images.toml").write_text("schema = 1\nepoc = 2\n")
    with pytest.raises(UsageError, match="epoc"):
        recipes.load(tmp_path)


def test_requirements_are_chosen_for_the_images_python() -> None:
    text = (
        "numpy==2.4.6 ; python_full_version < '3.12' \\\n    --hash=sha256:aa\n"
        "numpy==2.5.5 ; python_full_version >= '3.12' \\\n    --hash=sha256:bb \\\n"
        "    --hash=sha256:cc\nxdsl==0.74.0 \\\n    --hash=sha256:dd\n"
        "pywin32==1 ; sys_platform == 'win32' \\\n    --hash=sha256:ee\n"
    )
    assert wheels.select(text, "3.11") == (
        "numpy==2.4.6 \\\n    --hash=sha256:aa\nxdsl==0.74.0 \\\n    --hash=sha256:dd\n"
    )
    assert wheels.select(text, "3.13").splitlines()[0] == "numpy==2.5.5 \\"
    assert "hash=sha256:cc" in wheels.select(text, "3.13")


def test_an_archive_is_a_tar_with_its_manifest(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "a").write_text("a")
    pack(tmp_path / "content", "opt/lab", tmp_path / "a.tar", 0)
    layer: Layer = measure(tmp_path / "a.tar", "test")
    config = configuration(
        [layer], architecture="amd64", epoch=0, labels={"a": "b"}, env={"X": "1"}, user="lab"
    )
    with tarfile.open(fileobj=BytesIO(b"".join(archive(config, [layer], "t:1")))) as tar:
        contents = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    (manifest,) = json.loads(contents["manifest.json"])
    assert manifest["RepoTags"] == ["t:1"]
    assert hashlib.sha256(contents[manifest["Config"]]).hexdigest() in manifest["Config"]
    assert hashlib.sha256(contents[manifest["Layers"][0]]).hexdigest() == layer.sha256
    with tarfile.open(fileobj=BytesIO(contents[manifest["Layers"][0]])) as inner:
        assert [(m.name, m.mode, m.mtime) for m in inner] == [
            ("opt", 0o755, 0),
            ("opt/lab", 0o755, 0),
            ("opt/lab/a", 0o644, 0),
        ]
