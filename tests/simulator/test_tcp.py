"""Buses behind a TCP port, read by clients of others: pymodbus, and Debian's mbpoll."""

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.frame import RTU, Frame, mbap_pack
from mmetering_simulator.tcp import TcpBus
from pymodbus import FramerType
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusIOException

pytestmark = pytest.mark.servers

READ_VOLTAGE = b"\x04\x00\x00\x00\x02"


@pytest.fixture
def bus() -> Iterator[TcpBus]:
    """A bus with two meters, at unit ids 1 and 2."""
    meters = {1: FixedMeter({0x0000: 231.5, 0x0034: -4200.25}), 2: FixedMeter({0x0000: 229.5}, serial=23040102)}
    with TcpBus(meters) as bus:
        yield bus


def _floats(client: ModbusTcpClient, unit: int, address: int, count: int = 2) -> list[float]:
    reply = client.read_input_registers(address, count=count, device_id=unit)
    assert not reply.isError(), reply
    values = client.convert_from_registers(reply.registers, client.DATATYPE.FLOAT32)
    return values if isinstance(values, list) else [values]  # type: ignore[list-item,return-value]  # floats they are


def test_pymodbus_reads_modbus_tcp(bus: TcpBus) -> None:
    """Pymodbus must read what each meter was set to, and its serial number."""
    with ModbusTcpClient("127.0.0.1", port=bus.port, retries=0, timeout=30) as client:
        assert _floats(client, 1, 0x0000) == [231.5]
        assert _floats(client, 1, 0x0034) == [-4200.25]
        assert _floats(client, 2, 0x0000) == [229.5]
        serial = client.read_holding_registers(0xFC00, count=2, device_id=2).registers
        assert client.convert_from_registers(serial, client.DATATYPE.UINT32) == 23040102
    assert bus.requests == 4


def test_pymodbus_reads_rtu_over_tcp() -> None:
    """Pymodbus must read RTU frames over TCP too, and a whole block of 80 registers."""
    meter = FixedMeter({2 * value: float(value) for value in range(40)})
    with (
        TcpBus({5: meter}, framing=RTU) as bus,
        ModbusTcpClient("127.0.0.1", port=bus.port, framer=FramerType.RTU, retries=0, timeout=30) as client,
    ):
        assert _floats(client, 5, 0, 80) == list(range(40))
        assert client.read_input_registers(0, count=82, device_id=5).exception_code == 2


def test_a_set_value_is_read_next() -> None:
    """What a test sets must be what the next request reads."""
    meter = FixedMeter()
    with TcpBus({1: meter}) as bus, ModbusTcpClient("127.0.0.1", port=bus.port, retries=0, timeout=30) as client:
        assert _floats(client, 1, 0x0046) == [0.0]
        meter.set(0x0046, 50.5)
        assert _floats(client, 1, 0x0046) == [50.5]


def test_mbpoll_reads_the_same(bus: TcpBus) -> None:
    """Debian's mbpoll must read the same values, most significant register first."""
    mbpoll = shutil.which("mbpoll")
    if not mbpoll:
        pytest.skip("mbpoll is not installed")
    command = f"{mbpoll} -m tcp -p {bus.port} -a 1 -t 3:float -B -0 -r 52 -c 1 -1 -o 10 127.0.0.1"
    said = subprocess.run(command.split(), capture_output=True, text=True, check=True, timeout=30).stdout
    assert "[52]: \t-4200.25" in said


def test_who_is_not_there_is_silent(bus: TcpBus) -> None:
    """Unknown and unplugged meters must say nothing at all: the next reply on the line is the next meter's."""
    bus.unplug(1)
    with socket.create_connection(("127.0.0.1", bus.port), timeout=30) as line:
        for unit, transaction in ((1, 100), (77, 101), (0, 102), (2, 103)):
            line.sendall(mbap_pack(Frame(unit, READ_VOLTAGE, transaction)))
        assert int.from_bytes(line.recv(2)) == 103
    assert bus.requests == 4


def test_a_meter_comes_back(bus: TcpBus) -> None:
    """A client must get no reply while a meter is unplugged, and the value again once it is plugged in."""
    with ModbusTcpClient("127.0.0.1", port=bus.port, retries=0, timeout=0.2) as client:
        bus.unplug(1)
        with pytest.raises(ModbusIOException):
            client.read_input_registers(0, count=2, device_id=1)
    with ModbusTcpClient("127.0.0.1", port=bus.port, retries=0, timeout=30) as client:
        bus.plug(1)
        assert _floats(client, 1, 0) == [231.5]


def test_one_request_at_a_time(bus: TcpBus) -> None:
    """Clients must share the line behind a converter: two delayed replies take twice the delay."""
    bus.delay_s = 0.2

    def read() -> None:
        with ModbusTcpClient("127.0.0.1", port=bus.port, retries=0, timeout=30) as client:
            assert _floats(client, 1, 0) == [231.5]

    readers = [threading.Thread(target=read) for _ in range(2)]
    begin = time.monotonic()
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert time.monotonic() - begin >= 0.4
    assert bus.requests == 2


def test_a_port_can_be_had_again() -> None:
    """A bus that goes must end its connections, and one that comes may take its port at once."""
    with TcpBus({1: FixedMeter()}) as first:
        port = first.port
        line = socket.create_connection(("127.0.0.1", port), timeout=30)
        line.sendall(mbap_pack(Frame(1, READ_VOLTAGE, 1)))
        assert line.recv(1)
    while line.recv(100):
        pass  # the rest of the reply; then the end
    line.close()
    with (
        TcpBus({1: FixedMeter({0: 1.5})}, port=port),
        ModbusTcpClient("127.0.0.1", port=port, retries=0, timeout=30) as client,
    ):
        assert _floats(client, 1, 0) == [1.5]


def test_other_protocols_are_shown_the_door(bus: TcpBus) -> None:
    """A client that speaks no Modbus must be cut off, and the bus go on."""
    with socket.create_connection(("127.0.0.1", bus.port), timeout=30) as line:
        line.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):  # as good an end, where the server had not read all
            assert line.recv(100) == b""
    with ModbusTcpClient("127.0.0.1", port=bus.port, retries=0, timeout=30) as client:
        assert _floats(client, 1, 0) == [231.5]
