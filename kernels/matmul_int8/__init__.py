"""matmul_int8: one int8 matrix product on one core."""
