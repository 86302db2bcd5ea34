"""Commissioning: a scripted person with new meters in her hands, directly and through the gateway of the bus."""

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from command_line import CommandLine
from mmetering_gateway.plant.plant import read_plant
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.line import Line
from mmetering_simulator.tcp import TcpBus
from service import Service, mqtt_environment
from wait import wait_for

pytestmark = pytest.mark.servers

QUICK = "sdm72d-m-v2"  # takes an address at once; others want to be switched off and on, or their button pressed


@pytest.fixture
def bus() -> Iterator[TcpBus]:
    """Give a bus with one meter, at 3, and none at 1."""
    with TcpBus([FixedMeter(serial=3333, unit=3)]) as bus:
        yield bus


@pytest.fixture(params=["direct", "through"])
def cli(request: pytest.FixtureRequest, bus: TcpBus, tmp_path: Path) -> Iterator[CommandLine]:
    """Give a command line whose plant has the meter at 3, without and with a gateway."""
    plant = tmp_path / "plant.toml"
    plant.write_text(
        f'[intervals]\nlive = 1\n[[bus]]\nname = "cellar"\ntype = "tcp"\nhost = "127.0.0.1"\nport = {bus.port}\n'
        '[[meter]]\nslug = "flat-03"\nbus = "cellar"\naddress = 3\n'
    )
    environment = {"MMETERING_PLANT": str(plant), "MMETERING_SPOOL": str(tmp_path / "spool.db")}
    if request.param == "direct":
        yield CommandLine(environment, tmp_path)
        return
    environment |= mqtt_environment(request.getfixturevalue("broker"), "main")
    with Service("mmetering-gateway", environment, tmp_path) as gateway:
        wait_for(lambda: "event=meter_online" in gateway.log and "event=mqtt_connected" in gateway.log)
        yield CommandLine(environment, tmp_path)


def new(bus: TcpBus, serial: int, model: str = QUICK) -> FixedMeter:
    """Connect a new meter."""
    meter = FixedMeter({0x0000: 230.0}, serial=serial, unit=1, model=model, line=Line(9600))
    bus.plug(meter)
    return meter


def test_one_new_meter_after_the_other(cli: CommandLine, bus: TcpBus) -> None:
    """Each must get the next free address and its name; the record and the plant must have them all."""
    with cli.talk("commission --write plant.toml") as talk:
        talk.until("Waiting: nobody answers from address 1")
        first = new(bus, 1001)
        talk.until("serial number 1001")
        talk.until("Address [2]: ")
        talk.answer("")
        talk.until("It answers at address 2 now.")
        talk.until(f"Name [{QUICK}-1001]: ")
        talk.answer("flat-02")
        talk.until("Label: ")
        talk.answer('Müller, "left"')
        talk.until("Connect the next one")
        second = new(bus, 1002)
        talk.answer("")
        talk.until("Address [4]: ")
        talk.answer("3")
        talk.until("flat-03 has this address.")
        talk.answer("1")
        talk.until("An address is a number of 2 to 247")
        talk.answer("20")
        talk.until("Name")
        talk.answer("flat-02")
        talk.until("Another meter has this name.")
        talk.answer("Flat 20")
        talk.until("Name")
        talk.answer("")
        talk.until("Label: ")
        talk.answer("")
        talk.until("Connect the next one")
        talk.answer("q")
        assert talk.end() == 0
    assert (first.settings.unit, second.settings.unit) == (2, 20)
    today = str(datetime.now().astimezone().date())
    _, *rows = (row.split() for row in talk.out.splitlines())
    assert rows == [
        [today, "flat-02", "Müller,", '"left"', "1001", QUICK, "cellar", "2"],
        [today, f"{QUICK}-1002", "1002", QUICK, "cellar", "20"],
    ]
    plant = read_plant((cli.directory / "plant.toml").read_text(), "plant.toml")
    assert [(meter.slug, meter.address, meter.label) for meter in plant.meter] == [
        ("flat-03", 3, ""),
        ("flat-02", 2, 'Müller, "left"'),
        (f"{QUICK}-1002", 20, ""),
    ]


def test_a_meter_that_wants_a_restart(cli: CommandLine, bus: TcpBus) -> None:
    """It must be said, waited for, and the meter found again at its new address."""
    meter = new(bus, 1001, "sdm630")
    with cli.talk("commission") as talk:
        talk.until("switched off and on")
        talk.until("Address [2]: ")
        talk.answer("")
        wait_for(lambda: meter.settings.value(0x0014) == 2)
        assert meter.settings.unit == 1
        meter.settings.restart(time.time(), 0.5)
        talk.until("It answers at address 2 now.")
        talk.answer("")
        talk.until("Label: ")
        assert talk.interrupt() == 0  # which keeps what was done
    assert 'slug = "sdm630-1001"\nbus = "cellar"\naddress = 2\nmodel = "sdm630"\n' in talk.out


def test_a_meter_that_wants_its_button_pressed(cli: CommandLine, bus: TcpBus) -> None:
    """It must be said before the address is written, and waited for."""
    meter = new(bus, 1001, "sdm120")
    with cli.talk("commission") as talk:
        talk.until("press its button")
        talk.until("Address [2]: ")
        talk.answer("")
        meter.settings.press_button(time.time())
        wait_for(lambda: meter.settings.value(0x0014) == 2)
        meter.settings.restart(time.time())
        talk.until("It answers at address 2 now.")
        talk.answer("q")
        assert talk.end() == 0
    assert "sdm120-1001" in talk.out


def test_what_goes_wrong_ends_nothing(cli: CommandLine, bus: TcpBus) -> None:
    """An address that turns out to be taken must be told, and the same meter may be tried again."""
    bus.plug(FixedMeter(serial=4444, unit=2))
    meter = new(bus, 1001)
    with cli.talk("commission") as talk:
        talk.until("Address [2]: ")
        talk.answer("")
        talk.until("is taken")
        talk.until("Connect the next one, or the same again")
        talk.answer("")
        talk.until("Address [")
        talk.answer("5")
        talk.until("It answers at address 5 now.")
        talk.answer("q")
        assert talk.end() == 0
    assert meter.settings.unit == 5


def test_nothing_done_is_nothing_said(cli: CommandLine) -> None:
    """A person who goes at once must get no record."""
    with cli.talk("commission") as talk:
        talk.until("Waiting: ")
        assert talk.interrupt() == 0
    assert talk.out == ""


def test_a_file_that_is_no_plant_is_told_at_once(cli: CommandLine) -> None:
    """A file that the meters cannot go into must be refused before the first meter."""
    (cli.directory / "other.toml").write_text("bus = []\n")
    assert "other.toml has no bus cellar" in cli("commission --write other.toml", status=2)
