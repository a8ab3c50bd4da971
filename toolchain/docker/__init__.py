"""Images and containers: the same tools on any Linux host.

`engine` finds an engine and talks to it, `container` keeps one hardened container for a run
with `agent` in it, `runner` runs the build's steps there, and `repeat` writes the shell line
that runs one again. `recipes` says what the images hold, `bootstrap`, `packages` and `layers`
make them byte for byte the same each time, and `images` hands them to the engine.
"""
