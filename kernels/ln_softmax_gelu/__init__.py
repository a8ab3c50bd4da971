"""ln_softmax_gelu: layer normalisation, softmax and GELU in a chain of three cores."""
