"""Softmax of bfloat16 rows."""
