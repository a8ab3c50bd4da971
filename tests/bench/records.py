"""A record that tests of the store, the exports and the history begin with."""

from runtime.bench.record import Record

RECORD = Record(
    time="2026-11-20T12:00:00+00:00",
    kernel="gelu_int8/512",
    device="fake NPU",
    basis="modelled",
    samples=(1e-3, 2e-3, 3e-3),
    warmup=40,
    stable=True,
    tight=False,
    transfer=None,
    amortised=5e-4,
    compared=1024,
    ops=512,
    bytes=1280,
    provenance={"host": "a"},
    conditions={"power_mode": "performance"},
)
