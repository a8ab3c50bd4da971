"""A FAKE of XRT's Python module, backed by the simulated array. It is not XRT.

`simulator.fake_xrt.pyxrt` has the classes, methods, flags and enums of the real module, as
recorded in ``tests/fake_xrt/pyxrt-2.25.json``; `board` is the device behind it, with a pool
of contexts and a clock of its own; `faults` scripts what goes wrong; `package` writes the
files that it loads in the place of xclbin and instructions. All times are modelled.
"""
