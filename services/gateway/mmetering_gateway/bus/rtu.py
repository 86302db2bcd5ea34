"""RTU frames by pymodbus: on a serial port, or on TCP to a converter that passes bytes on.

Echo and stray bytes are taken off before pymodbus looks; what it cannot read is told as silence, noise, or the
frame of another meter.
"""

from collections.abc import Callable

from pymodbus import FramerType, ModbusException
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ConnectionException
from pymodbus.framer import FramerRTU
from pymodbus.pdu import ModbusPDU

from mmetering_gateway.bus.errors import GarbledError, NoReplyError, WrongReplyError
from mmetering_gateway.bus.hearing import Hearing
from mmetering_gateway.bus.question import HOLDING, INPUT, WRITE, Question
from mmetering_gateway.plant.plant import RtuBus, RtuOverTcpBus

SHORTEST = FramerRTU.MIN_SIZE
Trace = Callable[[bool, bytes], bytes]  # whether a packet is sent, and the packet; returns what to take of it


class RtuLine:
    """The port of one line.

    Attributes:
        numbered: whether a late reply is known as such.
    """

    numbered = False

    def __init__(self, bus: RtuBus | RtuOverTcpBus) -> None:
        """Prepare it; nothing is opened yet."""
        self._hearing = Hearing()
        self._client = _client_of(bus, self._trace)
        self._read = {HOLDING: self._client.read_holding_registers, INPUT: self._client.read_input_registers}

    @property
    def heard(self) -> bool:
        """Whether anything came after the last question, its echo aside."""
        return bool(self._hearing.heard)

    @property
    def echoes(self) -> bool:
        """Whether the adapter gave back the last question."""
        return self._hearing.echoed

    def open(self, wait_s: float) -> None:
        """Open the port, unless it is open.

        Raises:
            OSError: that fails.
        """
        self._wait_at_most(wait_s)
        if not self._client.connected and not self._client.connect():
            raise OSError("cannot be opened")

    def close(self) -> None:
        """Close the port."""
        self._client.close()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped

    def ask(self, question: Question, wait_s: float) -> bytes:
        """Return the reply to a question, without address and frame.

        Raises:
            OSError: the port is away.
            NoReplyError: no reply came in time, or one of another meter.
        """
        self._wait_at_most(wait_s)
        try:
            reply = self._reply(question)
        except ConnectionException as error:
            raise OSError(str(error)) from error
        except ModbusException as error:
            raise self._nothing() from error
        return bytes((reply.function_code,)) + reply.encode()

    def _reply(self, question: Question) -> ModbusPDU:
        unit, request = question.address, question.request
        if question.function == WRITE:
            return self._client.write_registers(request.address, list(question.registers), device_id=unit)
        return self._read[question.function](request.address, count=request.count, device_id=unit)

    def _nothing(self) -> NoReplyError:
        """Return what came in place of a reply."""
        heard = self._hearing.heard
        if not heard:
            return NoReplyError("no reply")
        return WrongReplyError("a reply of another meter came") if _is_frame(heard) else GarbledError(heard)

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


def _client_of(bus: RtuBus | RtuOverTcpBus, trace: Trace) -> ModbusTcpClient | ModbusSerialClient:
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
    return ModbusTcpClient(bus.host, port=bus.port, framer=FramerType.RTU, retries=0, trace_packet=trace)
