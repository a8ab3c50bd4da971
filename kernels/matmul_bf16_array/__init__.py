"""matmul_bf16_array: one bfloat16 matrix product on all 16 cores."""
