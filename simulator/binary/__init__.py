"""What the NPU runs, on the simulated array: configurations and instructions as register writes.

`commands` is their common vocabulary, whatever file they come from (the readers of xclbin,
PDI, CDO and instruction files are elsewhere and hand in what they decode); `configuration`
makes of commands what the array loads, `instructions` a host program, and `executable` runs
one on the other.
"""

from simulator.binary.commands import Command
from simulator.binary.configuration import configuration
from simulator.binary.executable import Executable
from simulator.binary.instructions import play

__all__ = ["Command", "Executable", "configuration", "play"]
