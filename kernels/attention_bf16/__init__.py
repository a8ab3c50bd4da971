"""attention_bf16: one head over a sequence of any length, with streaming softmax."""
