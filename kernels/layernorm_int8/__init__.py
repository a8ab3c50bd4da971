"""Layer normalisation of int8 features in integer arithmetic."""
