"""Timing that means something: right outputs first, then samples until they suffice."""
