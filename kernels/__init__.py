"""The kernels of the lab, one folder each, and the contract that they fulfil."""
