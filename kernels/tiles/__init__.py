"""One core's share of a matrix product: what the kernels on the whole array have in common."""
