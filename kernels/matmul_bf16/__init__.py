"""bfloat16 matrix product on one core."""
