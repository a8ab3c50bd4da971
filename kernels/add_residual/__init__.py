"""Residual addition of bfloat16 hidden states."""
