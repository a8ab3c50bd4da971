"""What `demo` and `test` do with what was named: check it, and keep records of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from kernels.contract import Case, Kernel
from kernels.merged import Merged
from npulab.checking import Checked, PartWatcher, check_kernels, check_merged
from npulab.report.recording import Recording, print_refusal
from npulab.report.records import Data
from npulab.running import Where
from runtime.verify import CaseReport


def check_and_record(
    data: Data,
    chosen: Sequence[Kernel | Merged],
    cases: Callable[[Kernel], Iterable[Case]],
    *,
    where: Where,
    seed: int = 0,
    jobs: int | None = None,
    on_case: PartWatcher | None = None,
) -> Iterator[Checked]:
    """Yield what became of each variant, then of each part of the merged designs.

    Variants leave records for `npulab report`; merged designs do not: their parts are checked as
    variants of their own too.

    Args:
        data: The command.
        chosen: Variants and merged designs.
        cases: Gives a variant's data.
        where: Where builds run; see :func:`npulab.running.choose_runner`.
        seed: Of random data.
        jobs: Build steps at a time.
        on_case: Told of each case as it ends.
    """
    kernels = [one for one in chosen if isinstance(one, Kernel)]
    merged = [one for one in chosen if isinstance(one, Merged)]
    if kernels:
        recording = Recording(data, kernels, seed)

        def told(kernel: Kernel, case: CaseReport) -> None:
            recording.case(kernel, case)
            if on_case:
                on_case(kernel.title, kernel, case)

        found = check_kernels(kernels, cases, jobs=jobs, where=where, on_case=told)
        yield from recording.results(found)
        print_refusal(recording)
    if merged:
        yield from check_merged(merged, cases, jobs=jobs, where=where, on_case=on_case)
