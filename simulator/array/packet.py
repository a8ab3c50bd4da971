"""The header word of a packet-switched stream.

Fields as in AMD's UG1603, Packet Processing: id in bits 4:0, type in bits 14:12, source
row in bits 20:16, source column in bits 27:21, odd parity of the rest in bit 31.
"""

from __future__ import annotations

from simulator.array.config import Packet, TileId

_ID = 0x1F


def header(packet: Packet, source: TileId) -> int:
    """Return the header word of `packet` sent from `source`."""
    word = packet.id | packet.type << 12 | source.row << 16 | source.col << 21
    return word | (1 - word.bit_count() % 2) << 31


def packet_id(word: int) -> int:
    """Return the id in a header word."""
    return word & _ID
