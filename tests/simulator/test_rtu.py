"""A bus on a pseudo-terminal: the speed of the wire, read by clients of others."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import serial
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.frame import Frame, rtu_pack
from mmetering_simulator.line import PARITIES, Line
from mmetering_simulator.models import MODELS
from mmetering_simulator.parity import kept
from mmetering_simulator.rtu import TURNAROUND_S, RtuBus
from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ModbusIOException
from wait import wait_for

pytestmark = pytest.mark.servers

METER = FixedMeter({2 * value: float(value) for value in range(40)}, serial=23040113)
READ_ALL = rtu_pack(Frame(13, b"\x04\x00\x00\x00\x50"))


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[RtuBus]:
    """A bus at 9600 baud with one meter, at unit id 13, behind a link."""
    with RtuBus({13: METER}, path=tmp_path / "bus0") as bus:
        yield bus


def test_pymodbus_reads_it(bus: RtuBus) -> None:
    """Pymodbus must read values and the serial number through the link, as from a serial adapter."""
    with ModbusSerialClient(bus.path, baudrate=9600, retries=0, timeout=30) as client:
        reply = client.read_input_registers(0, count=80, device_id=13)
        assert client.convert_from_registers(reply.registers, client.DATATYPE.FLOAT32) == list(range(40))
        number = client.read_holding_registers(0xFC00, count=2, device_id=13).registers
        assert client.convert_from_registers(number, client.DATATYPE.UINT32) == 23040113
        assert client.read_input_registers(0, count=82, device_id=13).exception_code == 2
    assert bus.requests == 3


def test_mbpoll_reads_it(bus: RtuBus) -> None:
    """Debian's mbpoll must read it as a serial device."""
    mbpoll = shutil.which("mbpoll")
    if not mbpoll:
        pytest.skip("mbpoll is not installed")
    command = f"{mbpoll} -m rtu -b 9600 -P none -a 13 -t 3:float -B -0 -r 8 -c 2 -1 -o 10 {bus.path}"
    said = subprocess.run(command.split(), capture_output=True, text=True, check=True, timeout=30).stdout
    assert "[8]: \t4\n[10]: \t5" in said


@pytest.mark.parametrize(("baud", "least"), [(2400, 0.720), (9600, 0.180), (38400, 0.045)])
def test_it_is_never_faster_than_the_wire(baud: int, least: float) -> None:
    """8 bytes there and 165 back, of ten bits each, must take at least the time that the wire needs."""
    with RtuBus({13: METER}, baud=baud) as bus, serial.Serial(bus.path, baud, timeout=30) as line:
        begin = time.monotonic()
        line.write(READ_ALL)
        reply = line.read(165)
        assert time.monotonic() - begin >= least
        assert len(reply) == 165


def test_the_first_byte_does_not_come_early(bus: RtuBus) -> None:
    """The reply must not begin before the request has arrived; at 9600 baud that is 8 bytes there and one back."""
    with serial.Serial(bus.path, 9600, timeout=30) as line:
        begin = time.monotonic()
        line.write(READ_ALL)
        assert line.read(1) == b"\x0d"
        assert time.monotonic() - begin >= 9 * 10 / 9600
        assert len(line.read(164)) == 164


def test_at_another_speed_it_is_deaf(bus: RtuBus) -> None:
    """A client at another speed must hear nothing, as on a real line."""
    wrong = ModbusSerialClient(bus.path, baudrate=19200, retries=0, timeout=0.3)
    with wrong, pytest.raises(ModbusIOException):
        wrong.read_input_registers(0, count=2, device_id=13)
    assert bus.requests == 0


LINES = [Line(baud, *parity) for baud in (1200, 2400, 9600, 38400) for parity in PARITIES]


@pytest.fixture
def parity() -> Iterator[None]:
    """Let clients set a parity."""
    with kept():
        yield


@pytest.mark.usefixtures("parity")
@pytest.mark.parametrize("own", [Line(2400, "O"), Line(9600, "N", 2), Line(38400), Line(9600, "E")])
def test_a_scan_finds_a_meter_at_its_own_settings(own: Line) -> None:
    """Of all speeds and parities only the meter's own must bring a reply."""
    found = []
    with RtuBus([FixedMeter(serial=101, line=own)]) as bus:
        for line in LINES:
            patience = 30 if line == own else 0.15
            with serial.Serial(bus.path, line.baud, 8, line.parity, line.stop_bits, patience) as port:
                port.write(rtu_pack(Frame(1, b"\x03\xfc\x00\x00\x02")))
                if len(port.read(9)) == 9:
                    found.append(line)
    assert found == [own]


