"""What can happen to an RTU reply on its way, as functions from bytes to bytes. Pure.

A test puts them into `Bus.faults`; each spoils one reply. Those that change a frame give it a CRC that is right
again: so only what a reader looks at beyond the CRC can save it.
"""

import struct

from mmetering_simulator.frame import crc16


def _signed(data: bytes) -> bytes:
    return data + struct.pack("<H", crc16(data))


def wrong_unit(reply: bytes) -> bytes:
    """Return the reply as if another meter had given it."""
    return _signed(bytes((reply[0] + 1,)) + reply[1:-2])


def wrong_function(reply: bytes) -> bytes:
    """Return the reply of an input register's question (04) as that of a holding register's (03), or the reverse."""
    return _signed(bytes((reply[0], reply[1] ^ 0x07)) + reply[2:-2])


def two_registers_more(reply: bytes) -> bytes:
    """Return a reply that is sound but holds one value more than was asked for."""
    return _signed(bytes((reply[0], reply[1], reply[2] + 4)) + reply[3:-2] + bytes(4))


def truncated(reply: bytes) -> bytes:
    """Return the first half of the reply, as from a meter that restarts in the middle of it."""
    return reply[: len(reply) // 2]


def bad_crc(reply: bytes) -> bytes:
    """Return the reply with one bit turned over on the line."""
    return bytes((*reply[:4], reply[4] ^ 0x01, *reply[5:]))


def noise_before(reply: bytes) -> bytes:
    """Return the reply after a byte that a switching line driver makes."""
    return b"\xff" + reply


def nothing(reply: bytes) -> bytes:  # noqa: ARG001 - whatever it was, it got lost
    """Return no byte at all."""
    return b""
