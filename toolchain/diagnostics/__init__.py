"""What tools print when they fail, as entries of the failure catalogue.

One module per stage: `install` (the toolchain itself is broken), `compile` (Peano and a
kernel; `cxx`, what it shares with the host's compiler) and `design` (aiecc and a design). Each
is a table of `toolchain.work.diagnose.Cause`, the more precise before the more general; every
one is tested on text of a real failure.
"""
