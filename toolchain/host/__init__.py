"""Target host: kernels as shared libraries that the simulated cores call."""
