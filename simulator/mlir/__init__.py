"""The MLIR front end: a design in the aie dialect becomes a configuration of the array."""
