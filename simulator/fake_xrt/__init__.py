"""A FAKE of XRT's Python module, backed by the simulated array. It is not XRT.

`simulator.fake_xrt.pyxrt` has the classes, methods, flags and enums of the real module, as
recorded in ``tests/fake_xrt/pyxrt-2.25.json``; `board` is the device behind it, with a pool
of contexts and a clock of its own; `engines` are what a context runs, real xclbins (where the
board has a reader of them) or the MLIR of files that `package` writes in their place; `faults`
scripts what goes wrong. All times are modelled.
"""
