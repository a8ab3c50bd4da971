"""The fixtures: what each core is given and what it answers."""

from __future__ import annotations

from design import Design

DESIGNS = (
    Design(
        name="passthrough",
        about="copies objects of 4096 bytes",
        input_bytes=4096,
        output_bytes=4096,
        objects=4,
    ),
)
