"""What is built, with what, and where it is kept: units, steps, store, manifests.

A build with nothing to do is the most frequent one, and importing takes most of its time:
what only real work needs (processes, threads, locks, MLIR) is imported where the work is.
"""
