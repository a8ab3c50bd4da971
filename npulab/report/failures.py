"""Keeps what builds failed of, until they succeed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from errors import LabError
from toolchain.build import BuildResult, default_root


def note_builds(results: Sequence[BuildResult], target: str) -> None:
    """Keep what failed, and forget earlier failures of what succeeded now.

    Args:
        results: What became of the units.
        target: What they were built for.
    """
    from npulab.report import records

    root = default_root()
    for result in results:
        path = records.failed_path(root, target, result.unit.name, result.unit.label)
        with suppress(OSError, LabError):  # the failure is the error to tell, not its record's
            if not result.errors:
                path.unlink(missing_ok=True)
                continue
            failed = records.FailedBuild(
                name=result.unit.name,
                label=result.unit.label,
                target=target,
                when=records.now(),
                errors=tuple(map(records.error_record, result.errors)),
            )
            records.write(path, failed)
