"""Bytes through one core, unchanged: the smallest kernel there is."""
