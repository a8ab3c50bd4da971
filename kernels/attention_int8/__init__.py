"""attention_int8: one head of 64 x 64 int8 on one core, or four on four columns."""
