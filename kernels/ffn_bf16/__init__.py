"""ffn_bf16: the feed-forward layer of a transformer, in bfloat16 on all 16 cores."""
