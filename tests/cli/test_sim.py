"""`npulab sim`: programs that know nothing of the lab, with the fake pyxrt in their way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "binaries" / "passthrough"
PROGRAM = """
import sys
import numpy as np
import pyxrt

device = pyxrt.device(0)
xclbin = pyxrt.xclbin(sys.argv[1])
device.register_xclbin(xclbin)
context = pyxrt.hw_context(device, xclbin.get_uuid())
kernel = pyxrt.kernel(context, xclbin.get_kernels()[0].get_name())
code = np.fromfile(sys.argv[2], dtype=np.uint32)
to, back = pyxrt.xclBOSyncDirection.XCL_BO_SYNC_BO_TO_DEVICE, pyxrt.xclBOSyncDirection(1)
insts = pyxrt.bo(device, code.nbytes, pyxrt.bo.cacheable, kernel.group_id(1))
x = pyxrt.bo(device, 16384, pyxrt.bo.host_only, kernel.group_id(3))
y = pyxrt.bo(device, 16384, pyxrt.bo.host_only, kernel.group_id(4))
insts.write(code, 0)
insts.sync(to)
np.frombuffer(x.map(), np.int32)[:] = range(4096)
if "forget" not in sys.argv:
    x.sync(to)
print(kernel(3, insts, len(code) - ("short" in sys.argv), x, y).wait(1000).name)
y.sync(back)
print(int(np.frombuffer(y.map(), np.int32).sum()))
sys.exit(7)
"""


def sim(folder: Path, *program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "npulab", "sim", "--", *program],
        cwd=folder,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def program(tmp_path: Path) -> list[str]:
    (tmp_path / "host.py").write_text(PROGRAM)
    files = [str(FOLDER / "design.xclbin"), str(FOLDER / "insts.bin")]
    return [sys.executable, "host.py", *files]


def test_a_program_runs_unchanged(tmp_path: Path, program: list[str]) -> None:
    done = sim(tmp_path, *program)
    assert done.stdout.splitlines() == ["ERT_CMD_STATE_COMPLETED", str(sum(range(4096)))]
    assert done.returncode == 7, "the program's own"
    (line,) = done.stderr.splitlines()
    assert line.startswith("npulab sim: 1 command on the simulated array, 0.1")
    assert line.endswith(" ms, all modelled")


def test_a_forgotten_sync_shows(tmp_path: Path, program: list[str]) -> None:
    done = sim(tmp_path, *program, "forget")
    assert done.stdout.splitlines() == ["ERT_CMD_STATE_COMPLETED", "0"]


def test_what_hangs_is_explained(tmp_path: Path, program: list[str]) -> None:
    done = sim(tmp_path, *program, "short")
    assert done.stdout.splitlines() == ["ERT_CMD_STATE_TIMEOUT", "0"]
    assert done.stderr.splitlines()[1] == (
        "npulab sim: [NPU290] the call says 74 instructions, and the buffer 300 bytes"
    )


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    done = sim(tmp_path, "no-such-program")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        "error: [NPU291] cannot start no-such-program: No such file or directory"
    )


def test_a_python_without_npulab_is_told_which_has_it(tmp_path: Path) -> None:
    done = sim(tmp_path, sys.executable, "-S", "-c", "import pyxrt")
    assert done.returncode == 1
    assert "has no npulab, so it has no simulated NPU: start the program with" in done.stderr
    assert sys.executable in done.stderr


def test_the_folder_on_the_path_holds_that_module_only() -> None:
    from npulab.standin import FOLDER as FOLDER_ON_PATH
    from npulab.standin import environment

    held = [path.name for path in FOLDER_ON_PATH.iterdir() if path.name != "__pycache__"]
    assert held == ["pyxrt.py"]
    given = environment({"PYTHONPATH": "/mine", "HOME": "/home"})
    assert given["PYTHONPATH"] == f"{FOLDER_ON_PATH}{os.pathsep}/mine"
    assert given["HOME"] == "/home"
