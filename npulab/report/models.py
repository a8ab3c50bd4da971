"""What the performance model says of builds: computed once, kept beside the other records."""

from __future__ import annotations

from pathlib import Path

from errors import LabError
from kernels.contract import Kernel
from npulab.report import kept
from npulab.report.records import FOLDER
from runtime.model import Prediction, predict
from toolchain.artifact import Build


def prediction(root: Path, kernel: Kernel) -> Prediction | None:
    """Return a variant's prediction; None where it is not built or the model refuses it.

    Args:
        root: The build folder.
        kernel: The variant.
    """
    try:
        key = kept.key(Build.open(kept.folder(root, kernel)))
        path = root / FOLDER / "model" / kernel.kernel_name() / f"{kernel.label}.json"
        found = kept.load(path, key, Prediction)
        if found is None:
            found = predict(kernel)
            kept.save(path, key, found)
    except LabError:
        return None
    return found
