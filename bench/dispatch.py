"""What `Program(...)` costs over bare calls of pyxrt, on the fake with its computation left out.

    python bench/dispatch.py

Bare calls and ours by turns in one process; medians of the rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from kernels import registry
from runtime.xrt import XrtDevice, fake_stack
from simulator.fake_xrt import pyxrt, runs
from toolchain.build import build
from toolchain.unit import Unit

CALLS = 1000
ROUNDS = 15


def microseconds(call: Callable[[], object]) -> float:
    """Return the processor time of a call, the mean of a round."""
    start = time.thread_time()
    for _ in range(CALLS):
        call()
    return (time.thread_time() - start) / CALLS * 1e6


def main() -> None:
    """Print both times and their difference."""
    kernel = registry.find("gelu_int8/512")[0]
    (result,) = build([Unit.from_kernel(kernel)])
    if result.build is None:
        raise result.errors[0]
    stack = fake_stack()
    program = XrtDevice(stack).load(result.build)
    case = next(iter(kernel.demo()))
    inputs = [case.inputs[arg.name] for arg in program.args if arg.role.is_read]
    program(*inputs)

    def complete(run: runs.Run) -> int:
        run._state = pyxrt.ert_cmd_state(4)
        return 0

    runs.Run._compute = complete  # type: ignore[method-assign]
    bare = _bare(stack.files(result.build, ""), inputs)
    rounds = [(microseconds(bare), microseconds(lambda: program(*inputs))) for _ in range(ROUNDS)]
    over = [ours - alone for alone, ours in rounds]
    alone, ours = (median(times) for times in zip(*rounds, strict=True))
    print(
        f"bare calls {alone:.1f} us, Program(...) {ours:.1f} us: {median(over):+.1f} us, "
        f"{min(over):+.1f} to {max(over):+.1f}"
    )


def _bare(files: tuple[object, object], inputs: list[object]) -> Callable[[], object]:
    """Return what a program does that drives pyxrt by hand, with poison and a copied output."""
    device = pyxrt.device(0)
    xclbin = pyxrt.xclbin(str(files[0]))
    device.register_xclbin(xclbin)
    kernel = pyxrt.kernel(pyxrt.hw_context(device, xclbin.get_uuid()), "MLIR_AIE")
    to, back = pyxrt.xclBOSyncDirection(0), pyxrt.xclBOSyncDirection(1)
    code = pyxrt.bo(device, 64, pyxrt.bo.flags(1 << 24), kernel.group_id(1))
    sizes = (512, 256, 512)
    buffers = [
        pyxrt.bo(device, size, pyxrt.bo.flags(1 << 29), kernel.group_id(3)) for size in sizes
    ]
    poison = bytes(512)
    run = pyxrt.run(kernel)
    for index, value in enumerate((3, code, 64, *buffers)):
        run.set_arg(index, value)

    def call() -> object:
        for buffer, data in zip(buffers, (*inputs, poison), strict=True):
            buffer.write(data, 0)
            buffer.sync(to)
        run.start()
        run.wait(1000)
        buffers[2].sync(back)
        return buffers[2].read(512, 0)

    return call


if __name__ == "__main__":
    main()
