"""Readers of what a build gives: xclbin, PDI, CDO, NPU instructions, AIE2 ELF.

They are written from the formats' public definitions and need no vendor software.
`docs/formats.md` describes the formats and names the sources.
"""
