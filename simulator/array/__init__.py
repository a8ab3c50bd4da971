"""The hardware model: tiles, memories, locks, DMAs and streams. It knows nothing of MLIR.

What a front end writes: `config` (what is set before the cores run), `core` and `host` (what
core and host programs ask for while they run), and `array.Array`, which executes them.

What the model is made of: `geometry` (the device), `memory`, `locks`, `pattern` (which words a
transfer touches), `descriptor` and `channel` (a DMA), `packet`, `stream` and `fabric` (routes),
`core_process` and `command_processor` (who plays core and host programs), `scheduler` and
`timing` (the clock), `checks` (refusals), `deadlock` (who waits for what), `recorder` (what
happened when, and how much).
"""
