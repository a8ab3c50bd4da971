"""The page of all findings: ``python -m tests.findings.page docs/findings.md``."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from errors.catalogue import load
from tests.findings.design import Design, designs

_HEAD = """# Findings

What the simulated array refuses or reports, each by the design that shows it. The designs
are `tests/findings/designs/NAME.mlir`; their messages, below, are held to the letter by
`tests/findings/test_designs.py`. What a code means and how to cure it is in
[troubleshooting.md](troubleshooting.md).

Findings that the hardware survives (races, reads of what nobody has written, shim tasks that
are unfinished at the end) can be switched to warnings: `--warn races,uninitialised,unfinished`
with `npulab run`, `test` and `demo`, the variable `NPULAB_WARN`, or `Simulation(warn=...)`.
An array longer than the argument that it is passed for (NPU163) is always a warning.

What is looked for, and what is not:

- **Races** are found by order, not by chance of timing: locks, task tokens and words on a
  stream tell one side what the other has done, and two conflicting accesses that no such chain
  connects are reported. An access is a whole transfer, or a stretch of a core's program
  between two places where it may wait. Host memory that one channel reads and another
  writes is not looked at. What a kernel function was handed it counts as having read, and as
  having written where it changed it. Machine code in the cores is not watched.
- **Reads of what nobody has written**: a DMA that sends such words, unless a core has written
  part of that buffer; a load in a core body of which no word was written; a kernel function
  whose result changes when such words of its arguments do (its call is made twice then, from
  the same state, at most 16 times for each function and core).
- **Route congestion** is refused where no way exists for all circuits together; a given
  pathfinder may fail before.
"""


def page() -> str:
    """Return the page: a section for each code, a design for each finding."""
    titles = load()
    by_code: dict[str, list[Design]] = defaultdict(list)
    for design in designs():
        by_code[design.code].append(design)
    lines = [_HEAD]
    for code, group in sorted(by_code.items()):
        lines.append(f"## {code}: {titles[code].title}\n")
        for design in group:
            lines.append(f"**{design.name}**\n")
            lines.append(f"```text\n{design.message}\n```\n")
            lines.append(f"On the silicon: {design.silicon}\n")
    return "\n".join(lines)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
