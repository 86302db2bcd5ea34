"""One Modbus link over pymodbus: TCP, RTU over TCP, or a serial port. It reads and translates errors, no more.

ModbusError
├── LinkError      the bus itself is away: adapter unplugged, converter unreachable; its other meters are, too
├── NoReplyError   this meter did not answer in time, or not with what was asked
└── RefusedError   the meter answered with an exception code; asking the same again brings the same
"""

import contextlib
import time

from pymodbus import FramerType, ModbusException
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ConnectionException

from mmetering_gateway.plan import Request, Wire
from mmetering_gateway.plant import Bus, RtuBus, RtuOverTcpBus, TcpBus
from mmetering_gateway.registers import WIDTH
from mmetering_gateway.turnaround import Turnaround

# Nothing holds a reply back for longer: not a meter, and not a converter's buffer.
LATEST_S = 10.0
CONNECT_S = 3.0
HOLDING, INPUT = 3, 4  # function codes
ERROR = 0x80  # added to the function code of an exception
# A converter says with these codes that the meter behind it is silent (Modbus Application Protocol V1.1b3, section 7).
MUTE = (10, 11)


class ModbusError(Exception):
    """A read that brought nothing."""


class LinkError(ModbusError):
    """The bus is away."""


class NoReplyError(ModbusError):
    """The meter did not answer."""


class RefusedError(ModbusError):
    """The meter answered with an exception code."""

    def __init__(self, code: int) -> None:
        """Keep the code: 1 function, 2 address, 3 value, 5 other (SDM630 protocol V1.8, section 3.7)."""
        super().__init__(f"exception code {code}")
        self.code = code


class Link:
    """The connection to one bus, opened when it is needed. Not for several threads.

    RTU replies bear no number. So after a reply that did not come, the meter's next question is of a length that no
    lost reply of it can have: only when it is answered with that length is the line known to hold nothing old.
    """

    def __init__(self, bus: Bus) -> None:
        """Prepare the link; nothing is opened yet."""
        self.wire: Wire = bus.wire()
        self._client = _client_of(bus)
        self._read = {HOLDING: self._client.read_holding_registers, INPUT: self._client.read_input_registers}
        self._name = bus.device if isinstance(bus, RtuBus) else f"{bus.host}:{bus.port}"
        self._numbered = isinstance(bus, TcpBus)
        self._pause_s = max(self.wire.pause_s, self.wire.silence_s)
        self._quiet_at = 0.0
        self._floor_s = bus.patience_ms / 1000
        self._turnarounds: dict[int, Turnaround] = {}
        # Address, then length in registers, of replies that may still come, and when each was given up.
        self._lost: dict[int, dict[int, float]] = {}

    def close(self) -> None:
        """Close port or socket."""
        self._client.close()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped

    def turnaround(self, address: int) -> Turnaround:
        """Return how quickly the meter at a bus address answers."""
        return self._turnarounds.get(address) or Turnaround(self._floor_s)

    def read_inputs(self, address: int, request: Request) -> list[int]:
        """Read input registers (function 04) of the meter at a bus address.

        Raises:
            ModbusError: no registers came.
        """
        return self._ask(INPUT, address, request)

    def read_holdings(self, address: int, request: Request) -> list[int]:
        """Read holding registers (function 03) of the meter at a bus address.

        Raises:
            ModbusError: no registers came.
        """
        return self._ask(HOLDING, address, request)

    def _ask(self, function: int, address: int, request: Request) -> list[int]:
        self._wait_at_most(CONNECT_S)
        if not self._client.connected and not self._client.connect():
            raise LinkError(f"{self._name} cannot be opened")
        lost = self._lost.get(address, {})
        self._lost[address] = {count: at for count, at in lost.items() if time.monotonic() - at < LATEST_S}
        if self._lost[address]:
            self._make_sure(address, request)
        return self._exchange(function, address, request)

    def _make_sure(self, address: int, request: Request) -> None:
        """Ask for a length that neither a lost reply nor the one to come has."""
        lost = self._lost[address]
        unused = (n for n in range(WIDTH, 80, WIDTH) if n not in lost and n != request.count)
        count = next(unused, min(lost, key=lost.__getitem__))
        with contextlib.suppress(RefusedError):
            self._exchange(INPUT, address, Request(0, count))
        lost.clear()

    def _exchange(self, function: int, address: int, request: Request) -> list[int]:
        """Ask once, and learn how quickly the meter answers."""
        time.sleep(max(0.0, self._quiet_at - time.monotonic()))
        before = self.turnaround(address)
        longest_s = self.wire.bytes_s(request.count) + before.patience_s
        self._wait_at_most(longest_s)
        began = time.monotonic()
        # What came in place of the right reply does not make that come sooner: the line stays quiet for it.
        self._quiet_at = began + longest_s + self._pause_s
        try:
            registers = self._registers(function, address, request)
        except NoReplyError:
            self._abandon(address, request)
            self._turnarounds[address] = before.missed()
            raise
        except RefusedError:
            self._turnarounds[address] = before.measured(self._turned(began, 0))
            self._quiet_at = time.monotonic() + self._pause_s
            raise
        self._turnarounds[address] = before.measured(self._turned(began, request.count))
        self._quiet_at = time.monotonic() + self._pause_s
        return registers

    def _registers(self, function: int, address: int, request: Request) -> list[int]:
        """Return what was asked for and nothing else."""
        try:
            reply = self._read[function](request.address, count=request.count, device_id=address)
        except (ConnectionException, OSError) as error:
            self._abandon(address, request)
            raise LinkError(f"{self._name}: {error}") from error
        except ModbusException as error:
            raise NoReplyError("no reply") from error
        if reply.function_code | ERROR != function | ERROR:
            raise NoReplyError(f"a reply to function {reply.function_code & ~ERROR} came instead of {function}")
        if reply.isError() and reply.exception_code in MUTE:
            raise NoReplyError("no reply, says the converter")
        if reply.isError():
            raise RefusedError(reply.exception_code)
        if len(reply.registers) != request.count:
            raise NoReplyError(f"{len(reply.registers)} registers came instead of {request.count}")
        return list(reply.registers)

    def _turned(self, began: float, count: int) -> float:
        """Return the turnaround of an exchange that is over, in seconds."""
        return max(0.0, time.monotonic() - began - self.wire.bytes_s(count))

    def _wait_at_most(self, seconds: float) -> None:
        """Set the time limit of what the client does next; pymodbus 3.16 has one for all, and two copies of it."""
        self._client.comm_params.timeout_connect = seconds
        self._client.transaction.comm_params.timeout_connect = seconds

    def _abandon(self, address: int, request: Request) -> None:
        """Close the link; it is opened anew with empty buffers. Modbus TCP numbers its replies, RTU does not."""
        self.close()
        if not self._numbered:
            self._lost.setdefault(address, {})[request.count] = time.monotonic()


def _client_of(bus: Bus) -> ModbusTcpClient | ModbusSerialClient:
    # Retries are the scheduler's: pymodbus's would hold up the other meters of the bus.
    if isinstance(bus, RtuBus):
        return ModbusSerialClient(
            bus.device,
            framer=FramerType.RTU,
            baudrate=bus.baud,
            parity=bus.parity,
            stopbits=bus.stop_bits,
            retries=0,
        )
    framer = FramerType.RTU if isinstance(bus, RtuOverTcpBus) else FramerType.SOCKET
    return ModbusTcpClient(bus.host, port=bus.port, framer=framer, retries=0)
