"""What every command that needs builds does: build, show how far it is, tell what failed."""

from __future__ import annotations

from collections.abc import Sequence

from errors import LabError
from npulab.console import print_error
from npulab.progress import BuildProgress
from npulab.report.failures import note_builds
from npulab.running import Where, choose_runner
from toolchain.build import Build, BuildResult, build
from toolchain.unit import Unit


def build_units(
    units: Sequence[Unit],
    *,
    target: str = "host",
    jobs: int | None = None,
    where: Where | None = None,
) -> list[BuildResult]:
    """Build with progress on stderr; see :func:`toolchain.build.build`.

    Args:
        units: What to build.
        target: What for.
        jobs: Steps at a time.
        where: Where commands run; see :func:`npulab.running.choose_runner`.
    """
    where = where or choose_runner()
    with where.runner(units) as runner, BuildProgress() as progress:
        results = build(units, target=target, jobs=jobs, progress=progress, runner=runner)
    note_builds(results, target)
    return results


def built(result: BuildResult) -> Build:
    """Return a result's build.

    Raises:
        LabError: It failed: the first of its errors.
    """
    if result.build is None:
        raise result.errors[0]
    return result.build


def report_errors(errors: Sequence[tuple[str, LabError]]) -> int:
    """Print errors on stderr, and return the exit code that they call for together.

    Args:
        errors: Each with the kernel that it is of. A kernel's first error is told in full, the
            others in one line, for they are often the same in another variant or case.
    """
    told = set()
    for kernel, error in errors:
        print_error(error, brief=kernel in told)
        told.add(kernel)
    return max((error.exit_code for _, error in errors), default=0)


def error_document(error: LabError) -> dict[str, object]:
    """Return an error as JSON."""
    return {
        "code": error.code,
        "message": error.message,
        "cure": error.cure,
        "details": list(error.details),
    }
