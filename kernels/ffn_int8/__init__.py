"""ffn_int8: the feed-forward layer of a transformer, in int8 on all 16 cores."""
