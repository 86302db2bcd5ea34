"""A wrong plant is told with its place."""

from pathlib import Path

import pytest
from mmetering_contract.quantity import Group
from mmetering_gateway.plant.plant import PlantError, RtuBus, RtuOverTcpBus, TcpBus, read_plant

GOOD = """\
[intervals]
live = 5
energy = 60

[[bus]]
name = "cellar"
type = "rtu"
device = "/dev/serial/by-id/usb-FTDI"

[[bus]]
name = "attic"
type = "tcp"
host = "192.0.2.7"

[[bus]]
name = "yard"
type = "rtu-over-tcp"
host = "192.0.2.8"
port = 4001

[[meter]]
slug = "flat-01"
bus = "cellar"
address = 1
label = "Ground floor left"

[[meter]]
slug = "flat-02"
bus = "attic"
address = 1
"""


def test_a_good_plant_is_read_with_its_defaults() -> None:
    """All three kinds of bus, the meters on each, 9600 8N1 and port 502 where nothing is said."""
    plant = read_plant(GOOD, "plant.toml")
    cellar, attic, yard = plant.bus
    assert isinstance(cellar, RtuBus)
    assert (cellar.baud, cellar.parity, cellar.stop_bits) == (9600, "N", 1)
    assert isinstance(attic, TcpBus)
    assert attic.port == 502
    assert isinstance(yard, RtuOverTcpBus)
    assert plant.intervals_on("cellar") == {Group.ENERGY: 60, Group.LIVE: 5, Group.QUALITY: 60, Group.DEMAND: 300}
    assert [meter.slug for meter in plant.meters_on("cellar")] == ["flat-01"]


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        ("live = 5", "live = 7", "plant.toml: live = 7 does not divide the quarter hour of 900 s"),
        ("live = 5", "live = 1800", "plant.toml:1: Expected `int` <= 900"),
        ("live = 5\nenergy = 60", "live = 0\nenergy = 0", "neither live nor energy would be read on bus cellar"),
        (
            "port = 4001",
            "port = 4001\nintervals = { live = 7 }",
            "plant.toml: live = 7 does not divide the quarter hour",
        ),
        ("energy = 60", "power = 60", "plant.toml:1: Invalid enum value 'power'"),
        ('device = "/dev', 'devise = "/dev', "plant.toml:8: Object contains unknown field `devise`"),
        ('type = "tcp"', 'type = "udp"', "plant.toml:12: Invalid value 'udp'"),
        ("port = 4001", "port = 70000", "plant.toml:19: Expected `int` <= 65535"),
        ("port = 4001", 'baud = "fast"\nport = 4001', "plant.toml:19: Expected `int`, got `str`"),
        ("port = 4001\n", "", "plant.toml:15: Object missing required field `port`"),
        ('slug = "flat-02"', 'slug = "Flat 2"', "plant.toml:28: Expected `str` matching regex"),
        ('slug = "flat-02"', 'slug = "flat-01"', "meter flat-01 stands there twice"),
        ('bus = "attic"', 'bus = "cellar"', "address 1 on cellar stands there twice"),
        ('bus = "attic"', 'bus = "roof"', "there is no bus roof"),
        ("address = 1\nlabel", "address = 248\nlabel", "plant.toml:24: Expected `int` <= 247"),
        ("address = 1\nlabel", 'address = 1\nmodel = "sdm72"\nlabel', "plant.toml:25: model 'sdm72' is not one of"),
        ("port = 4001", "patience_ms = 0\nport = 4001", "plant.toml:19: Expected `int` >= 50"),
        ("[[meter]]", "[[meters]]", "plant.toml:21: Object contains unknown field `meters`"),
        ("[intervals]", "[intervals", "plant.toml: "),
    ],
)
def test_a_wrong_plant_is_told_with_file_line_and_reason(before: str, after: str, error: str) -> None:
    """Each mistake names where it stands and what is wrong with it."""
    assert before in GOOD
    with pytest.raises(PlantError) as told:
        read_plant(GOOD.replace(before, after), "plant.toml")
    assert error in str(told.value)


def test_a_bus_may_have_intervals_of_its_own() -> None:
    """What it names holds there in place of what holds everywhere; 0 leaves a group out."""
    yard = "port = 4001\n"
    plant = read_plant(GOOD.replace(yard, f"{yard}intervals = {{ live = 30, demand = 0 }}\n"), "plant.toml")
    assert plant.intervals_on("attic")[Group.LIVE] == 5
    assert plant.intervals_on("yard") == {Group.ENERGY: 60, Group.LIVE: 30, Group.QUALITY: 60}


def test_a_plant_needs_no_intervals() -> None:
    """Without any the buses are read as they can carry it."""
    plant = read_plant(GOOD.replace("[intervals]\nlive = 5\nenergy = 60\n", ""), "plant.toml")
    assert plant.intervals_on("cellar") == {Group.ENERGY: 60, Group.LIVE: 10, Group.QUALITY: 60, Group.DEMAND: 300}


def test_a_converter_whose_line_is_known_is_given_the_time_of_the_bytes() -> None:
    """At 2400 baud 80 registers take 721 ms; without the speed bytes count as free."""
    attic = 'host = "192.0.2.7"\n'
    known = read_plant(GOOD.replace(attic, attic + "baud = 2400\n"), "plant.toml").bus[1]
    unknown = read_plant(GOOD, "plant.toml").bus[1]
    assert known.wire().bytes_s(80) == pytest.approx(0.721 + 2 * 0.01604, abs=1e-3)
    assert unknown.wire().bytes_s(80) == 0


@pytest.mark.parametrize("file", ["docs/plant.example.toml", "demo/plant.toml"])
def test_the_plants_that_we_ship_are_good(file: str) -> None:
    """The example for people and the demo's plant can be read."""
    path = Path(__file__).parents[3] / file
    assert read_plant(path.read_text(), file).meter
