"""The command line on real buses: each command once directly, and once through the gateway that owns the bus."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from fix_broker import Broker
from mmetering_gateway.plant.plant import read_plant
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.models import MODELS
from mmetering_simulator.rtu import RtuBus
from mmetering_simulator.tcp import TcpBus
from service import Service, mqtt_environment
from wait import wait_for

pytestmark = pytest.mark.servers

# Each phase with 231.5 V, 4.25 A and 980 W; 50.02 Hz, 12.5 kWh.
PHASES = {first + 2 * phase: value for first, value in ((0, 231.5), (6, 4.25), (0xC, 980.0)) for phase in range(3)}
VALUES = PHASES | {0x0046: 50.02, 0x0048: 12.5}
METER = '[[meter]]\nslug = "flat-09"\nbus = "cellar"\naddress = 9\nlabel = "Flat 9"\n'


def meters() -> dict[int, FixedMeter]:
    """Return two new meters and the one of the plant, by address."""
    return {
        1: FixedMeter(VALUES, serial=1111),
        2: FixedMeter(VALUES, serial=2222, model="sdm72d-m-v2"),
        9: FixedMeter(VALUES, serial=9999),
    }


def running(broker: Broker | None, bus: str, directory: Path) -> Iterator[CommandLine]:
    """Give a command line with a plant of this bus and a meter at 9; with a broker, a gateway runs there."""
    plant = directory / "plant.toml"
    plant.write_text(f'[intervals]\nlive = 1\nenergy = 60\n[[bus]]\nname = "cellar"\n{bus}\n{METER}')
    environment = {"MMETERING_PLANT": str(plant), "MMETERING_SPOOL": str(directory / "spool.db")}
    if broker is None:
        yield CommandLine(environment, directory)
        return
    environment |= mqtt_environment(broker, "main")
    with Service("mmetering-gateway", environment, directory) as gateway:
        wait_for(lambda: "event=meter_online" in gateway.log)
        wait_for(lambda: "event=mqtt_connected" in gateway.log)
        yield CommandLine(environment, directory)
        assert "event=meter_offline" not in gateway.log


@pytest.fixture
def bus() -> Iterator[TcpBus]:
    """Give a bus behind Modbus TCP."""
    with TcpBus(meters()) as bus:
        yield bus


@pytest.fixture
def line() -> Iterator[RtuBus]:
    """Give a bus on a serial line."""
    with RtuBus(meters()) as line:
        yield line


@pytest.fixture(params=["direct", "through"])
def broker_or_none(request: pytest.FixtureRequest) -> Broker | None:
    """Give a broker where a gateway is to run."""
    broker: Broker | None = request.getfixturevalue("broker") if request.param == "through" else None
    return broker


@pytest.fixture
def cli(broker_or_none: Broker | None, bus: TcpBus, tmp_path: Path) -> Iterator[CommandLine]:
    """Give a command line over Modbus TCP, without and with a gateway."""
    yield from running(broker_or_none, f'type = "tcp"\nhost = "127.0.0.1"\nport = {bus.port}', tmp_path)


@pytest.fixture
def serial_cli(broker_or_none: Broker | None, line: RtuBus, tmp_path: Path) -> Iterator[CommandLine]:
    """Give a command line over a serial line, without and with a gateway."""
    yield from running(broker_or_none, f'type = "rtu"\ndevice = "{line.path}"', tmp_path)


def test_scan_shows_who_is_there(cli: CommandLine) -> None:
    """Every meter must be in the table with what it tells of itself, and with its name in the plant."""
    header, *rows = [row.split() for row in cli("scan --addresses 1-12").splitlines()]
    assert header[:3] == ["address", "model", "serial"]
    assert [(row[0], row[2], row[-1]) for row in rows] == [
        ("1", "1111", "no"),
        ("2", "2222", "no"),
        ("9", "9999", "flat-09"),
    ]


def test_scan_in_json(cli: CommandLine) -> None:
    """It must be one document, with the same meters."""
    found: list[dict[str, Any]] = json.loads(cli("scan --addresses 1,2,8-10 --json"))
    assert [(meter["address"], meter["serial"]) for meter in found] == [(1, "1111"), (2, "2222"), (9, "9999")]


def test_scan_can_leave_out_what_is_known(cli: CommandLine) -> None:
    """With --new only meters that the plant lacks are looked for."""
    assert "9999" not in cli("scan --addresses 1-10 --new")


def test_scan_writes_a_plant_to_start_with(cli: CommandLine) -> None:
    """The gateway must be able to read the file; it is never written over."""
    cli("scan --addresses 1-10 --write found.toml")
    text = (cli.directory / "found.toml").read_text()
    plant = read_plant(text, "found.toml")
    assert [(meter.slug, meter.address) for meter in plant.meter][::2] == [("sdm630-1111", 1), ("flat-09", 9)]
    assert plant.meter[1].model == "sdm72d-m-v2"
    assert plant.meter[2].label == "Flat 9"
    assert "is there already" in cli("scan --addresses 1-10 --write found.toml", status=2)
    assert (cli.directory / "found.toml").read_text() == text
    assert cli("scan --addresses 1-10 --write -") == text


def test_nobody_is_there(cli: CommandLine) -> None:
    """A scan that finds nothing must say so, and what to do."""
    assert cli("scan --addresses 3-5", status=1).startswith("Nobody answered.")
    assert cli("scan --addresses 3-5 --json", status=1) == "[]\n"


def test_identify(cli: CommandLine) -> None:
    """A meter must be asked by its address or by its name in the plant."""
    assert "serial number  1111\n" in cli("identify 1")
    assert json.loads(cli("identify flat-09 --json"))["serial"] == "9999"
    assert "nobody answers from address 77" in cli("identify 77", status=1)
    assert "flat-08 is neither an address" in cli("identify flat-08", status=2)


def test_read(cli: CommandLine) -> None:
    """The quantities that are asked for must come with value and unit, wherever options stand; else all of them."""
    text = cli("read 9 voltage_l1 --bus cellar energy_import")
    assert [row.split() for row in text.splitlines()[1:]] == [
        ["voltage_l1", "231.5", "V"],
        ["energy_import", "12500", "Wh"],
    ]
    everything = json.loads(cli("read flat-09 --json"))
    assert len(everything["values"]) > 80
    assert "4367 8000" in cli("read 1 --register 0x0000")
    assert "warp" in cli("read 9 warp", status=1)


def test_watch(cli: CommandLine) -> None:
    """A line must come for every reading until Ctrl-C, which ends it without a word."""
    with cli.talk("watch 9 voltage_l1 --every 0.2 --json") as talk:
        wait_for(lambda: talk.out.count("\n") >= 3)
        assert talk.interrupt() == 130
        assert not talk.errors
        lines = [json.loads(line) for line in talk.out.splitlines()]
    assert all(line["values"][0]["value"] == 231.5 for line in lines)
    assert len({line["at"] for line in lines}) == len(lines)


def test_set_address(cli: CommandLine, bus: TcpBus) -> None:
    """The meter must answer at its new address, and one that is taken is left alone."""
    bus.plug(FixedMeter(serial=3333, unit=3, model="sdm72d-m-v2"))
    assert "address 3 is now address 4." in cli("set-address 3 4")
    assert json.loads(cli("identify 4 --json"))["serial"] == "3333"
    assert "is taken" in cli("set-address 4 1", status=1)
    assert "to: Expected `int` <= 247" in cli("set-address 4 248", status=2)


def test_a_password_comes_from_a_file(cli: CommandLine, bus: TcpBus) -> None:
    """A meter with a password of its own must be changed with that, and not without; it never stands in an argument."""
    bus.plug(FixedMeter(serial=4444, unit=5, model=replace(MODELS["sdm72d-m-v2"], password=4711)))
    assert "does not take the password" in cli("set-address 5 6", status=1)
    (cli.directory / "password").write_text("4711\n")
    assert "address 5 is now address 6." in cli("set-address 5 6 --password-file password")
    cli.environment["MMETERING_METER_PASSWORD"] = "4711"
    assert "address 6 is now address 7." in cli("set-address 6 7")
    cli.environment["MMETERING_METER_PASSWORD"] = "many"
    assert "MMETERING_METER_PASSWORD is no password" in cli("set-address 7 8", status=2)


def test_diagnose(cli: CommandLine, bus: TcpBus) -> None:
    """It must say that all is well, and end with 1 where a meter does not answer."""
    well = cli("diagnose 1")
    assert "WRONG" not in well
    silent = cli("diagnose 77 --json", status=1)
    assert json.loads(silent)[0]["severity"] == "error"
    bus.plug(FixedMeter(serial=5555, unit=1))
    assert "WRONG: address 1: " in cli("diagnose 1", status=1)


def test_other_speeds_on_a_serial_line(serial_cli: CommandLine) -> None:
    """A meter must get another speed, be found at that, and stand in the plant to start with as a comment."""
    assert "9600 8N1 is now 19200 8N1." in serial_cli("set-baud 2 19200")
    assert "nobody answers" in serial_cli("identify 2", status=1)
    serial_cli("scan --addresses 1-2 --bauds 9600,19200 --write found.toml")
    text = (serial_cli.directory / "found.toml").read_text()
    assert [meter.slug for meter in read_plant(text, "found.toml").meter] == ["sdm630-1111"]
    assert "# At 19200 8N1:\n# [[meter]]\n" in text


def test_a_converter_keeps_its_speed(cli: CommandLine) -> None:
    """Over TCP no other speed can be had, which must be said."""
    assert "is set in its converter" in cli("set-baud 1 19200", status=1)
