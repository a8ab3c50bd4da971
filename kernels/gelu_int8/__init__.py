"""GELU of int8 activations by table."""
