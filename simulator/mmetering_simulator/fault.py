"""What can happen to an RTU reply on its way, as functions from bytes to bytes. Pure.

A test puts them into `Bus.faults`, where each spoils one reply, or one into `Bus.standing_fault`, which spoils
all. Those that change a frame give it a CRC that is right again: so only what a reader looks at beyond the CRC
can save it.
"""

import struct
from collections.abc import Callable

from mmetering_simulator.answer import Meter
from mmetering_simulator.frame import crc16

Fault = Callable[[bytes], bytes]

BUSY = 6  # MODBUS Application Protocol V1.1b3, section 7


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


def noise_after(reply: bytes) -> bytes:
    """Return the reply and a byte that a line driver makes as it lets go of the line."""
    return reply + b"\xff"  # a 00 would leave the CRC right


def nothing(reply: bytes) -> bytes:  # noqa: ARG001 - whatever it was, it got lost
    """Return no byte at all."""
    return b""


def exception(code: int = BUSY) -> Fault:
    """Return the fault that a meter answers with an exception instead; by default that it is busy."""
    return lambda reply: _signed(bytes((reply[0], reply[1] | 0x80, code)))


def restart(meter: Meter, clock: Callable[[], float], silent_s: float = 0.0) -> Fault:
    """Return the fault that a meter restarts in the middle of its reply.

    Args:
        meter: whose settings take effect by that.
        clock: POSIX time in s.
        silent_s: how long it takes to start.
    """

    def restarting(reply: bytes) -> bytes:
        meter.settings.restart(clock(), silent_s)
        return truncated(reply)

    return restarting


class Reflections:
    """Missing termination: of the long replies every so many-th has a bit turned over, short ones pass.

    Args:
        every: 1 spoils each long reply.
        longest: bytes of a reply that still passes.
    """

    def __init__(self, every: int = 1, longest: int = 40) -> None:
        self._every = every
        self._longest = longest
        self._long = 0

    def __call__(self, reply: bytes) -> bytes:
        """Return what arrives of a reply: damaged in its last third, where the echoes of the first bytes come in."""
        if len(reply) <= self._longest:
            return reply
        self._long += 1
        if self._long % self._every:
            return reply
        place = 2 * len(reply) // 3
        return bytes((*reply[:place], reply[place] ^ 0x10, *reply[place + 1 :]))
