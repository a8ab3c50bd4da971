"""GELU of bfloat16 activations."""
