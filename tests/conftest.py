"""What the header of a report says: which toolchain the tests of target aie2 run with."""

from __future__ import annotations


def pytest_report_header() -> str:
    """Say whether the pinned wheels are here, which `tests/aie2/test_real.py` needs."""
    return f"target aie2: {_toolchain()}"


def _toolchain() -> str:
    from errors import LabError
    from toolchain.fetch import mirror
    from toolchain.pins import lockfile

    try:
        folder = mirror.chosen()
        wheels = lockfile.load().variant()
    except LabError as error:
        return f"FAKE wheels only ({error.message})"
    if folder is None:
        return "FAKE wheels only (no mirror is set)"
    lacking = [wheel.file_name for wheel in wheels if not (folder / wheel.file_name).is_file()]
    if lacking:
        return f"FAKE wheels only ({folder} has no {' and no '.join(lacking)})"
    names = " and ".join(f"{wheel.name} {wheel.version}" for wheel in wheels)
    return f"FAKE wheels, and the real {names} from {folder}"
