"""Configuration commands and host operations by the names of the registers they set."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack, unpack

from simulator.array.config import TileId
from simulator.registers import address_of, register_of
from toolchain.artifacts import cdo, operations

_WORD = 4


def words_of(tile: TileId, name: str, **values: int) -> tuple[int, ...]:
    """Return a register's words with the given fields set and all others 0.

    Raises:
        UsageError: The register or a field does not exist (NPU057), or a value has too many
            bits (NPU058). The same holds for all that follows.
    """
    return tuple(register_of(tile, name).encode(**values))


def write(tile: TileId, name: str, **values: int) -> cdo.Write:
    """Return the command that sets a register of one word."""
    (value,) = words_of(tile, name, **values)
    return cdo.Write(address=address_of(tile, name), value=value)


def masked(tile: TileId, name: str, **values: int) -> cdo.MaskWrite:
    """Return the command that sets the given fields and leaves the others."""
    register = register_of(tile, name)
    mask = sum(field.mask for field in register.words[0] if field.name in values)
    (value,) = words_of(tile, name, **values)
    return cdo.MaskWrite(address=address_of(tile, name), mask=mask, value=value)


def block(tile: TileId, name: str, **values: int) -> cdo.DmaWrite:
    """Return the command that sets all words of a register: of a buffer descriptor."""
    return cdo.DmaWrite(address=address_of(tile, name), data=words_of(tile, name, **values))


def memory(tile: TileId, name: str, offset: int, data: bytes) -> cdo.DmaWrite:
    """Return the command that fills a memory from a byte offset on, in whole words."""
    data += bytes(-len(data) % _WORD)
    words = unpack(f"<{len(data) // _WORD}I", data)
    return cdo.DmaWrite(address=address_of(tile, name) + offset, data=words)


def circuit(tile: TileId, slave: str, master: str, number: int) -> list[cdo.Command]:
    """Return the commands that connect a stream switch's slave port to a master port.

    Args:
        tile: The switch's tile.
        slave: The slave port as its register ends, such as ``"South_3"``.
        master: The master port as its register ends, such as ``"North1"``.
        number: The slave port's number, by which a master port selects it.
    """
    return [
        write(tile, f"Stream_Switch_Master_Config_{master}", master_enable=1, configuration=number),
        write(tile, f"Stream_Switch_Slave_Config_{slave}", slave_enable=1),
    ]


def operation(tile: TileId, name: str, **values: int) -> operations.Write:
    """Return the host operation that sets a register of one word."""
    (value,) = words_of(tile, name, **values)
    return operations.Write(address=address_of(tile, name), value=value)


def block_operation(tile: TileId, name: str, **values: int) -> operations.BlockWrite:
    """Return the host operation that sets all words of a register."""
    return operations.BlockWrite(
        address=address_of(tile, name), rest=_bytes(words_of(tile, name, **values))
    )


def _bytes(words: Sequence[int]) -> bytes:
    return pack(f"<{len(words)}I", *words)
