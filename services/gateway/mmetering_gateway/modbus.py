"""One Modbus link over pymodbus: TCP, RTU over TCP, or a serial port. It reads and translates errors, no more.

ModbusError
├── LinkError      the bus itself is away: adapter unplugged, converter unreachable; its other meters are, too
├── NoReplyError   this meter did not answer in time, or not with what was asked
└── RefusedError   the meter answered with an exception code; asking the same again brings the same
"""

import contextlib
import time
from typing import Protocol

from pymodbus import FramerType, ModbusException
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ConnectionException
from pymodbus.pdu import ModbusPDU

from mmetering_gateway.plan import Request, Wire
from mmetering_gateway.plant import Bus, RtuBus, RtuOverTcpBus, TcpBus
from mmetering_gateway.registers import WIDTH

# Beyond what the bytes take: SDM630 answer within 100 ms, converters and USB adapters add some.
PATIENCE_S = 0.3
# Nothing holds a reply back for longer: not a meter, and not a converter's buffer.
LATEST_S = 10.0
CONNECT_S = 3.0


class Read(Protocol):
    """One of pymodbus's functions that read registers."""

    def __call__(self, address: int, *, count: int, device_id: int) -> ModbusPDU:
        """Read `count` registers from `address` on."""


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

    RTU replies bear no number. So after a reply that did not come, the next question is of a length that no lost
    reply can have: only when it is answered with that length is the line known to hold nothing old.
    """

    def __init__(self, bus: Bus) -> None:
        """Prepare the link; nothing is opened yet."""
        self.wire: Wire = bus.wire()
        self._client = _client_of(bus)
        self._name = bus.device if isinstance(bus, RtuBus) else f"{bus.host}:{bus.port}"
        self._numbered = isinstance(bus, TcpBus)
        self._pause_s = max(bus.pause_ms / 1000, self.wire.silence_s)
        self._quiet_at = 0.0
        self._lost: dict[
            int, float
        ] = {}  # length in registers of a reply that may still come, and when it was given up

    def close(self) -> None:
        """Close port or socket."""
        self._client.close()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped

    def read_inputs(self, address: int, request: Request) -> list[int]:
        """Read input registers (function 04) of the meter at a bus address.

        Raises:
            ModbusError: no registers came.
        """
        return self._ask(self._client.read_input_registers, address, request)

    def read_holdings(self, address: int, request: Request) -> list[int]:
        """Read holding registers (function 03) of the meter at a bus address.

        Raises:
            ModbusError: no registers came.
        """
        return self._ask(self._client.read_holding_registers, address, request)

    def _ask(self, read: Read, address: int, request: Request) -> list[int]:
        if not self._client.connected and not self._client.connect():
            raise LinkError(f"{self._name} cannot be opened")
        now = time.monotonic()
        self._lost = {count: at for count, at in self._lost.items() if now - at < LATEST_S}
        if self._lost:
            self._make_sure(address, request)
        return self._exchange(read, address, request)

    def _make_sure(self, address: int, request: Request) -> None:
        """Ask for a length that neither a lost reply nor the one to come has."""
        count = next(n for n in range(WIDTH, 80, WIDTH) if n not in self._lost and n != request.count)
        with contextlib.suppress(RefusedError):
            self._exchange(self._client.read_input_registers, address, Request(0, count))
        self._lost.clear()

    def _exchange(self, read: Read, address: int, request: Request) -> list[int]:
        time.sleep(max(0.0, self._quiet_at - time.monotonic()))
        try:
            reply = read(request.address, count=request.count, device_id=address)
        except (ConnectionException, OSError) as error:
            self._abandon(request)
            raise LinkError(f"{self._name}: {error}") from error
        except ModbusException as error:
            self._abandon(request)
            raise NoReplyError("no reply") from error
        finally:
            self._quiet_at = time.monotonic() + self._pause_s
        if reply.isError():
            raise RefusedError(reply.exception_code)
        if len(reply.registers) != request.count:
            self._abandon(request)
            raise NoReplyError(f"{len(reply.registers)} registers came instead of {request.count}")
        return list(reply.registers)

    def _abandon(self, request: Request) -> None:
        """Close the link; it is opened anew with empty buffers. Modbus TCP numbers its replies, RTU does not."""
        self.close()
        if not self._numbered:
            self._lost[request.count] = time.monotonic()


def _client_of(bus: Bus) -> ModbusTcpClient | ModbusSerialClient:
    # Retries are the scheduler's: pymodbus's would hold up the other meters of the bus.
    timeout = bus.wire().cost_s(80) + PATIENCE_S
    if isinstance(bus, RtuBus):
        return ModbusSerialClient(
            bus.device,
            framer=FramerType.RTU,
            baudrate=bus.baud,
            parity=bus.parity,
            stopbits=bus.stop_bits,
            timeout=timeout,
            retries=0,
        )
    framer = FramerType.RTU if isinstance(bus, RtuOverTcpBus) else FramerType.SOCKET
    return ModbusTcpClient(bus.host, port=bus.port, framer=framer, timeout=timeout, retries=0)
