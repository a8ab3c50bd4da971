"""The real pyxrt of the XRT image: its surface, and what it says where there is no device."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.xrt.failures import of_exception
from toolchain.docker.container import Spec
from toolchain.docker.image import Image
from toolchain.docker.runner import DockerRunner

pytestmark = pytest.mark.docker

FAKE = Path(__file__).parents[1] / "fake_xrt"
PROBE = """
import json, pyxrt
found = {"devices": pyxrt.enumerate_devices()}
try:
    pyxrt.device(0)
except RuntimeError as error:
    found["says"] = str(error)
try:
    pyxrt.xclbin("/nowhere.xclbin")
except RuntimeError as error:
    found["file"] = str(error)
print(json.dumps(found))
"""


def said(image: Image, out: Path, *command: str) -> str:
    """Return what Python in the image prints."""
    out.mkdir()
    with DockerRunner(Spec(image=image.tag, reads=(FAKE,), writes=(out,))) as runner:
        log = out / "log"
        ended = runner.run(["/usr/bin/python3", *command], cwd=out, env={}, timeout=60, log=log)
        assert ended.exit_code == 0, log.read_text()
    return log.read_text()


@pytest.fixture
def xrt(built: Callable[[str], Image]) -> Image:
    return built("xrt")


def test_the_recorded_surface_is_that_of_the_image(xrt: Image, tmp_path: Path) -> None:
    """What the fake is held against (tests/fake_xrt) is the real module, both ways."""
    found = json.loads(said(xrt, tmp_path / "out", str(FAKE / "surface.py")))
    assert found == json.loads((FAKE / "pyxrt-2.25.json").read_text())


def test_no_device_is_enumerated_and_ends_in_exit_code_3(xrt: Image, tmp_path: Path) -> None:
    found = json.loads(said(xrt, tmp_path / "out", "-c", PROBE).splitlines()[-1])
    assert found["devices"] == 0
    missing = of_exception(RuntimeError(found["says"]), "opening the NPU")
    assert (missing.code, missing.exit_code) == ("NPU410", 3)
    assert of_exception(RuntimeError(found["file"]), "it").code == "NPU424"
