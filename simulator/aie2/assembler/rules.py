"""What the core asks of addresses: where branches, calls and loops may lead.

The core fetches 16 aligned bytes at a time. Compiled code (llvm-aie: AIEMachineAlignment,
ZOLSupport) puts every branch target at the start of such a fetch, the address that a call
returns to, behind its five delay slots, and the first and last bundle of a zero-overhead
loop; the last bundle fills its fetch, and lies at least 112 bytes behind the bundle that
sets its address. The assembler holds a program to the same. Only places given by a symbol
are checked: a number is taken as it is, so that what a disassembler printed is accepted.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.aie2.assembler.expression import Expression
from simulator.aie2.assembler.items import Code, Item
from simulator.aie2.assembler.layout import Layout
from simulator.aie2.assembler.matching import Parsed
from simulator.aie2.operands import Number

FETCH = 16
DELAY_SLOTS = 5
LOOP_DISTANCE = 112
"""Bytes from the bundle that sets LE to the one at LE, at least."""

_BRANCHES = {"j", "jl", "jz", "jnz"}
_ADDRESS_BITS = 20


def check(items: Sequence[Item], layout: Layout) -> None:
    """Check every branch, call and loop of a placed section.

    Raises:
        UsageError: One leads where it may not (NPU537).
    """
    code = [item for item in items if isinstance(item, Code)]
    sizes = {bundle.address: bundle.size for bundle in code}
    for number, bundle in enumerate(code):
        for part in bundle.parts:
            target = _target(part)
            if target is None:
                continue
            address = layout.value(target, bundle.address)
            if address % FETCH:
                raise _misaligned(part, target, address)
            if part.mnemonic == "jl":
                _check_return(part, code[number : number + DELAY_SLOTS + 1])
            if part.operands[0] == "le":
                _check_loop_end(part, target, address, bundle.address, sizes.get(address))


def _target(part: Parsed) -> Expression | None:
    """Return the symbolic address that an instruction sends the core to."""
    kinds = zip(part.encoding.kinds.values(), part.operands, strict=True)
    numbers = [
        (kind, value)
        for kind, value in kinds
        if isinstance(kind, Number) and isinstance(value, Expression)
    ]
    if len(numbers) != 1 or not numbers[0][1].names:
        return None
    kind, value = numbers[0]
    branches = part.mnemonic in _BRANCHES and kind.width == _ADDRESS_BITS
    loops = part.mnemonic == "movxm" and part.operands[0] in ("ls", "le")
    return value if branches or loops else None


def _misaligned(part: Parsed, target: Expression, address: int) -> Exception:
    return target.text.error(
        f"{part.mnemonic} leads to {target.text.text} at {address:#x}, which is no multiple of 16",
        "Write .align 16 above the label.",
        "NPU537",
    )


def _check_return(part: Parsed, bundles: list[Code]) -> None:
    if len(bundles) <= DELAY_SLOTS:
        raise part.text.error(
            f"the call has {len(bundles) - 1} of its {DELAY_SLOTS} delay slots",
            "Write five bundles behind a call; nop is one.",
            "NPU537",
        )
    last = bundles[-1]
    back = last.address + last.size
    if back % FETCH:
        raise part.text.error(
            f"the call returns to {back:#x}, which is no multiple of 16",
            "Write .align 16 behind the fifth bundle after it.",
            "NPU537",
        )


def _check_loop_end(
    part: Parsed, target: Expression, address: int, setter: int, size: int | None
) -> None:
    if size != FETCH:
        raise target.text.error(
            f"the loop's last bundle at {address:#x} has {size or 'no'} bytes, not 16",
            "Write .align 16 above its label and behind the bundle.",
            "NPU537",
        )
    if address - setter < LOOP_DISTANCE:
        raise part.text.error(
            f"the loop's last bundle lies {address - setter} bytes behind this one,"
            f" fewer than {LOOP_DISTANCE}",
            "Set le earlier, or make the loop longer: unroll it.",
            "NPU537",
        )
