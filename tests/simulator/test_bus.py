"""Meters on one bus: their addresses change, they share one, they come and go, and the line is bad."""

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from mmetering_simulator import fault
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.frame import RTU, Frame, rtu_pack
from mmetering_simulator.line import Line
from mmetering_simulator.models import MODELS
from mmetering_simulator.tcp import TcpBus
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusIOException

pytestmark = pytest.mark.servers

AT_ONCE = replace(MODELS["sdm630"], needs_restart=False)
READ_SERIAL = b"\x03\xfc\x00\x00\x02"
READ_LONG = b"\x04\x00\x00\x00\x50"
TIMEOUT_S = 30
SILENT_S = 0.3  # after which nobody is believed to answer


@contextmanager
def _client(bus: TcpBus, timeout: float = TIMEOUT_S) -> Iterator[ModbusTcpClient]:
    with ModbusTcpClient("127.0.0.1", port=bus.port, retries=0, timeout=timeout) as client:
        yield client


def _serial(bus: TcpBus, unit: int, timeout: float = TIMEOUT_S) -> int:
    """Return the serial number that is read at a unit id."""
    with _client(bus, timeout) as client:
        words = client.read_holding_registers(0xFC00, count=2, device_id=unit).registers
    return (words[0] << 16) + words[1]


def _is_silent(bus: TcpBus, unit: int) -> bool:
    """Return whether nobody is understood at a unit id; who is expected to answer is given more time elsewhere."""
    try:
        _serial(bus, unit, SILENT_S)
    except ModbusIOException:
        return True
    return False


def _write(bus: TcpBus, unit: int, address: int, value: float) -> int:
    """Write one parameter and return the exception code, 0 for none."""
    with _client(bus) as client:
        words = client.convert_to_registers(value, client.DATATYPE.FLOAT32)
        reply = client.write_registers(address, words, device_id=unit)
        return reply.exception_code if reply.isError() else 0


@contextmanager
def _raw(bus: TcpBus) -> Iterator[Callable[[bytes, int], bytes]]:
    """Give a function that sends a PDU to unit id 1 over RTU and takes as many bytes back."""
    with socket.create_connection(("127.0.0.1", bus.port), timeout=TIMEOUT_S) as line:

        def ask(pdu: bytes, count: int) -> bytes:
            line.sendall(rtu_pack(Frame(1, pdu)))
            taken = b""
            while len(taken) < count and (data := line.recv(count - len(taken))):
                taken += data
            return taken

        yield ask


def test_a_changed_address_is_followed() -> None:
    """A meter that was given another address must answer there from then on, and no longer at its old one."""
    with TcpBus({1: FixedMeter(model=AT_ONCE, serial=101), 2: FixedMeter(serial=102)}) as bus:
        assert _write(bus, 1, 0x14, 7) == 3
        assert _write(bus, 1, 0x18, 0) == _write(bus, 1, 0x14, 7) == 0
        assert [_serial(bus, unit) for unit in (7, 2)] == [101, 102]
        assert _is_silent(bus, 1)
        bus.unplug(7)
        assert _is_silent(bus, 7)
        bus.plug(7)
        assert _serial(bus, 7) == 101


def test_new_meters_get_their_addresses_one_after_the_other() -> None:
    """Meters that all come with address 1 must be found one by one, each be given its own, and then all answer."""
    meters = [FixedMeter(model=AT_ONCE, serial=100 + number) for number in range(1, 6)]
    with TcpBus([]) as bus:
        for number, meter in enumerate(meters, 1):
            bus.plug(meter)
            assert _serial(bus, 1) == 100 + number
            assert _write(bus, 1, 0x18, 0) == _write(bus, 1, 0x14, 10 + number) == 0
        assert [_serial(bus, unit) for unit in range(11, 16)] == [101, 102, 103, 104, 105]
        assert _is_silent(bus, 1)


def test_two_at_one_address_are_not_understood() -> None:
    """Different replies at once must be lost on TCP and arrive broken on RTU; equal ones must be understood."""
    meters = [FixedMeter({0: 230.0}, serial=101), FixedMeter({0: 230.0}, serial=102)]
    with TcpBus(meters) as bus:
        assert _is_silent(bus, 1)
        with _client(bus) as client:
            assert not client.read_input_registers(0, count=2, device_id=1).isError()
        bus.unplug(meters[1])
        assert _serial(bus, 1) == 101
    with TcpBus(meters, framing=RTU) as bus, _raw(bus) as ask:
        broken = ask(READ_SERIAL, 9)
        assert RTU.take(bytearray(broken)) is None
        assert broken[:3] == b"\x01\x03\x04"


def test_one_meter_cannot_have_two_addresses() -> None:
    """A meter that a test puts at two unit ids must be refused: it could answer at one only."""
    meter = FixedMeter()
    with pytest.raises(ValueError, match="one unit id"):
        TcpBus({1: meter, 2: meter})


