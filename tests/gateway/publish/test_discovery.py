"""Meters in Home Assistant: what it is told of them, when, and that it forgets those that are gone."""

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from fix_broker import Broker
from home_assistant import SUBSCRIPTIONS, problems
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from mmetering_contract.payload import encode
from mmetering_contract.quantity import QUANTITIES, Group
from mmetering_contract.reading import Reading, live_of
from mmetering_contract.record import Device
from mmetering_contract.state import MeterInfo
from mmetering_contract.topic import Site
from mmetering_gateway.plant.plant import read_plant
from mmetering_gateway.publish.discovery import Discovery, config_topic, discovery_of
from mmetering_gateway.publish.removal import has_left
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.tcp import TcpBus
from mqtt_client import Client, Received
from msgspec.structs import replace
from service import Service, mqtt_environment
from wait import wait_for

SITE = Site("home")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
TOPIC = config_topic("main", "flat-07")
INFO = MeterInfo(
    "sdm630",
    "cellar",
    7,
    NOW,
    serial="23040107",
    label="Flat 7",
    units={quantity.name: quantity.unit for quantity in QUANTITIES},
    intervals=dict.fromkeys(Group, 10),
)


def discovery(info: MeterInfo = INFO) -> Discovery:
    """Return the discovery of a meter, by default with every quantity of the contract."""
    return discovery_of(SITE, "main", "flat-07", info)


def as_json(value: Discovery) -> dict[str, object]:
    """Return what Home Assistant reads."""
    read: dict[str, object] = json.loads(encode(value))
    return read


def test_home_assistant_takes_every_quantity() -> None:
    """Each quantity of the contract must be a sensor that Home Assistant accepts."""
    assert problems(TOPIC, as_json(discovery())) == []
    assert list(discovery().components) == [quantity.name for quantity in QUANTITIES]


@pytest.mark.parametrize(
    ("quantity", "name", "device_class", "unit", "state_class"),
    [
        ("voltage_l1", "Voltage L1", "voltage", "V", "measurement"),
        ("current_l3", "Current L3", "current", "A", "measurement"),
        ("power_total", "Power total", "power", "W", "measurement"),
        ("frequency", "Frequency", "frequency", "Hz", "measurement"),
        ("energy_import", "Energy import", "energy", "kWh", "total_increasing"),
        ("energy_export_l2", "Energy export L2", "energy", "kWh", "total_increasing"),
        ("reactive_energy_import", "Reactive energy import", "reactive_energy", "kvarh", "total_increasing"),
        ("apparent_energy", "Apparent energy", None, "kVAh", "total_increasing"),
        ("charge", "Charge", None, "Ah", "total_increasing"),
        ("energy_total", "Energy total", "energy", "kWh", "total"),
        ("reactive_energy_total_l2", "Reactive energy total L2", "reactive_energy", "kvarh", "total"),
        ("voltage_l3_l1", "Voltage L3-L1", "voltage", "V", "measurement"),
        ("voltage_thd_l1_l2", "Voltage THD L1-L2", None, "%", "measurement"),
        ("current_thd_l1", "Current THD L1", None, "%", "measurement"),
        ("apparent_power_l1", "Apparent power L1", "apparent_power", "VA", "measurement"),
        ("reactive_power_total", "Reactive power total", "reactive_power", "var", "measurement"),
        ("power_factor_l2", "Power factor L2", "power_factor", None, "measurement"),
        ("phase_angle_l2", "Phase angle L2", None, "°", "measurement_angle"),
        ("power_demand_maximum", "Power demand maximum", "power", "W", "measurement"),
    ],
)
def test_a_sensor_has_its_class(
    quantity: str, name: str, device_class: str | None, unit: str, state_class: str
) -> None:
    """Name, device class, unit and state class must be those that people and the energy dashboard look for."""
    sensor = discovery().components[quantity]
    found = (sensor.name, sensor.device_class, sensor.unit_of_measurement, sensor.state_class)
    assert found == (name, device_class, unit, state_class)
    assert sensor.unique_id == f"mmetering_home_flat-07_{quantity}"


@pytest.mark.parametrize(
    ("quantity", "enabled"),
    [
        ("power_total", True),
        ("power_import", True),
        ("energy_import_l1", True),
        ("reactive_energy_import", True),
        ("energy_total", True),
        ("energy_resettable", True),
        ("reactive_energy_import_l1", False),
        ("energy_total_l3", False),
        ("voltage_thd_l1", False),
        ("power_factor_total", False),
        ("power_demand_maximum", False),
    ],
)
def test_a_device_is_tidy(quantity: str, *, enabled: bool) -> None:
    """What few people look for must be there, but switched off until somebody wants it."""
    components = as_json(discovery())["components"]
    assert isinstance(components, dict)
    assert components[quantity].get("enabled_by_default", True) is enabled


