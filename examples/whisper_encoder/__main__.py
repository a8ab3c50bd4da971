"""Run speech through the front of Whisper's encoder on the simulated array.

    python -m examples.whisper_encoder [--rows 64] [--weights model.safetensors]

prints every layer's error against float64 and its budget; the exit code is 1 where one is over.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from errors import LabError, UsageError
from examples.whisper_encoder.array import ArrayEncoder, check_rows
from examples.whisper_encoder.layers import Layer, audio, encode
from examples.whisper_encoder.picture import errors_svg
from examples.whisper_encoder.weights import published_weights, random_weights
from npulab.arrays import check_writable
from npulab.console import Column, Rows, print_error, print_wrapped, stderr, stdout
from runtime.model import DISPATCH_S
from simulator.clock import CLOCK_HZ


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.whisper_encoder",
        description="Speech through the front of Whisper base's encoder, on the simulated array.",
    )
    parser.add_argument(
        "--rows",
        type=int,
        default=64,
        help="hidden states, 20 ms each, in fours: 64 by default, 1500 is 30 s",
    )
    parser.add_argument(
        "--weights", type=Path, help="model.safetensors of openai/whisper-base; else fixed random"
    )
    parser.add_argument("--svg", type=Path, help="write a picture of the errors")
    parser.add_argument("--markdown", type=Path, help="write the table for a page")
    options = parser.parse_args(arguments)
    try:
        return _run(options.rows, options.weights, options.svg, options.markdown)
    except LabError as error:
        print_error(error)
        return error.exit_code


def _run(rows: int, path: Path | None, svg: Path | None, markdown: Path | None) -> int:
    for file in filter(None, (svg, markdown)):
        check_writable(file)
    check_rows(rows)
    weights = random_weights() if path is None else published_weights(path)
    notes = stderr()

    def told(layer: str, variant: str) -> None:
        notes.print(f"{layer}: {variant}", style="dim", soft_wrap=True)

    start = time.perf_counter()
    encoder = ArrayEncoder(weights, rows, told)
    notes.print(f"building {len(encoder.kernels())} kernels", style="dim")
    encoder.prepare()
    layers = list(encode(weights, encoder, audio(rows)))
    seconds = time.perf_counter() - start
    _print(layers, rows, weights.source, seconds)
    if svg is not None:
        _write(svg, errors_svg(layers))
    if markdown is not None:
        _write(markdown, table(layers))
    return 0 if all(layer.ok for layer in layers) else 1


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {(error.strerror or str(error)).lower()}",
            cure="free space or take another path",
            code="NPU405",
        ) from None


def _print(layers: Sequence[Layer], rows: int, source: str, seconds: float) -> None:
    console = stdout()
    console.print(f"{rows} rows, {rows * 0.02:g} s of speech; {source}", soft_wrap=True)
    console.print(f"{seconds:.1f} s on this machine, builds included\n")
    table = Rows(
        console,
        Column("layer", 15),
        Column("shape", 9),
        Column("alone", 7, "right"),
        Column("budget", 7, "right"),
        Column("so far", 7, "right"),
        Column("budget", 7, "right"),
        Column("", 4),
        Column("cycles", 10, "right"),
    )
    table.header()
    for layer in layers:
        table.row(
            layer.name,
            "x".join(map(str, layer.shape)),
            f"{layer.own:.3%}",
            f"{layer.budget:.3%}",
            f"{layer.total:.3%}",
            f"{layer.total_budget:.3%}",
            "ok" if layer.ok else "OVER",
            f"{layer.work.cycles:,}",
        )
    cycles, calls = (sum(getattr(one.work, what) for one in layers) for what in ("cycles", "calls"))
    console.print()
    modelled = cycles / CLOCK_HZ + calls * DISPATCH_S
    print_wrapped(
        console,
        f"{calls} calls and {cycles:,} cycles, modelled: {modelled * 1e3:.2f} ms at "
        f"{CLOCK_HZ / 1e9:g} GHz, of which dispatch {calls * DISPATCH_S * 1e3:.2f} ms. Errors are "
        "relative root mean squares against float64: of the layer alone, and from the audio on.",
    )


def table(layers: Sequence[Layer]) -> str:
    """Return the layers as a table for a page."""
    rows = [
        "| layer | shape | variant | calls | cycles, modelled | alone | budget | so far | budget |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for layer in layers:
        shape = "x".join(map(str, layer.shape))
        titles = ", ".join(f"`{title}`" for title in layer.work.titles)
        rows.append(
            f"| {layer.name} | {shape} | {titles} | {layer.work.calls} | {layer.work.cycles:,} "
            f"| {layer.own:.3%} | {layer.budget:.3%} | {layer.total:.3%} "
            f"| {layer.total_budget:.3%} |"
        )
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.exit(main())
