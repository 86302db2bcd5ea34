"""What a meter answers to a request: PDU to PDU. Pure.

Sources: MODBUS Application Protocol V1.1b3; SDM630-Modbus V1.8, sections 3.6 to 3.12: functions 03, 04, 16 and
08 with sub-function 0; even start, even count, one parameter for each write, else an exception. A read that
touches one of a model's registers gets 0.0 for the gaps beside it, as seen on real units (ESPHome, pull request
8032); we let one that touches none fail.
"""

import struct
from collections.abc import Mapping
from typing import Protocol

from mmetering_simulator.models.model import ENERGY_PREFIX, SERIAL_NUMBER
from mmetering_simulator.settings import (
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    Order,
    RefusedError,
    Settings,
)

READ_HOLDING, READ_INPUT, DIAGNOSTICS, WRITE_REGISTERS = 3, 4, 8, 16
PREFIXED = range(0x0048, 0x0054)  # SDM630 V2.0, page 3, notes 2 and 3: the counters that the energy prefix scales
ECHO = b"\0\0"  # the sub-function "return query data"


class Meter(Protocol):
    """What answers at a unit id."""

    @property
    def settings(self) -> Settings:
        """What it can be told."""

    def values(self, now: float) -> Mapping[int, float]:
        """Return address to value of all its input registers at POSIX time `now`, in s."""


def answer(pdu: bytes, meter: Meter, now: float, limit: int | None = None) -> bytes:
    """Return the meter's reply to a request.

    Args:
        pdu: function and data.
        meter: who is asked; a write changes its settings.
        now: POSIX time in s.
        limit: registers that may be asked for at most; None leaves the model's own limit.
    """
    function, data = pdu[0], pdu[1:]
    try:
        return bytes((function,)) + _answer(function, data, meter, now, limit)
    except RefusedError as refusal:
        return bytes((function | 0x80, refusal.code))


def _answer(function: int, data: bytes, meter: Meter, now: float, limit: int | None) -> bytes:
    match function:
        case 3 | 4:
            return _read(function, data, meter, now, limit)
        case 8:
            return _echo(data)
        case 16:
            return _write(data, meter, now)
        case _:
            raise RefusedError(ILLEGAL_FUNCTION)


def _read(function: int, data: bytes, meter: Meter, now: float, limit: int | None) -> bytes:
    if len(data) != 4:  # noqa: PLR2004 - start and count
        raise RefusedError(ILLEGAL_FUNCTION)
    start, count = struct.unpack(">HH", data)
    own = meter.settings.model.limit
    if not 0 < count <= min(own, own if limit is None else limit):
        raise RefusedError(ILLEGAL_ADDRESS)
    addresses = range(start, start + count)
    if function == READ_INPUT:
        words = _floats(_prefixed(meter, now), addresses, meter.settings.order)
    elif start >= SERIAL_NUMBER:
        words = _words(meter.settings.identity(), addresses)
    else:
        words = _floats(meter.settings.read(addresses, now), addresses, meter.settings.order)
    return bytes((len(words),)) + words


def _prefixed(meter: Meter, now: float) -> Mapping[int, float]:
    """Return the input registers as the energy prefix has them: k, or M."""
    values = meter.values(now)
    if not meter.settings.value(ENERGY_PREFIX):
        return values
    return {address: value / 1000 if address in PREFIXED else value for address, value in values.items()}


def _floats(values: Mapping[int, float], addresses: range, order: Order) -> bytes:
    pairs = addresses[::2]
    whole = addresses.start % 2 == len(addresses) % 2 == 0 and addresses.stop <= max(values, default=0) + 2
    if not whole or not any(address in values for address in pairs):
        raise RefusedError(ILLEGAL_ADDRESS)
    image = struct.pack(f">{len(pairs)}f", *(values.get(address, 0.0) for address in pairs))
    return image if order == "big" else _swapped(image)


def _swapped(image: bytes) -> bytes:
    """Return the floats least significant register first."""
    return b"".join(image[place + 2 : place + 4] + image[place : place + 2] for place in range(0, len(image), 4))


def _words(registers: Mapping[int, int], addresses: range) -> bytes:
    try:
        return struct.pack(f">{len(addresses)}H", *(registers[address] for address in addresses))
    except KeyError:
        raise RefusedError(ILLEGAL_ADDRESS) from None


def _echo(data: bytes) -> bytes:
    if data[:2] != ECHO:
        raise RefusedError(ILLEGAL_FUNCTION)
    if len(data) != 4:  # noqa: PLR2004 - V1.8, page 22: exactly one register of data
        raise RefusedError(ILLEGAL_VALUE)
    return data


def _write(data: bytes, meter: Meter, now: float) -> bytes:
    head, values = data[:5], data[5:]
    if len(head) < 5 or not head[4] == len(values) == 2 * int.from_bytes(head[2:4]):  # noqa: PLR2004 - start, counts
        raise RefusedError(ILLEGAL_VALUE)
    meter.settings.write(int.from_bytes(head[:2]), values, now)
    return head[:4]