@pytest.mark.usefixtures("parity")
def test_two_speeds_on_one_line(tmp_path: Path) -> None:
    """Meters of different speeds and parities on one line must each hear only their own, however often it is opened."""
    meters = [FixedMeter(serial=101, unit=5), FixedMeter(serial=102, unit=5, line=Line(19200, "E"))]
    with RtuBus(meters, path=tmp_path / "line") as bus:
        for line, number in 2 * [(Line(9600), 101), (Line(19200, "E"), 102), (Line(19200, "E"), 102)]:
            with ModbusSerialClient(bus.path, baudrate=line.baud, parity=line.parity, retries=0, timeout=30) as client:
                words = client.read_holding_registers(0xFC00, count=2, device_id=5).registers
                assert client.convert_from_registers(words, client.DATATYPE.UINT32) == number


def test_a_meter_that_changes_its_speed_confirms_at_the_old_one() -> None:
    """The reply to a write of the speed must come at the old speed; then the meter must hear the new one alone."""
    meter = FixedMeter(model=replace(MODELS["sdm630"], needs_restart=False))
    with RtuBus({1: meter}, baud=9600) as bus:
        with ModbusSerialClient(bus.path, baudrate=9600, retries=0, timeout=30) as client:
            for address, value in ((0x18, 0.0), (0x1C, 4.0)):
                words = client.convert_to_registers(value, client.DATATYPE.FLOAT32)
                assert not client.write_registers(address, words, device_id=1).isError()
        with ModbusSerialClient(bus.path, baudrate=38400, retries=0, timeout=30) as client:
            assert not client.read_input_registers(0, count=2, device_id=1).isError()
    assert meter.settings.line == Line(38400)


@pytest.mark.usefixtures("parity")
def test_a_parity_takes_its_bit(tmp_path: Path) -> None:
    """With a parity bit 8 bytes there and 165 back must take eleven bits each, and the meter its time."""
    meter = FixedMeter({0: 1.0}, unit=13, line=Line(9600, "O"))
    with RtuBus([meter], path=tmp_path / "line") as bus, serial.Serial(bus.path, 9600, parity="O", timeout=30) as line:
        begin = time.monotonic()
        line.write(READ_ALL)
        assert len(line.read(165)) == 165
        assert time.monotonic() - begin >= 173 * 11 / 9600 + TURNAROUND_S


def test_an_echo_comes_at_once_on_a_terminal(bus: RtuBus) -> None:
    """An adapter's echo must come before the reply, and also where the speed is wrong."""
    bus.echo = True
    with serial.Serial(bus.path, 9600, timeout=30) as line:
        line.write(READ_ALL)
        assert line.read(8) == READ_ALL
        assert len(line.read(165)) == 165
    with serial.Serial(bus.path, 19200, timeout=30) as line:
        line.write(READ_ALL)
        assert line.read(8) == READ_ALL


def test_who_is_not_there_is_silent(bus: RtuBus) -> None:
    """An unplugged and an unknown meter must say nothing: the only reply is the one of the meter that came back."""
    with serial.Serial(bus.path, 9600, timeout=30) as line:
        bus.unplug(13)
        line.write(READ_ALL + rtu_pack(Frame(14, b"\x04\x00\x00\x00\x02")))
        wait_for(lambda: bus.requests == 2)
        bus.plug(13)
        line.write(rtu_pack(Frame(13, b"\x04\x00\x02\x00\x02")))
        assert line.read(9) == rtu_pack(Frame(13, b"\x04\x04\x3f\x80\x00\x00"))
        assert line.in_waiting == 0


def test_a_torn_request_does_not_spoil_the_next(bus: RtuBus) -> None:
    """Silence must end a frame: half a request and a pause, then a whole request, must bring one reply."""
    with serial.Serial(bus.path, 9600, timeout=1) as line:
        line.write(READ_ALL[:5])
        assert line.read(1) == b""
        line.timeout = 30
        line.write(READ_ALL)
        assert len(line.read(165)) == 165
    assert bus.requests == 1


def test_the_link_goes_with_the_bus_and_comes_back(tmp_path: Path) -> None:
    """A link must be there while the bus is, replace a dead one, and be read again after a restart."""
    path = tmp_path / "dev" / "bus0"
    path.parent.mkdir()
    path.symlink_to("/dev/pts/gone")
    for _ in range(2):
        with (
            RtuBus({13: METER}, path=path),
            ModbusSerialClient(str(path), baudrate=9600, retries=0, timeout=30) as client,
        ):
            assert not client.read_input_registers(0, count=2, device_id=13).isError()
        assert not os.path.lexists(path)