def test_behind_a_converter_the_meter_s_speed_must_be_the_converter_s() -> None:
    """A meter that took another speed must be silent until the converter has it too."""
    with TcpBus({1: FixedMeter(model=AT_ONCE, serial=101)}) as bus:
        assert _write(bus, 1, 0x18, 0) == _write(bus, 1, 0x1C, 3) == 0
        assert _is_silent(bus, 1)
        bus.line = Line(19200)
        assert _serial(bus, 1) == 101


def test_swapped_wires_are_silent() -> None:
    """With A and B swapped nobody must answer; a stray byte may come."""
    with TcpBus({1: FixedMeter(serial=101)}, framing=RTU) as bus, _raw(bus) as ask:
        bus.swapped, bus.stray = True, b"\x00"
        assert ask(READ_SERIAL, 1) == b"\x00"
        bus.stray = b"\x55"
        assert ask(READ_SERIAL, 1) == b"\x55"
        assert bus.requests == 0
        bus.swapped, bus.stray = False, b""
        assert len(ask(READ_SERIAL, 9)) == 9


def test_an_echo_comes_before_the_reply() -> None:
    """An adapter that echoes must return the request itself, also where nobody answers."""
    with TcpBus({1: FixedMeter(serial=101)}, framing=RTU) as bus, _raw(bus) as ask:
        bus.echo = True
        request = rtu_pack(Frame(1, READ_SERIAL))
        reply = rtu_pack(Frame(1, b"\x03\x04" + struct.pack(">I", 101)))
        assert ask(READ_SERIAL, 17) == request + reply
        bus.unplug(1)
        assert ask(READ_SERIAL, 8) == request


def test_without_termination_long_frames_break() -> None:
    """Of the long replies each second one must arrive with a wrong CRC, while short ones pass."""
    meter = FixedMeter({2 * value: 1.5 for value in range(40)})
    with TcpBus({1: meter}) as bus:
        bus.standing_fault = fault.Reflections(every=2)
        for sound in (True, False, True, False):
            with _client(bus, TIMEOUT_S if sound else SILENT_S) as client:
                outcome = contextlib.nullcontext() if sound else pytest.raises(ModbusIOException)
                with outcome:
                    assert not client.read_input_registers(0, count=80, device_id=1).isError()
            assert _serial(bus, 1) == 12345678


def test_a_busy_meter_says_so_once() -> None:
    """An exception that a test asks for must come instead of one reply, by default 06."""
    with TcpBus({1: FixedMeter()}) as bus, _client(bus) as client:
        bus.faults += [fault.exception(), fault.exception(4)]
        codes = [client.read_input_registers(0, count=2, device_id=1).exception_code for _ in range(2)]
        assert codes == [6, 4]
        assert not client.read_input_registers(0, count=2, device_id=1).isError()


def test_a_restart_in_mid_reply() -> None:
    """A meter that restarts in its reply must send half of it, be silent, and come back with what it was told."""
    meter = FixedMeter(serial=101)
    now = time.time()
    with TcpBus({1: meter}, framing=RTU) as bus, _raw(bus) as ask:
        assert ask(b"\x10\x00\x18\x00\x02\x04\x00\x00\x00\x00", 8)[1] == 0x10
        assert ask(b"\x10\x00\x14\x00\x02\x04" + struct.pack(">f", 7), 8)[1] == 0x10
        assert meter.settings.unit == 1
        bus.faults.append(fault.restart(meter, lambda: now, silent_s=3600))
        assert len(ask(READ_LONG, 82)) == 82
        assert meter.settings.unit == 7
        assert not meter.settings.awake(now + 3599)
        before = bus.requests
    with TcpBus([meter]) as bus:
        assert _is_silent(bus, 7)
        meter.settings.restart(now)
        assert _serial(bus, 7) == 101
    assert before == 3


def test_a_late_reply_delays_that_one_alone() -> None:
    """A delay that is asked for once must hold back the next reply, and not the one after it."""
    with TcpBus({1: FixedMeter(serial=101)}) as bus, _client(bus) as client:
        bus.delays.append(0.4)
        begin = time.monotonic()
        assert not client.read_input_registers(0, count=2, device_id=1).isError()
        assert time.monotonic() - begin >= 0.4
        assert not bus.delays


def test_noise_after_a_reply_arrives() -> None:
    """A byte behind the reply must come with it on RTU."""
    with TcpBus({1: FixedMeter(serial=101)}, framing=RTU) as bus, _raw(bus) as ask:
        bus.faults.append(fault.noise_after)
        assert ask(READ_SERIAL, 10)[-1:] == b"\xff"


def test_what_the_line_carried_is_counted() -> None:
    """Bytes of requests and replies must be counted as on a serial line, of silence only the request's."""
    with TcpBus({1: FixedMeter()}) as bus, _client(bus) as client:
        client.read_input_registers(0, count=80, device_id=1)
        assert bus.carried == 8 + 165
        client.read_input_registers(0, count=82, device_id=1)
        assert bus.carried == 8 + 165 + 8 + 5
    with TcpBus({1: FixedMeter()}) as bus:
        assert _is_silent(bus, 2)
        assert bus.carried == 8
