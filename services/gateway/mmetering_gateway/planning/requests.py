"""Which requests read a set of registers in the least time on the bus. Pure.

A request of n registers costs 13 + 2n characters (8 of the request, 5 + 2n of the reply), two silences of 3.5
characters and the meter's turnaround: so reading a gap along is cheaper up to a length, which follows from speed
and turnaround. Found by dynamic programming over the sorted registers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mmetering_gateway.models.registers import WIDTH, Register

FRAMING = 13  # characters of request and reply without the registers' own
FASTEST_COUNTED = 19200  # baud; above, the silence is a fixed time


@dataclass(frozen=True, slots=True)
class Request:
    """A read of `count` registers from `address` on."""

    address: int
    count: int


@dataclass(frozen=True, slots=True)
class Wire:
    """What time costs on a bus, in seconds.

    Attributes:
        character_s: one character; 0 for a network.
        silence_s: what separates two frames; 0 for a network.
        turnaround_s: from the end of a request to the begin of its reply.
        pause_s: kept before the next request.
    """

    character_s: float
    silence_s: float
    turnaround_s: float
    pause_s: float = 0.0

    def bytes_s(self, count: int) -> float:
        """Return the seconds that the bytes of a request of `count` registers take, its reply's included."""
        return (FRAMING + 2 * count) * self.character_s + 2 * self.silence_s

    def cost_s(self, count: int) -> float:
        """Return the seconds that one request of `count` registers takes."""
        return self.bytes_s(count) + self.turnaround_s + self.pause_s


def network(turnaround_s: float, pause_s: float = 0.0) -> Wire:
    """Return the wire of Modbus TCP, where only turnarounds cost time."""
    return Wire(0.0, 0.0, turnaround_s, pause_s)


def line(baud: int, bits: int, turnaround_s: float, pause_s: float = 0.0) -> Wire:
    """Return a serial line; `bits` is the length of a character with start, parity and stop bits.

    Frames are separated by 3.5 characters of 11 bits, and by 1.75 ms above 19200 baud ("Modbus over Serial Line",
    V1.02, section 2.5.1.1).
    """
    silence_s = 3.5 * 11 / baud if baud <= FASTEST_COUNTED else 0.00175
    return Wire(bits / baud, silence_s, turnaround_s, pause_s)


def plan(registers: Sequence[Register], limit: int, wire: Wire, *, gaps: bool = True) -> tuple[Request, ...]:
    """Return the requests that read all registers in the least time, by address.

    Args:
        registers: what to read, in any order.
        limit: registers in one request at most.
        wire: what time costs.
        gaps: whether registers may be read along that nobody wants.
    """
    addresses = sorted({register.address for register in registers})
    # best[i] is the cheapest way to read the first i addresses: its seconds and its requests.
    best: list[tuple[float, tuple[Request, ...]]] = [(0.0, ())]
    for end, last in enumerate(addresses, 1):
        candidates = []
        for begin in range(end - 1, -1, -1):
            count = last + WIDTH - addresses[begin]
            if count > limit or (not gaps and count > WIDTH * (end - begin)):
                break
            seconds, requests = best[begin]
            candidates.append((seconds + wire.cost_s(count), (*requests, Request(addresses[begin], count))))
        best.append(min(candidates, key=lambda candidate: (candidate[0], len(candidate[1]))))
    return best[-1][1]
