"""Modbus frames: bytes to request, request and meter to reply, reply to bytes. Pure.

Sources: MODBUS Application Protocol V1.1b3; MODBUS over Serial Line V1.02; Eastron SDM630-Modbus V2
protocol V1.8: even start address, even count, at most 80 registers, else an exception.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from mmetering_simulator.registers import SERIAL_NUMBER, Meter

READ_HOLDING, READ_INPUT, WRITE_REGISTERS = 3, 4, 16
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS = 1, 2
MOST_REGISTERS = 80
LENGTHS = range(2, 255)  # of unit id and PDU, in bytes


class FrameError(Exception):
    """The bytes are no Modbus TCP: the connection cannot be brought back into step."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A request or a reply: unit id, function code with data, and on TCP the transaction id."""

    unit: int
    pdu: bytes
    transaction: int = 0


def answer(pdu: bytes, meter: Meter, now: float, limit: int = MOST_REGISTERS) -> bytes:
    """Return the meter's reply to a request at POSIX time `now`, in s; it gives `limit` registers at most."""
    function = pdu[0]
    if function not in (READ_HOLDING, READ_INPUT) or len(pdu) != 5:  # noqa: PLR2004 - function, start, count
        return bytes((function | 0x80, ILLEGAL_FUNCTION))
    start, count = struct.unpack(">HH", pdu[1:])
    registers = meter.input_registers(now) if function == READ_INPUT else meter.holding_registers(now)
    addresses = range(start, start + count)
    if not _may_be_read(start, count, limit) or any(address not in registers for address in addresses):
        return bytes((function | 0x80, ILLEGAL_ADDRESS))
    return struct.pack(f">BB{count}H", function, 2 * count, *(registers[address] for address in addresses))


def _may_be_read(start: int, count: int, limit: int) -> bool:
    pairs = start % 2 == 0 and count % 2 == 0
    return 0 < count <= limit and (pairs or start >= SERIAL_NUMBER)


def crc16(data: bytes) -> int:
    """Return the CRC of MODBUS over Serial Line V1.02, 6.2.2; it goes onto the wire low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
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


def _rtu_length(buffer: bytearray) -> int:
    """Return how long the request is that the buffer begins with, in bytes."""
    if len(buffer) > 1 and buffer[1] == WRITE_REGISTERS:
        return 9 + (buffer[6] if len(buffer) > 6 else 0)  # noqa: PLR2004 - the sixth byte counts the data
    return 8  # all others that an SDM630 knows: unit id, function, two words, CRC


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
