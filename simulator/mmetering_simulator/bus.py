"""A bus: meters on one line. One request at a time; who is asked answers, and who is not there stays silent.

A meter knows its own address, which a write may change. Several at one address answer at once, and then their
bytes collide. A meter hears only what comes at its own speed and parity.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Mapping

from mmetering_simulator.answer import Meter, answer
from mmetering_simulator.frame import Frame, collided, rtu_pack
from mmetering_simulator.line import Line

MOST_REGISTERS = 80  # of any model
AROUND = 3  # bytes of a serial frame beside its PDU: unit id and CRC


class Bus:
    """What a bus is on every kind of line.

    Args:
        meters: by unit id, 1 to 247: they are given that unit id and the bus's line. Or just meters, of which each
            keeps the unit id and the line that it has, and several may have the same.
        line: what the meters by unit id are set to.
        unplugged: unit ids under which meters came onto the bus that are off it at this moment, asked at each request.

    Attributes:
        line: the settings of who asks, at first those of the meters; None where no meter could have such.
        carried: bytes of the requests that arrived whole, and of the replies.
        requests: frames that arrived whole, also those that nobody answered.
        asked: how many of them each unit id got.
        delay_s: how long each reply is held back, in s.
        delays: how much longer the next replies are held back, in s, one each, in their order.
        limit: registers that the meters give in one reply, where their model does not give fewer.
        faults: what happens to the bytes of the next replies, one each, in their order; see `fault`.
        standing_fault: what happens to the bytes of every reply.
        echo: whether our own request comes back before the reply, as from some RS-485 adapters.
        stray: bytes that a line driver adds behind each request as it lets go of the line.
        swapped: whether A and B are swapped, so that no meter understands anything.
    """

    def __init__(
        self, meters: Mapping[int, Meter] | Iterable[Meter], *, line: Line, unplugged: Container[int] = ()
    ) -> None:
        self.line: Line | None = line
        self.carried = 0
        self.requests = 0
        self.asked: Counter[int] = Counter()
        self.delay_s = 0.0
        self.delays: deque[float] = deque()
        self.limit = MOST_REGISTERS
        self.faults: deque[Callable[[bytes], bytes]] = deque()
        self.standing_fault: Callable[[bytes], bytes] | None = None
        self.echo = False
        self.stray = b""
        self.swapped = False
        self._meters = _fitted(meters, line) if isinstance(meters, Mapping) else _as_they_are(meters)
        self._unplugged: set[Meter] = set()
        self._unplugged_elsewhere = unplugged
        self._busy = threading.Lock()
        self._closing = threading.Event()

    def unplug(self, who: int | Meter) -> None:
        """Take a meter, or all that have a unit id now, off the bus; it is silent until it is plugged in again."""
        self._unplugged.update(self._those(who))

    def plug(self, who: int | Meter) -> None:
        """Put a meter, or all that have a unit id now, back on the bus; a meter may be a new one."""
        for meter in self._those(who):
            self._meters.setdefault(meter, meter.settings.unit)
            self._unplugged.discard(meter)

    def _those(self, who: int | Meter) -> list[Meter]:
        return [meter for meter in self._meters if meter.settings.unit == who] if isinstance(who, int) else [who]

    def _heard(self) -> bool:
        """Return whether any meter understands who asks."""
        return not self._meters or any(self._hears(meter) for meter in tuple(self._meters))

    def _hears(self, meter: Meter) -> bool:
        return not self.swapped and meter.settings.line == self.line

    def _answer(self, request: Frame) -> bytes:
        """Return what comes over the line, with the values of this moment; nothing where nobody answers."""
        with self._busy:
            self.requests += 1
            self.asked[request.unit] += 1
            self.carried += len(request.pdu) + AROUND
            now = time.time()
            addressed = self._addressed(request.unit, now)
            if not addressed:
                return b""
            pdus = [answer(request.pdu, meter, now, self.limit) for meter in addressed]
            self._closing.wait(self.delay_s + (self.delays.popleft() if self.delays else 0.0))
            reply = self._on_the_line(collided([rtu_pack(Frame(request.unit, pdu)) for pdu in pdus]))
            self.carried += len(reply)
            return reply

    def _addressed(self, unit: int, now: float) -> list[Meter]:
        """Return the meters that feel addressed."""
        return [
            meter
            for meter, first in tuple(self._meters.items())
            if meter.settings.unit == unit
            and meter.settings.awake(now)
            and self._hears(meter)
            and meter not in self._unplugged
            and first not in self._unplugged_elsewhere
        ]

    def _on_the_line(self, reply: bytes) -> bytes:
        """Return what arrives of a reply."""
        spoilt = self.faults.popleft()(reply) if self.faults else reply
        return self.standing_fault(spoilt) if self.standing_fault else spoilt

    def _echoed(self, request: bytes) -> bytes:
        """Return what comes back of a request itself."""
        return (request if self.echo else b"") + self.stray


def _fitted(meters: Mapping[int, Meter], line: Line) -> dict[Meter, int]:
    """Return the meters with the unit ids that they were given."""
    if len({id(meter) for meter in meters.values()}) != len(meters):
        raise ValueError("a meter has one unit id")
    for unit, meter in meters.items():
        meter.settings.fit(unit, line)
    return {meter: unit for unit, meter in meters.items()}


def _as_they_are(meters: Iterable[Meter]) -> dict[Meter, int]:
    """Return the meters with the unit ids that they have."""
    return {meter: meter.settings.unit for meter in meters}
