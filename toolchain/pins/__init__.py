"""The lock: what target aie2 is built with, by URL and hash, and how it is kept current."""
