"""The fixtures, by what surrounds their cores. `goldens.py` says what they answer."""

from __future__ import annotations

from design import Design


def _design(name: str, about: str, sizes: tuple[int, int], objects: int = 2) -> Design:
    return Design(
        name=name, about=about, input_bytes=sizes[0], output_bytes=sizes[1], objects=objects
    )


DESIGNS = (
    _design("passthrough", "copies objects of 4096 bytes", (4096, 4096), objects=4),
    _design("gelu_int8", "GELU by a table, scalar", (512, 512)),
    _design("matmul_int8", "16 x 16 x 16 product, scalar", (512, 1024)),
    _design("multiply_add_bf16", "a * b + c, 16 lanes of bfloat16", (1536, 512)),
    _design("call_delay", "an argument that arrives in time", (256, 256)),
    _design("call_delay_miscompiled", "an argument that arrives late: zeros", (256, 256)),
    _design("delay_slots", "hazards that compiled code relies on", (64, 88)),
    _design("latencies", "every class of latency", (128, 2240)),
)
