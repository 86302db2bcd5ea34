"""Modbus frames: bytes to request, reply to bytes, and what becomes of frames that are sent at once. Pure.

Sources: MODBUS Application Protocol V1.1b3; MODBUS over Serial Line V1.02.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

from mmetering_simulator.answer import WRITE_REGISTERS

LENGTHS = range(2, 255)  # of unit id and PDU, in bytes


class FrameError(Exception):
    """The bytes are no Modbus TCP: the connection cannot be brought back into step."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A request or a reply: unit id, function code with data, and on TCP the transaction id."""

    unit: int
    pdu: bytes
    transaction: int = 0


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xA001 if byte & 1 else byte >> 1
    return byte


CRC_OF_BYTES = tuple(map(_crc_of_byte, range(256)))


def crc16(data: bytes) -> int:
    """Return the CRC of MODBUS over Serial Line V1.02, 6.2.2; it goes onto the wire low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ CRC_OF_BYTES[(crc ^ byte) & 0xFF]
    return crc


def rtu_pack(frame: Frame) -> bytes:
    """Return a frame as it goes over a serial line."""
    data = bytes((frame.unit,)) + frame.pdu
    return data + struct.pack("<H", crc16(data))


def rtu_take(buffer: bytearray) -> Frame | None:
    """Take a request off the buffer; None while it is incomplete. Where a CRC is wrong the whole buffer goes."""
    length = _rtu_length(buffer)
    if len(buffer) < length:
        return None
    data, crc = bytes(buffer[: length - 2]), bytes(buffer[length - 2 : length])
    if crc != struct.pack("<H", crc16(data)):
        buffer.clear()
        return None
    del buffer[:length]
    return Frame(data[0], data[1:])


def rtu_reply(data: bytes) -> Frame | None:
    """Return the reply that all of the bytes are; None where they are none, which a converter to TCP throws away."""
    sound = len(data) > 4 and data[-2:] == struct.pack("<H", crc16(data[:-2]))  # noqa: PLR2004 - an exception has five
    return Frame(data[0], data[1:-2]) if sound else None


def collided(frames: Sequence[bytes]) -> bytes:
    """Return what is heard of frames that begin at once: where one says 0 the line is 0, and equal ones stay whole."""
    longest = max(map(len, frames))
    padded = (int.from_bytes(frame.ljust(longest, b"\xff")) for frame in frames)
    return reduce(lambda line, frame: line & frame, padded).to_bytes(longest)


def _rtu_length(buffer: bytearray) -> int:
    """Return how long the request is that the buffer begins with, in bytes."""
    if len(buffer) > 1 and buffer[1] == WRITE_REGISTERS:
        return 9 + (buffer[6] if len(buffer) > 6 else 0)  # noqa: PLR2004 - the sixth byte counts the data
    return 8  # all others that meters know: unit id, function, two words, CRC


def mbap_pack(frame: Frame) -> bytes:
    """Return a frame as it goes over Modbus TCP."""
    return struct.pack(">HHHB", frame.transaction, 0, len(frame.pdu) + 1, frame.unit) + frame.pdu


def mbap_take(buffer: bytearray) -> Frame | None:
    """Take a request off the buffer; None while it is incomplete.

    Raises:
        FrameError: the buffer does not begin with a Modbus TCP header.
    """
    if len(buffer) < 8:  # noqa: PLR2004 - the header and a function code
        return None
    transaction, protocol, length, unit = struct.unpack_from(">HHHB", buffer)
    if protocol or length not in LENGTHS:
        raise FrameError(f"no Modbus TCP header: {bytes(buffer[:8]).hex(' ')}")
    if len(buffer) < 6 + length:
        return None
    pdu = bytes(buffer[7 : 6 + length])
    del buffer[: 6 + length]
    return Frame(unit, pdu, transaction)


@dataclass(frozen=True, slots=True)
class Framing:
    """How requests are cut out of a stream of bytes, and replies put into one."""

    take: Callable[[bytearray], Frame | None]
    pack: Callable[[Frame], bytes]


MBAP = Framing(mbap_take, mbap_pack)
RTU = Framing(rtu_take, rtu_pack)