@pytest.mark.parametrize(
    ("quantity", "shown"),
    [
        ("voltage_l1", "231.5"),
        ("energy_import", "4711.23"),
        ("charge", "0.15"),
        ("voltage_l2", "None"),
        ("energy_export", "None"),
    ],
)
def test_a_template_shows_the_value(quantity: str, shown: str) -> None:
    """A template must give the value in the sensor's unit, and `None` where a reading lacks it, without an error."""
    reading = Reading(
        meter="flat-07",
        ts=NOW,
        seq=1,
        group="live",
        values={"voltage_l1": 231.5, "energy_import": 4711230, "charge": 150},
        span_ms=10,
        quality="good",
        missing=("voltage_l2",),
    )
    value_json = json.loads(encode(live_of(reading, "5f0c2a9e")))
    jinja = SandboxedEnvironment(undefined=StrictUndefined)
    template = jinja.from_string(discovery().components[quantity].value_template)
    assert template.render(value_json=value_json) == shown


def test_only_what_is_read_is_told() -> None:
    """A group without an interval must have no sensors; a value expires after three intervals, a minute at least."""
    components = discovery(replace(INFO, intervals={"energy": 300})).components
    assert set(components) == {quantity.name for quantity in QUANTITIES if quantity.group is Group.ENERGY}
    assert components["energy_import"].expire_after == 900
    assert discovery(replace(INFO, intervals={"live": 1})).components["voltage_l1"].expire_after == 60


def test_a_meter_without_label_and_serial_has_a_name() -> None:
    """The slug stands for the label; what is not known must be absent."""
    payload = as_json(
        discovery(MeterInfo("sdm630", "cellar", 7, NOW, units={"frequency": "Hz"}, intervals={"live": 10}))
    )
    assert problems(TOPIC, payload) == []
    assert payload["device"] == {"identifiers": "mmetering_home_flat-07", "name": "flat-07", "model": "sdm630"}


def test_a_meter_is_there_while_its_gateway_is() -> None:
    """Both must say so, each by its own status."""
    assert discovery().availability_mode == "all"
    assert [entry.topic for entry in discovery().availability] == [
        SITE.gateway_status("main"),
        SITE.meter_status("main", "flat-07"),
    ]


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("origin", None, "payload lacks origin"),
        ("state", "x", "payload has state"),
        ("availability_mode", "both", "availability_mode both"),
        ("device/identifiers", None, "device has no identifier"),
        ("components/frequency/unique_id", None, "frequency lacks unique_id"),
        ("components/frequency/unique_id", "mmetering_home_flat-07_power_l1", "not unique"),
        ("components/frequency/expire_after", "60", "frequency.expire_after is '60'"),
        ("components/frequency/state_topic", "a/#", "frequency: wildcard in a state topic"),
        ("components/power_l1/device_class", None, "power_l1: W without its class"),
        ("components/power_l1/unit_of_measurement", "kWh", "power_l1: kWh is no unit of power"),
        ("components/energy_import/state_class", "measurement", "energy_import: energy cannot be measurement"),
        ("components/voltage_l1/device_class", "volts", "voltage_l1: device class volts"),
        ("components/phase_angle_l1/state_class", "measurement", "phase_angle_l1: measurement of °"),
        ("components/power_l1/state_class", "measurement_angle", "power_l1: power cannot be measurement_angle"),
    ],
)
def test_a_wrong_discovery_is_refused(path: str, value: str | None, problem: str) -> None:
    """What Home Assistant would refuse must be found, so that the tests above can fail."""
    payload = as_json(discovery())
    *above, key = path.split("/")
    spoilt = payload
    for level in above:
        below = spoilt[level]
        assert isinstance(below, dict)
        spoilt = below
    if value is None:
        del spoilt[key]
    else:
        spoilt[key] = value
    assert any(problem in found for found in problems(TOPIC, payload)), problems(TOPIC, payload)


@pytest.mark.parametrize("topic", ["homeassistant/device/main/flat 07/config", "homeassistant/flat-07/config"])
def test_a_wrong_topic_is_refused(topic: str) -> None:
    """Home Assistant passes over what does not stand where it looks."""
    assert problems(topic, as_json(discovery())) == [f"topic {topic}"]


PLANT = read_plant(
    '[[bus]]\nname = "cellar"\ntype = "tcp"\nhost = "x"\n[[meter]]\nslug = "flat-07"\nbus = "cellar"\naddress = 7', "x"
)


@pytest.mark.parametrize(
    ("slug", "serial", "address", "known", "gone"),
    [
        ("flat-07", "1", 7, "1", False),
        ("flat-08", "8", 8, "1", True),
        ("old-name", "1", 7, "1", True),
        ("old-name", None, 7, None, True),
        ("sdm630-2", "2", 7, "1", False),
        ("sdm630-2", "2", 8, "1", True),
        ("sdm630-2", "2", 7, "2", True),
        ("sdm630-2", "2", 7, None, True),
    ],
    ids=[
        "in the plant",
        "taken out",
        "renamed",
        "renamed, never heard",
        "took the place of another",
        "from a place that is empty now",
        "got a name",
        "got a name, not heard since",
    ],
)
def test_which_meters_have_left(slug: str, serial: str | None, address: int, known: str | None, *, gone: bool) -> None:
    """A meter has left that neither is in the plant nor took the place of one that is."""
    info = MeterInfo("sdm630", "cellar", address, NOW, serial=serial)
    devices = {"flat-07": Device("sdm630", known)} if known else {}
    assert has_left(slug, info, PLANT, devices) is gone


