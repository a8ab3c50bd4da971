"""Whole programs that use the lab, as a user would write them."""
