"""Write the generated parts of the page on the model.

    python -m runtime.model docs/model.md [--simulate]

The roofline is written to ``images/roofline.svg`` beside the page. Variants whose simulated cycles
are not known yet (``runtime/model/simulated.json``) are run on the simulated array first; with
--simulate all are, which takes minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from runtime.model import report
from runtime.model.picture import roofline_svg
from runtime.model.predict import predict


def main(arguments: list[str] | None = None) -> None:
    """Rewrite a page's tables, and its picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("--simulate", action="store_true", help="run every variant, known or not")
    options = parser.parse_args(arguments)
    variants = report.kernels()
    known = {} if options.simulate else report.simulated()
    cycles = {}
    for kernel in variants:
        cycles[kernel.title] = known.get(kernel.title) or report.simulate(kernel)
        if kernel.title not in known:
            sys.stderr.write(f"{kernel.title}: {cycles[kernel.title]:,} cycles\n")
    report.SIMULATED.write_text(json.dumps(cycles, indent=1) + "\n")
    page = options.page.read_text()
    for name, content in report.parts(variants, cycles).items():
        page = report.replaced(page, name, content)
    options.page.write_text(page)
    picture = options.page.parent / "images" / "roofline.svg"
    picture.write_text(roofline_svg(report.drawn(predict(kernel) for kernel in variants)))


if __name__ == "__main__":
    main()
