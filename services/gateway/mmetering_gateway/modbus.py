"""One Modbus link over pymodbus: TCP, RTU over TCP, or a serial port. It asks and translates errors, no more.

ModbusError
├── LinkError          the bus itself is away: adapter unplugged, converter unreachable; its other meters are, too
├── NoReplyError       this meter did not answer in time, or not with what was asked
│   ├── GarbledError       bytes came that are no frame: noise, a damaged reply, two meters at once
│   └── WrongReplyError    a sound reply came, of another unit, function or length
└── RefusedError       the meter answered with an exception code; asking the same again brings the same
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pymodbus import FramerType, ModbusException
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ConnectionException
from pymodbus.framer import FramerRTU
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from mmetering_gateway.counts import Counts
from mmetering_gateway.hearing import ERROR, Hearing
from mmetering_gateway.plan import Request, Wire
from mmetering_gateway.plant import Bus, RtuBus, RtuOverTcpBus, TcpBus
from mmetering_gateway.registers import WIDTH
from mmetering_gateway.turnaround import Turnaround

# Nothing holds a reply back for longer: not a meter, and not a converter's buffer.
LATEST_S = 10.0
CONNECT_S = 3.0
HOLDING, INPUT, WRITE = 3, 4, 16  # function codes
WRITING = 2  # registers by which a write of so many takes longer than a read of as many
SHORTEST = FramerRTU.MIN_SIZE
# A converter says with these codes that the meter behind it is silent (Modbus Application Protocol V1.1b3, section 7).
MUTE = (10, 11)
Trace = Callable[[bool, bytes], bytes]  # whether a packet is sent, and the packet; returns what to take of it


class ModbusError(Exception):
    """A question that brought nothing."""


class LinkError(ModbusError):
    """The bus is away."""


class NoReplyError(ModbusError):
    """The meter did not answer."""


class GarbledError(NoReplyError):
    """Bytes came that are no frame."""

    def __init__(self, heard: bytes) -> None:
        """Keep what came."""
        super().__init__(f"{len(heard)} bytes came that are no reply")
        self.heard = heard


class WrongReplyError(NoReplyError):
    """A sound reply came, and not to this question."""


class RefusedError(ModbusError):
    """The meter answered with an exception code."""

    def __init__(self, code: int) -> None:
        """Keep the code: 1 function, 2 address, 3 value, 5 other (SDM630 protocol V1.8, section 3.7)."""
        super().__init__(f"exception code {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class _Question:
    """A read, or a write of `registers`; `patience_s` is for a meter that may not be there."""

    function: int
    address: int
    request: Request
    registers: tuple[int, ...] = ()
    patience_s: float | None = None

    @property
    def length(self) -> int:
        """How many registers a sound reply brings."""
        return 0 if self.function == WRITE else self.request.count


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
        self._hearing = Hearing()
        self._client = _client_of(bus, self._trace)
        self._read = {HOLDING: self._client.read_holding_registers, INPUT: self._client.read_input_registers}
        self._name = bus.device if isinstance(bus, RtuBus) else f"{bus.host}:{bus.port}"
        self._numbered = isinstance(bus, TcpBus)
        self._pause_s = max(self.wire.pause_s, self.wire.silence_s)
        self.quiet_at = self._turned_s = 0.0
        self._floor_s = bus.patience_ms / 1000
        self._turnarounds: dict[int, Turnaround] = {}
        # Address, then length in registers, of replies that may still come, and when each was given up.
        self._lost: dict[int, dict[int, float]] = {}
        self._others: list[Link] = []

    def close(self) -> None:
        """Close port or socket."""
        self._client.close()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped

    @property
    def echoes(self) -> bool:
        """Whether the adapter gave back the last question."""
        return self._hearing.echoed

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
        return self._ask(_Question(INPUT, address, request))

    def read_holdings(self, address: int, request: Request) -> list[int]:
        """Read holding registers (function 03) of the meter at a bus address.

        Raises:
            ModbusError: no registers came.
        """
        return self._ask(_Question(HOLDING, address, request))

    def write_holdings(self, address: int, first: int, registers: Sequence[int]) -> None:
        """Write holding registers from `first` on (function 16) of the meter at a bus address.

        Raises:
            ModbusError: the meter did not say that it took them; unless it refused, it may have.
        """
        self._ask(_Question(WRITE, address, Request(first, len(registers)), tuple(registers)))

    def probe(self, address: int, request: Request, patience_s: float) -> list[int]:
        """Read holding registers of a meter that may not be there; nothing is counted, or learnt of its quickness.

        Args:
            address: of the meter.
            request: the registers.
            patience_s: how long to wait beyond the time of the bytes.

        Raises:
            ModbusError: no registers came.
        """
        return self._ask(_Question(HOLDING, address, request, patience_s=patience_s))

    def _ask(self, question: _Question) -> list[int]:
        self._wait_at_most(CONNECT_S)
        if not self._client.connected and not self._client.connect():
            raise LinkError(f"{self._name} cannot be opened")
        lost = self._lost.get(question.address, {})
        lost = {length: at for length, at in lost.items() if time.monotonic() - at < LATEST_S}
        self._lost[question.address] = lost
        if lost:
            self._make_sure(question, lost)
        return self._exchange(question)

    def _make_sure(self, question: _Question, lost: dict[int, float]) -> None:
        """Ask for a length that neither a lost reply nor the one to come has."""
        unused = (n for n in range(WIDTH, 80, WIDTH) if n not in lost and n != question.length)
        count = next(unused, min(lost, key=lost.__getitem__))
        with contextlib.suppress(RefusedError):
            self._exchange(_Question(INPUT, question.address, Request(0, count), patience_s=question.patience_s))
        lost.clear()

    def _exchange(self, question: _Question) -> list[int]:
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

    def _transact(self, question: _Question, patience_s: float) -> list[int]:
        """Ask once, and keep the line quiet until nothing of it is under way any more."""
        time.sleep(max(0.0, self.quiet_at - time.monotonic()))
        bytes_s = self.wire.bytes_s(question.request.count + WRITING * (question.function == WRITE))
        self._wait_at_most(bytes_s + patience_s)
        began = time.monotonic()
        try:
            registers = self._answer(question)
        except NoReplyError:
            self._lose(question)
            # What came in place of the right reply does not make that come sooner. After silence no more is needed.
            pause_s = self._pause_s if self._hearing.heard else max(0.0, self._pause_s - patience_s)
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

    def _lose(self, question: _Question) -> None:
        """Note a reply that may still come. Modbus TCP numbers its replies, RTU does not."""
        if not self._numbered:
            self._lost.setdefault(question.address, {})[question.length] = time.monotonic()

    def _answer(self, question: _Question) -> list[int]:
        """Return what was asked for and nothing else."""
        reply = self._reply(question)
        if reply.function_code | ERROR != question.function | ERROR:
            raise WrongReplyError(f"a reply to function {reply.function_code & ~ERROR} came, not {question.function}")
        if isinstance(reply, ExceptionResponse):
            if reply.exception_code in MUTE:
                raise NoReplyError("no reply, says the converter")
            raise RefusedError(reply.exception_code)
        if question.function == WRITE and (reply.address, reply.count) != (
            question.request.address,
            question.request.count,
        ):
            raise WrongReplyError("a reply to another write came")
        if len(reply.registers) != question.length:
            raise WrongReplyError(f"{len(reply.registers)} registers came instead of {question.length}")
        return list(reply.registers)

    def _reply(self, question: _Question) -> ModbusPDU:
        unit, request = question.address, question.request
        try:
            if question.function == WRITE:
                return self._client.write_registers(request.address, list(question.registers), device_id=unit)
            return self._read[question.function](request.address, count=request.count, device_id=unit)
        except (ConnectionException, OSError) as error:
            self.close()
            self._lose(question)
            raise LinkError(f"{self._name}: {error}") from error
        except ModbusException as error:
            raise self._nothing() from error

    def _nothing(self) -> NoReplyError:
        """Return what came in place of a reply."""
        heard = self._hearing.heard
        if not heard:
            return NoReplyError("no reply")
        if self._numbered or _is_frame(heard):
            return WrongReplyError("a reply of another meter came")
        return GarbledError(heard)

    def _trace(self, sending: bool, data: bytes) -> bytes:  # noqa: FBT001 pymodbus calls it so
        if not sending:
            return self._hearing.hear(data)
        self._hearing.ask(data)
        return data

    def _wait_at_most(self, seconds: float) -> None:
        """Set the time limit of what the client does next; pymodbus 3.16 has one for all, and two copies of it."""
        self._client.comm_params.timeout_connect = seconds
        self._client.transaction.comm_params.timeout_connect = seconds


class _SerialClient(ModbusSerialClient):
    """pymodbus's client, which looks only every four characters whether something came; this one is told at once."""

    def recv(self, size: int | None) -> bytes:  # noqa: ARG002 pymodbus asks for all that there is
        """Return what has come, once something has; nothing when nothing came in time."""
        assert self.socket
        try:
            self.socket.timeout = self.comm_params.timeout_connect
            return bytes(self.socket.read(1) + self.socket.read(self.socket.in_waiting))
        except OSError as error:
            self.close()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped
            raise ConnectionException(str(error)) from error


def _is_frame(data: bytes) -> bool:
    """Return whether the CRC of an RTU frame is right."""
    return len(data) >= SHORTEST and FramerRTU.check_CRC(data[:-2], int.from_bytes(data[-2:], "big"))


def _client_of(bus: Bus, trace: Trace) -> ModbusTcpClient | ModbusSerialClient:
    # Retries are the scheduler's: pymodbus's would hold up the other meters of the bus.
    if isinstance(bus, RtuBus):
        return _SerialClient(
            bus.device,
            framer=FramerType.RTU,
            baudrate=bus.baud,
            parity=bus.parity,
            stopbits=bus.stop_bits,
            retries=0,
            trace_packet=trace,
        )
    framer = FramerType.RTU if isinstance(bus, RtuOverTcpBus) else FramerType.SOCKET
    return ModbusTcpClient(bus.host, port=bus.port, framer=framer, retries=0, trace_packet=trace)
