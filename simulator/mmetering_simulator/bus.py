"""A bus: meters by unit id on one line. One request at a time; who is not there stays silent."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Container, Mapping

from mmetering_simulator.frame import MOST_REGISTERS, Frame, answer
from mmetering_simulator.registers import Meter


class Bus:
    """What a bus is on every kind of line.

    Args:
        meters: by unit id, 1 to 247.
        unplugged: unit ids that are off the bus at this moment, asked at each request.

    Attributes:
        requests: frames that arrived whole, also those that nobody answered.
        asked: how many of them each unit id got.
        delay_s: how long each reply is held back, in s.
        limit: registers that the meters give in one reply.
        faults: what happens to the bytes of the next replies, one each, in their order; see `fault`.
    """

    def __init__(self, meters: Mapping[int, Meter], *, unplugged: Container[int] = ()) -> None:
        self.requests = 0
        self.asked: Counter[int] = Counter()
        self.delay_s = 0.0
        self.limit = MOST_REGISTERS
        self.faults: deque[Callable[[bytes], bytes]] = deque()
        self._meters = dict(meters)
        self._unplugged: set[int] = set()
        self._unplugged_elsewhere = unplugged
        self._line = threading.Lock()
        self._closing = threading.Event()

    def unplug(self, unit: int) -> None:
        """Take a meter off the bus; it is silent until it is plugged in again."""
        self._unplugged.add(unit)

    def plug(self, unit: int) -> None:
        """Put a meter back on the bus."""
        self._unplugged.discard(unit)

    def _answer(self, request: Frame) -> Frame | None:
        """Return the reply, with the values of this moment; None where nobody answers."""
        with self._line:
            self.requests += 1
            self.asked[request.unit] += 1
            meter = self._meters.get(request.unit)
            if meter is None or request.unit in self._unplugged or request.unit in self._unplugged_elsewhere:
                return None
            pdu = answer(request.pdu, meter, time.time(), self.limit)
            self._closing.wait(self.delay_s)
            return Frame(request.unit, pdu, request.transaction)

    def _on_the_line(self, reply: bytes) -> bytes:
        """Return what arrives of a reply."""
        return self.faults.popleft()(reply) if self.faults else reply
