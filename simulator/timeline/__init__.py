"""What happened when, in one run on the simulated array.

`records` holds the data, `collect` fills it from a run, and the others show it: `chrome`
(a file for Perfetto), `summary` (where time went, in numbers and words), `drawing` (SVG).
`banks` counts where accesses to a memory bank may meet, `wait_for` draws a deadlock.
"""
