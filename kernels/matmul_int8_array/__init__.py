"""matmul_int8_array: one int8 matrix product on all 16 cores."""