def gateway(broker: Broker, directory: Path, port: int, slug: str) -> Service:
    """Prepare the gateway `main` with one meter of this slug at address 7."""
    plant = directory / "plant.toml"
    plant.write_text(
        f'[intervals]\nlive = 1\nenergy = 1\n[[bus]]\nname = "cellar"\ntype = "tcp"\nhost = "127.0.0.1"\n'
        f'port = {port}\n[[meter]]\nslug = "{slug}"\nbus = "cellar"\naddress = 7\n'
    )
    environment = {
        **mqtt_environment(broker, "main"),
        "MMETERING_PLANT": str(plant),
        "MMETERING_SPOOL": str(directory / "spool.db"),
    }
    return Service("mmetering-gateway", environment, directory)


def home_assistant(broker: Broker) -> Client:
    """Connect as Home Assistant does."""
    client = Client(broker, "homeassistant")
    for topic in SUBSCRIPTIONS:
        client.subscribe(topic)
    return client


def configurations(client: Client, slug: str) -> list[Received]:
    """Return what the client has received of a meter's discovery."""
    return [message for message in client.received if message.topic == config_topic("main", slug)]


def test_home_assistant_learns_of_a_meter(broker: Broker, tmp_path: Path) -> None:
    """The discovery must be retained, come once more when Home Assistant has started, and be one that it takes."""
    with TcpBus({7: FixedMeter(serial=1)}) as bus, gateway(broker, tmp_path, bus.port, "flat-07"):
        early = home_assistant(broker)
        wait_for(lambda: any(b'"serial_number":"1"' in message.payload for message in configurations(early, "flat-07")))
        late = home_assistant(broker)
        wait_for(lambda: configurations(late, "flat-07"))
        (message,) = configurations(late, "flat-07")
        assert message.retained
        assert problems(message.topic, json.loads(message.payload)) == []
        late.publish("homeassistant/status", b"online")
        wait_for(lambda: len(configurations(late, "flat-07")) == 2)
        assert configurations(late, "flat-07")[1].payload == message.payload
    early.close()
    late.close()


def test_home_assistant_forgets_a_meter_that_has_left(broker: Broker, tmp_path: Path) -> None:
    """Under its old name nothing of a renamed meter may stay at the broker, and all of it comes under the new one."""
    with TcpBus({7: FixedMeter(serial=1)}) as bus:
        client = home_assistant(broker)
        with gateway(broker, tmp_path, bus.port, "flat-07"):
            wait_for(lambda: configurations(client, "flat-07"))
        with gateway(broker, tmp_path, bus.port, "flat-08"):
            wait_for(lambda: configurations(client, "flat-07")[-1].payload == b"")
            wait_for(lambda: configurations(client, "flat-08"))
            wait_for(lambda: retained(broker) == topics_of("flat-08"))
        client.close()


def test_a_meter_that_took_a_place_is_not_forgotten(broker: Broker, tmp_path: Path) -> None:
    """It is not in the plant by its own slug, and must stay through the gateway's starts all the same."""
    client = home_assistant(broker)
    with TcpBus({7: FixedMeter(serial=1)}) as bus, gateway(broker, tmp_path, bus.port, "flat-07"):
        wait_for(lambda: configurations(client, "flat-07"))
    with TcpBus({7: FixedMeter(serial=2)}) as bus:
        for _ in ("it comes", "it is known"):
            seen = len(configurations(client, "sdm630-2"))
            with gateway(broker, tmp_path, bus.port, "flat-07"):
                wait_for(partial(has_more_than, client, seen))
                client.publish("homeassistant/status", b"online")  # what the gateway would clear, it has cleared before
                wait_for(partial(has_more_than, client, seen + 1))
    assert all(message.payload for message in configurations(client, "sdm630-2"))
    client.close()


def has_more_than(client: Client, count: int) -> bool:
    """Return whether more than so many messages have come of the meter that took a place."""
    return len(configurations(client, "sdm630-2")) > count


def topics_of(slug: str) -> set[str]:
    """Return the topics that a meter has when both of its groups were read."""
    groups = (SITE.live("main", slug, group) for group in (Group.LIVE, Group.ENERGY))
    return {config_topic("main", slug), SITE.meter_info("main", slug), SITE.meter_status("main", slug), *groups}


def retained(broker: Broker) -> set[str]:
    """Return the topics of meters of which the broker holds something."""
    client, end = home_assistant(broker), "homeassistant/status"
    for topic in ("mmetering/v1/home/gateway/+/meter/#", end):
        client.subscribe(topic)
    client.publish(end, b"end")
    found = {message.topic for message in client.wait_for(b"end") if message.retained}
    client.close()
    return found
