"""What the NPU runs, on the simulated array: configurations and instructions as register writes.

`commands` is their common vocabulary, whatever file they come from (the readers of xclbin,
PDI, CDO and instruction files are elsewhere and hand in what they decode); `configuration`
makes of commands what the array loads, `instructions` a host program, and `executable` runs
one on the other.
"""
