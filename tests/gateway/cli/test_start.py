"""The plant to start with: whatever was found, the gateway can read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_gateway.cli.bus import Place
from mmetering_gateway.cli.start import bus_table, meter_table, slug_of, start_text
from mmetering_gateway.commands.scan import Found
from mmetering_gateway.models import MODELS
from mmetering_gateway.plant.plant import Bus, Meter, RtuBus, RtuOverTcpBus, TcpBus, read_plant

BUSES = (
    RtuBus("cellar", "/dev/ttyUSB0"),
    RtuBus("cellar", 'a "device" \\ here', 2400, "E", 1, 5, 100),
    TcpBus("attic", "192.0.2.7"),
    TcpBus("attic", "2001:db8::7", 5020, 2400, 10),
    RtuOverTcpBus("yard", "192.0.2.8", 4001, 38400, 0),
)
FOUND = st.builds(
    lambda address, serial, model, speed: Found(
        address, baud=speed and speed[0], parity=speed and speed[1], stop_bits=speed and 1, serial=serial, model=model
    ),
    st.integers(1, 247),
    st.none() | st.integers(0, 9).map(str),
    st.sampled_from(["", *MODELS]),
    st.sampled_from([None, (9600, "N"), (9600, "E"), (2400, "N")]),
)


@pytest.mark.parametrize("bus", BUSES)
def test_a_bus_is_read_as_it_was(bus: Bus) -> None:
    """Its table must say it all."""
    assert read_plant(bus_table(bus), "x").bus == (bus,)


@given(label=st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=200))
def test_a_meter_is_read_as_it_was(label: str) -> None:
    """Its table must say it all, with any label."""
    meter = Meter("flat-03", "cellar", 3, "sdm72d-m", label)
    assert read_plant(bus_table(BUSES[0]) + meter_table(meter), "x").meter == (meter,)


@given(found=st.lists(FOUND, max_size=20, unique_by=lambda meter: meter.address))
def test_whatever_was_found_can_be_read(found: list[Found]) -> None:
    """The plant must be sound, with each meter that answered at the speed of the bus, at its address."""
    plant = read_plant(start_text(Place(BUSES[0], (), MODELS), found), "x")
    here = [meter for meter in found if (meter.baud, meter.parity) in {(None, None), (9600, "N")}]
    assert [meter.address for meter in plant.meter] == [meter.address for meter in here]
    assert [meter.model for meter in plant.meter] == [meter.model or "sdm630" for meter in here]


def test_a_meter_of_the_plant_keeps_its_name() -> None:
    """A meter that has a name and a label must have them again."""
    known = Meter("flat-03", "attic", 3, "sdm120", "Flat 3")
    found = Found(3, serial="77", model="sdm630", slug="flat-03")
    assert read_plant(start_text(Place(BUSES[2], (known,), MODELS), [found]), "x").meter == (known,)


def test_slugs() -> None:
    """A slug must be of model and serial number, or say where the meter was."""
    assert slug_of("sdm630", "12345678", 3) == "sdm630-12345678"
    assert slug_of("", None, 3) == "meter-at-3"
