"""Draw the README's picture: what `npulab demo` really prints, as an SVG of a terminal.

    python docs/pictures.py

Runs the command and records its output; nothing in the picture is written by hand.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

IMAGES = Path(__file__).parent / "images"
COMMAND = ("npulab", "demo", "passthrough", "gelu_int8", "matmul_int8_array", "mel_int16")
WIDTH = 80


def main() -> None:
    """Run the command and write docs/images/demo.svg."""
    environment = {
        **os.environ,
        "FORCE_COLOR": "1",
        "COLUMNS": str(WIDTH),
        "TERM": "xterm-256color",
    }
    output = subprocess.run(  # the exit code is checked: a failed demo draws no picture
        [sys.executable, "-m", *COMMAND],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text.assemble(("$ ", "bold green"), " ".join(COMMAND)))
    console.print(Text.from_ansi(output))
    svg = console.export_svg(title="no NPU, no docker: a simulated Phoenix array")
    # The font is the reader's own: a picture in the repository fetches nothing.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", "ui-monospace, monospace")
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / "demo.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
