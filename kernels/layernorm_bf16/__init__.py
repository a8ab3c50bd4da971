"""Layer normalisation of bfloat16 rows."""
