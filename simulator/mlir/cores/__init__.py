"""Core bodies: compiled once to Python generators, with kernels called natively."""
