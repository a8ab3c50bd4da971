"""The execution of AIE2 machine code, with the core's exposed pipeline."""
