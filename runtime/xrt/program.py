"""A build on the NPU: called once, in a stream with two runs in flight, or as a runlist."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from errors import LabError
from kernels.compare import Poison
from kernels.contract import Arg, Array
from runtime.device import Result, Timing
from runtime.inputs import check_inputs
from runtime.runlist import Step
from runtime.xrt.chain import XrtChain
from runtime.xrt.contexts import Contexts, Loaded
from runtime.xrt.failures import DONE, failure, of_exception, of_state
from runtime.xrt.slot import WORD, Slot
from runtime.xrt.stack import Stack

_POISONS = tuple(Poison(seed) for seed in range(1, 6))
"""Enough to tell a stale output from a fresh one, and few enough to keep their patterns."""


class XrtProgram:
    """A build that is loaded on the NPU. See `runtime.device.Program`.

    After a run that failed its context is destroyed and the next call makes a new one; a run
    is never repeated on its own.

    Args:
        title: What messages call it.
        args: The arguments in runtime-sequence order.
        timeout: Seconds after which a run counts as hung.
    """

    def __init__(
        self,
        stack: Stack,
        device: Any,
        contexts: Contexts,
        files: tuple[Path, Path],
        *,
        title: str,
        args: tuple[Arg, ...],
        timeout: float,
    ) -> None:
        self.stack = stack
        self._device = device
        self.contexts = contexts
        self._xclbin, insts = files
        self.key = contexts.key(self._xclbin)
        self._instructions = _instructions(insts)
        self._title = title
        self._args = args
        self._read = [arg for arg in args if arg.role.is_read]
        self._milliseconds = max(1, round(timeout * 1000))
        self._loaded: Loaded | None = None
        self._slots: list[Slot] = []
        self._calls = 0
        self._slot(0)

    @property
    def args(self) -> tuple[Arg, ...]:
        """See `runtime.device.Program`."""
        return self._args

    def __call__(self, *inputs: Array) -> Result:
        """See `runtime.device.Program`."""
        check_inputs(self._read, inputs)
        return self._start(0, inputs).result()

    def stream(self, calls: Iterable[Sequence[Array]]) -> Generator[Result, None, None]:
        """Yield the result of each call, in order, with the next one already running.

        Args:
            calls: The inputs of each.
        """
        running: Pending | None = None
        try:
            for number, inputs in enumerate(calls):
                check_inputs(self._read, inputs)
                before, running = running, self._start(number % 2, inputs)
                if before:
                    yield before.result()
            if running:
                yield running.result()
        finally:
            # Whoever stops taking results leaves a run behind that nobody waits for.
            if running:
                running.settle()

    def batch(self, calls: Sequence[Sequence[Array]]) -> list[Result]:
        """Run many calls as one command, and return their results.

        The times of a result are the batch's, divided by its calls.
        """
        for inputs in calls:
            check_inputs(self._read, inputs)
        now = self.stack.now
        begin = now()
        pending = [self._filled(number, inputs) for number, inputs in enumerate(calls)]
        start = now()
        self.execute(len(calls))
        end = now()
        outputs = [self._slots[number].outputs() for number in range(len(calls))]
        count = max(1, len(calls))
        times = (start - begin + now() - end) / count, (end - start) / count
        return [
            self.result(out, one.poison, *times) for out, one in zip(outputs, pending, strict=True)
        ]

    def execute(self, count: int) -> None:
        """Run the first `count` slots as one runlist, with the data that they hold."""
        for number in range(count):
            self._slot(number)
        if count:
            self.command([slot.run for slot in self._slots[:count]])

    def command(self, runs: Sequence[Any]) -> None:
        """Run some runs of this program's context as one runlist.

        Raises:
            LabError: One of them ended badly, or they did not end in time.
        """
        together = self.stack.module.runlist(self.current().context)
        for run in runs:
            together.add(run)
        # A failure's traceback refers to this frame, and must not keep the context.
        run = None
        del runs
        try:
            together.execute()
            ended = self._wait(together)
        except RuntimeError as error:
            self._give_up()
            raise of_exception(error, self._title) from error
        finally:
            del together
        if not ended:
            self._give_up()
            raise of_state("ERT_CMD_STATE_TIMEOUT", self._title)

    def submit(self, slot: Slot) -> None:
        """Start a run.

        Raises:
            LabError: The driver did not take it.
        """
        try:
            slot.run.start()
        except RuntimeError as error:
            self._give_up()
            raise of_exception(error, self._title) from error

    def finish(self, slot: Slot) -> None:
        """Wait for a run's end.

        Raises:
            LabError: It ended badly, or did not end in time.
        """
        if slot.run is None:
            raise of_state("ERT_CMD_STATE_ABORT", self._title)
        try:
            state = slot.run.wait(self._milliseconds)
        except RuntimeError as error:
            self._give_up()
            raise of_exception(error, self._title) from error
        if state.name != DONE:
            self._give_up()
            raise of_state(state.name, self._title)

    def link(self, steps: Sequence[Step]) -> XrtChain | None:
        """See `runtime.runlist.Linkable`."""
        programs = [step.program for step in steps if isinstance(step.program, XrtProgram)]
        return XrtChain.of(programs, steps) if len(programs) == len(steps) else None

    def cancel(self) -> None:
        """Stop what runs: the context is destroyed, and with it its commands."""
        self._give_up()

    def release(self) -> None:
        """Let go of buffers and runs, before their context is destroyed."""
        for slot in self._slots:
            slot.close()
        self._slots.clear()
        self._loaded = None

    def _start(self, number: int, inputs: Sequence[Array]) -> Pending:
        pending = self._filled(number, inputs)
        pending.start()
        return pending

    def _filled(self, number: int, inputs: Sequence[Array]) -> Pending:
        self._calls += 1
        pending = Pending(
            self, self._slot(number), _POISONS[self._calls % len(_POISONS)], self.stack
        )
        pending.fill(inputs)
        return pending

    def current(self) -> Loaded:
        """Return the context, made again if it was given back."""
        loaded = self.contexts.get(self.key, self._xclbin)
        if loaded is not self._loaded:
            self.release()
            if len(self._args) > loaded.buffers:
                raise failure(
                    "NPU426",
                    f"{self._title}: the xclbin takes {loaded.buffers} buffers, and there are "
                    f"{len(self._args)} arguments",
                )
            self._loaded = loaded
            loaded.holders.add(self)
        return loaded

    def _slot(self, number: int) -> Slot:
        self.current()
        while len(self._slots) <= number:
            self._slots.append(self.bind())
        return self._slots[number]

    def bind(self, shared: Mapping[int, tuple[Any, Array]] | None = None) -> Slot:
        """Return a new slot in the present context.

        Args:
            shared: Buffers of other slots to take for some arguments, by their place.
        """
        loaded = self.current()
        try:
            return Slot(
                self.stack.module,
                self._device,
                loaded,
                self._instructions,
                self._args,
                self._title,
                shared,
            )
        except LabError:
            self._give_up()
            raise

    def _wait(self, runs: Any) -> bool:
        """Wait for a runlist, whose own wait takes no timeout in Python; tell if it ended."""
        failures: list[BaseException] = []

        def wait() -> None:
            try:
                runs.wait()
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        thread.join(self._milliseconds / 1000)
        if failures:
            raise failures[0]
        return not thread.is_alive()

    def _give_up(self) -> None:
        if self._loaded:
            self.contexts.discard(self._loaded)

    def result(
        self, outputs: dict[str, Array], poison: Poison, transfer: float, run: float
    ) -> Result:
        return Result(
            outputs=outputs,
            poison=poison,
            written=dict.fromkeys(outputs),
            timing=Timing(
                dispatch=None,
                transfer=transfer,
                run=run,
                cycles=None,
                basis=self.stack.basis,
            ),
        )


class Pending:
    """A call that was started."""

    def __init__(self, program: XrtProgram, slot: Slot, poison: Poison, stack: Stack) -> None:
        self.poison = poison
        self._program = program
        self._slot = slot
        self._now = stack.now
        self._transfer = 0.0
        self._open = False
        self._begin = 0.0

    def fill(self, inputs: Sequence[Array]) -> None:
        """Bring the inputs and poison to the device."""
        begin = self._now()
        self._slot.fill(inputs, self.poison)
        self._transfer = self._now() - begin

    def start(self) -> None:
        """Start the run."""
        self._begin = self._now()
        self._program.submit(self._slot)
        self._slot.loaded.busy += 1
        self._open = True

    def result(self) -> Result:
        """Wait for the end, and fetch the outputs."""
        try:
            self._program.finish(self._slot)
        finally:
            self.settle()
        end = self._now()
        outputs = self._slot.outputs()
        transfer = self._transfer + self._now() - end
        return self._program.result(outputs, self.poison, transfer, end - self._begin)

    def settle(self) -> None:
        """Count the run as over; its context may be given back."""
        if self._open:
            self._open = False
            self._slot.loaded.busy -= 1


def _instructions(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise failure("NPU425", f"{path}: {error.strerror}") from error
    if not content or len(content) % WORD:
        raise failure("NPU425", f"{path} has {len(content)} bytes, no whole number of words")
    return content
