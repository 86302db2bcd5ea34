"""One Modbus link: TCP, RTU over TCP, or a serial port. It asks, waits as long as the meter needs, and counts.

After a reply that did not come it sees to it that no later question gets that; what was asked and what came is
told by `question.py`, and the frames go over a line of `rtu.py` or `tcp.py`.
"""

import contextlib
import time
from collections.abc import Iterator, Sequence

from mmetering_gateway.bus.counts import Counts
from mmetering_gateway.bus.errors import GarbledError, LinkError, NoReplyError, RefusedError, WrongReplyError
from mmetering_gateway.bus.question import HOLDING, INPUT, WRITE, Question
from mmetering_gateway.bus.rtu import RtuLine
from mmetering_gateway.bus.tcp import TcpLine
from mmetering_gateway.models.registers import WIDTH
from mmetering_gateway.planning.requests import Request, Wire
from mmetering_gateway.planning.turnaround import Turnaround
from mmetering_gateway.plant.plant import Bus, RtuBus, TcpBus

# Nothing holds a reply back for longer: not a meter, and not a converter's buffer.
LATEST_S = 10.0
CONNECT_S = 3.0
WRITING = 2  # registers by which a write of so many takes longer than a read of as many


class Link:
    """The connection to one bus, opened when it is needed. Not for several threads; `counts` may be read from any.

    RTU replies bear no number. So after a reply that did not come, the meter's next question is of a length that no
    lost reply of it can have: only when it is answered with that length is the line known to hold nothing old.

    Attributes:
        bus: as it was described.
        wire: what time costs on it.
        counts: how the questions fared.
        quiet_at: until when the line is kept quiet, in seconds of a monotonic clock.
    """

    def __init__(self, bus: Bus) -> None:
        """Prepare the link; nothing is opened yet."""
        self.bus = bus
        self.wire: Wire = bus.wire()
        self.counts = Counts()
        self._line = TcpLine(bus) if isinstance(bus, TcpBus) else RtuLine(bus)
        self._name = bus.device if isinstance(bus, RtuBus) else f"{bus.host}:{bus.port}"
        self._pause_s = max(self.wire.pause_s, self.wire.silence_s)
        self.quiet_at = self._turned_s = 0.0
        self._floor_s = bus.patience_ms / 1000
        self._turnarounds: dict[int, Turnaround] = {}
        # Address, then length in registers, of replies that may still come, and when each was given up.
        self._lost: dict[int, dict[int, float]] = {}
        self._others: list[Link] = []

    def close(self) -> None:
        """Close port or socket."""
        self._line.close()

    @property
    def echoes(self) -> bool:
        """Whether the adapter gave back the last question."""
        return self._line.echoes

    @contextlib.contextmanager
    def at(self, bus: Bus) -> Iterator["Link"]:
        """Give another link over the same port, with other settings, for as long as the context lasts."""
        self.close()
        other = next((other for other in self._others if other.bus == bus), None)
        if other is None:
            other = Link(bus)
            self._others.append(other)  # it remembers what is lost
        other.quiet_at = self.quiet_at
        try:
            yield other
        finally:
            other.close()
            self.quiet_at = other.quiet_at

    def turnaround(self, address: int) -> Turnaround:
        """Return how quickly the meter at a bus address answers."""
        return self._turnarounds.get(address) or Turnaround(self._floor_s)

    def read_inputs(self, address: int, request: Request) -> list[int]:
        """Read input registers (function 04) of the meter at a bus address.

        Raises:
            ModbusError: no registers came.
        """
        return self._ask(Question(INPUT, address, request))

    def read_holdings(self, address: int, request: Request) -> list[int]:
        """Read holding registers (function 03) of the meter at a bus address.

        Raises:
            ModbusError: no registers came.
        """
        return self._ask(Question(HOLDING, address, request))

    def write_holdings(self, address: int, first: int, registers: Sequence[int]) -> None:
        """Write holding registers from `first` on (function 16) of the meter at a bus address.

        Raises:
            ModbusError: the meter did not say that it took them; unless it refused, it may have.
        """
        self._ask(Question(WRITE, address, Request(first, len(registers)), tuple(registers)))

    def probe(self, address: int, request: Request, patience_s: float) -> list[int]:
        """Read holding registers of a meter that may not be there; nothing is counted, or learnt of its quickness.

        Args:
            address: of the meter.
            request: the registers.
            patience_s: how long to wait beyond the time of the bytes.

        Raises:
            ModbusError: no registers came.
        """
        return self._ask(Question(HOLDING, address, request, patience_s=patience_s))

    def _ask(self, question: Question) -> list[int]:
        try:
            self._line.open(CONNECT_S)
        except OSError as error:
            raise LinkError(f"{self._name} cannot be opened") from error
        if lost := self._lost.get(question.address):
            self._make_sure(question, lost)
        return self._exchange(question)

    def _make_sure(self, question: Question, lost: dict[int, float]) -> None:
        """Ask for a length that neither a lost reply nor the one to come has, if there may still come a lost one."""
        oldest = time.monotonic() - LATEST_S
        for length in [length for length, at in lost.items() if at <= oldest]:
            del lost[length]
        if lost:
            unused = (n for n in range(WIDTH, 80, WIDTH) if n not in lost and n != question.length)
            count = next(unused, min(lost, key=lost.__getitem__))
            with contextlib.suppress(RefusedError):
                self._exchange(Question(INPUT, question.address, Request(0, count), patience_s=question.patience_s))
            lost.clear()

    def _exchange(self, question: Question) -> list[int]:
        """Ask once, and learn how quickly the meter answers, unless it may not be there."""
        if question.patience_s is not None:
            return self._transact(question, question.patience_s)
        before = self.turnaround(question.address)
        self.counts.requests += 1
        try:
            registers = self._transact(question, before.patience_s)
        except NoReplyError as error:
            self._count(error)
            self._turnarounds[question.address] = before.missed()
            self.close()  # it is opened anew with empty buffers, and a connection may have died without a word
            raise
        except RefusedError:
            self.counts.exceptions += 1
            self._turnarounds[question.address] = before.measured(self._turned_s)
            raise
        self._turnarounds[question.address] = before.measured(self._turned_s)
        return registers

    def _count(self, error: NoReplyError) -> None:
        match error:
            case GarbledError():
                self.counts.garbled += 1
            case WrongReplyError():
                self.counts.refused += 1
            case _:
                self.counts.timeouts += 1

    def _transact(self, question: Question, patience_s: float) -> list[int]:
        """Ask once, and keep the line quiet until nothing of it is under way any more."""
        if (early_s := self.quiet_at - time.monotonic()) > 0:
            time.sleep(early_s)
        bytes_s = self.wire.bytes_s(question.request.count + WRITING * (question.function == WRITE))
        began = time.monotonic()
        try:
            registers = question.answer(self._line.ask(question, bytes_s + patience_s))
        except OSError as error:
            self.close()
            self._lose(question)
            raise LinkError(f"{self._name}: {error}") from error
        except NoReplyError:
            self._lose(question)
            # What came in place of the right reply does not make that come sooner. After silence no more is needed.
            pause_s = self._pause_s if self._line.heard else max(0.0, self._pause_s - patience_s)
            self.quiet_at = began + bytes_s + patience_s + pause_s
            raise
        except RefusedError:
            self._answered(began, self.wire.bytes_s(0))
            raise
        self._answered(began, bytes_s)
        return registers

    def _answered(self, began: float, bytes_s: float) -> None:
        """Note how long an answer took beyond the time of its bytes, in seconds, and that the line is free."""
        now = time.monotonic()
        self._turned_s = max(0.0, now - began - bytes_s)
        self.quiet_at = now + self._pause_s

    def _lose(self, question: Question) -> None:
        """Note a reply that may still come. Modbus TCP numbers its replies, RTU does not."""
        if not self._line.numbered:
            self._lost.setdefault(question.address, {})[question.length] = time.monotonic()
