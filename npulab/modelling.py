"""How the performance model's figures are printed: as a model, with what binds and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from npulab.console import Column, Rows, print_hanging, print_wrapped

if TYPE_CHECKING:
    from rich.console import Console

    from runtime.model import Prediction

_NOTE = (
    "modelled, nothing measured: core cycles are the contract's estimates, rates are those of "
    "the simulated array, dispatch is a constant fitted to measured calls (docs/model.md)"
)


def print_prediction(console: Console, one: Prediction) -> None:
    """Print what the model says of a variant."""
    clock = f"{one.clock_hz / 1e9:g} GHz"
    console.print(f"{one.title}, modelled at {clock}", style="bold", soft_wrap=True)
    print_wrapped(console, _NOTE, indent=2, style="dim")
    console.print(f"\n  a call           {one.seconds * 1e3:.3f} ms")
    console.print(f"    dispatch       {one.dispatch_s * 1e3:.3f} ms, {one.dispatch_share:.1%}")
    array = one.cycles / one.clock_hz
    console.print(f"    on the array   {array * 1e3:.3f} ms, {one.cycles:,} cycles")
    console.print("  bound by         ", end="")
    print_hanging(console, _binds(one), indent=19)
    console.print("  of peak          ", end="")
    print_hanging(console, _peak(one), indent=19)
    console.print(
        f"  host memory      {one.read_bytes:,} bytes read, {one.written_bytes:,} written"
    )
    console.print(f"  intensity        {one.intensity:.3g} operations a byte")
    console.print("\nwho works how long", style="bold")
    rows = Rows(
        console,
        Column("what", 14),
        Column("cycles", 11, "right"),
        Column("of all", 6, "right"),
        Column("fill", 7, "right"),
        Column("drain", 7, "right"),
        Column("busiest", 20),
    )
    rows.header()
    for bound in one.bounds:
        rows.row(
            bound.kind.value,
            f"{bound.busy:,.0f}",
            f"{bound.busy / one.cycles:.0%}",
            f"{bound.start:,.0f}",
            f"{bound.end:,.0f}",
            bound.who.replace(" and ", " + ")[:24].rstrip(" +"),
        )
    console.print("\ncalls on the busiest core", style="bold")
    for symbol, count in one.calls.items():
        console.print(f"  {count:>9,}  {symbol}", soft_wrap=True)


def prediction_document(one: Prediction) -> dict[str, Any]:
    """Return the same for JSON; ``basis`` says that it is modelled."""
    return {
        "kernel": one.title,
        "basis": "modelled",
        "clock_hz": one.clock_hz,
        "dispatch_s": one.dispatch_s,
        "seconds": one.seconds,
        "cycles": one.cycles,
        "binds": one.binds.value,
        "array_binds": one.array_bound.kind.value,
        "dispatch_share": one.dispatch_share,
        "least_cycles": one.least_cycles,
        "of_peak": one.of_peak,
        "of_cores_peak": one.of_cores_peak,
        "read_bytes": one.read_bytes,
        "written_bytes": one.written_bytes,
        "shim_channels": one.shim_channels,
        "cores": one.cores,
        "ops": one.ops,
        "intensity": one.intensity,
        "calls": dict(one.calls),
        "bounds": [
            {
                "kind": bound.kind.value,
                "who": bound.who,
                "busy": bound.busy,
                "start": bound.start,
                "end": bound.end,
            }
            for bound in one.bounds
        ],
    }


def _binds(one: Prediction) -> str:
    array = one.array_bound
    where = f"{array.kind.value}, {array.busy / one.cycles:.0%} of the cycles"
    return where if one.binds is array.kind else f"{one.binds.value}; on the array {where}"


def _peak(one: Prediction) -> str:
    if one.of_peak is None or one.of_cores_peak is None or one.macs is None:
        return "none stated for this element type"
    many = "core" if one.cores == 1 else "cores"
    return (
        f"{one.of_peak:.1%} of 16 cores, {one.of_cores_peak:.1%} of the {one.cores} {many} used "
        f"({one.macs} multiply-accumulates a cycle each: {one.least_cycles:,.0f} cycles on all 16)"
    )
