"""The gateway as a process: what it publishes, and what it says when it cannot start."""

import json
from pathlib import Path

import pytest
from fix_broker import Broker
from mmetering_contract.payload import encode
from mmetering_contract.plant import DesiredPlant, PlantMeter
from mmetering_contract.reading import decode_live
from mmetering_contract.record import Receipt, decode_batch, read_identity
from mmetering_contract.state import decode_meter_info
from mmetering_contract.topic import Site
from mmetering_runtime.config import Broker as BrokerConfig
from mmetering_runtime.event import Message
from mmetering_runtime.mqtt import Session, Subscription
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.tcp import TcpBus
from service import Service, mqtt_environment
from wait import wait_for

SITE = Site("home")


class Listener:
    """A login of the broker that keeps the newest message of each topic, and all batches."""

    def __init__(self, broker: Broker, login: str, *topics: str) -> None:
        """Connect and subscribe."""
        config = BrokerConfig(SITE, broker.host, broker.port, login, broker.password(login))
        subscriptions = [Subscription(topic, 1) for topic in topics]
        self.session = Session(config, f"test-{login}", subscriptions=subscriptions)
        self.newest: dict[str, bytes] = {}
        self.batches: list[Message] = []
        self.session.start()

    def sees(self, topic: str, payload: bytes | None = None) -> bool:
        """Take in what has come; return whether the topic holds this payload, or any."""
        while event := self.session.next(0):
            if isinstance(event, Message):
                self.newest[event.topic] = event.payload
                if event.topic.endswith("/batch"):
                    self.batches.append(event)
        return self.newest.get(topic) == payload if payload is not None else topic in self.newest


def write_plant(directory: Path, port: int, meters: str = 'slug = "flat-07"\nbus = "cellar"\naddress = 7') -> Path:
    """Write a plant of one bus with a poll every second."""
    path = directory / "plant.toml"
    path.write_text(
        f'[intervals]\nlive = 1\nenergy = 1\n[[bus]]\nname = "cellar"\ntype = "tcp"\nhost = "127.0.0.1"\n'
        f"port = {port}\n[[meter]]\n{meters}\n"
    )
    return path


def gateway(broker: Broker, directory: Path, plant: Path) -> Service:
    """Prepare the gateway `main` with a spool of its own."""
    environment = {
        **mqtt_environment(broker, "main"),
        "MMETERING_PLANT": str(plant),
        "MMETERING_SPOOL": str(directory / "spool.db"),
    }
    return Service("mmetering-gateway", environment, directory)


def test_a_value_in_a_register_is_seen_on_the_live_topic(broker: Broker, tmp_path: Path) -> None:
    """Status, info and readings of the meter are retained; a changed register changes the reading."""
    meter = FixedMeter({0x0000: 231.5, 0x0048: 12.5}, serial=23040107)
    live, energy = SITE.live("main", "flat-07", "live"), SITE.live("main", "flat-07", "energy")
    reader = Listener(broker, "reader", "mmetering/v1/home/gateway/+/meter/#", SITE.gateway_status())
    with TcpBus({7: meter}) as bus, gateway(broker, tmp_path, write_plant(tmp_path, bus.port)):
        wait_for(lambda: reader.sees(SITE.meter_status("main", "flat-07"), b"online"))
        wait_for(lambda: reader.sees(live) and reader.sees(energy))
        assert decode_live(reader.newest[live]).values["voltage_l1"] == 231.5
        assert decode_live(reader.newest[energy]).values["energy_import"] == 12500
        info = decode_meter_info(reader.newest[SITE.meter_info("main", "flat-07")])
        assert (info.serial, info.bus, info.address) == ("23040107", "cellar", 7)
        meter.set(0x0000, 229.25)
        wait_for(lambda: reader.sees(live) and decode_live(reader.newest[live]).values["voltage_l1"] == 229.25)
        bus.unplug(7)
        wait_for(lambda: reader.sees(SITE.meter_status("main", "flat-07"), b"offline"))
        wait_for(lambda: reader.sees(SITE.meter_info("main", "flat-07")))
        assert decode_meter_info(reader.newest[SITE.meter_info("main", "flat-07")]).reason == "no reply"
        bus.plug(7)
        wait_for(lambda: reader.sees(SITE.meter_status("main", "flat-07"), b"online"))
    wait_for(lambda: reader.sees(SITE.gateway_status("main"), b"offline"))
    reader.session.stop()


def test_batches_go_until_they_are_receipted_and_no_longer(broker: Broker, tmp_path: Path) -> None:
    """Each batch has its identity outside too; what a receipt names is not sent again, the rest is."""
    ingest = Listener(broker, "ingest", SITE.batch())
    with (
        TcpBus({7: FixedMeter({0x0000: 231.5})}) as bus,
        gateway(broker, tmp_path, write_plant(tmp_path, bus.port)) as service,
    ):
        wait_for(lambda: ingest.sees(SITE.batch("main")) and len(ingest.batches) >= 2)
        for message in ingest.batches:
            batch = decode_batch(message.payload)
            epoch, ranges = read_identity(message.properties)
            assert epoch == batch.epoch
            assert [r.seq for r in batch.readings] == [s for a, b in ranges for s in range(a, b + 1)]
            assert batch.meters["flat-07"].model == "sdm630"
        first = decode_batch(ingest.batches[0].payload)
        seqs = [reading.seq for reading in first.readings]
        receipt = Receipt(first.epoch, stored=((min(seqs), max(seqs)),))
        ingest.session.publish(SITE.receipt("main"), encode(receipt), qos=1)
        ingest.session.publish(SITE.receipt("main"), b"no receipt", qos=1)
        wait_for(lambda: "receipt_malformed" in service.log)
        service.kill()
        before = len(ingest.batches)
        service.start()
        wait_for(lambda: ingest.sees(SITE.batch("main")) and len(ingest.batches) > before + 1)
        again = {r.seq for message in ingest.batches[before:] for r in decode_batch(message.payload).readings}
        assert not again & set(seqs)
        assert max(seqs) + 1 in again
    ingest.session.stop()


def test_another_serial_number_under_a_slug_is_another_meter(broker: Broker, tmp_path: Path) -> None:
    """The replaced meter goes offline with that reason; the new one has a slug of its own."""
    reader = Listener(broker, "reader", "mmetering/v1/home/gateway/+/meter/#")
    with TcpBus({7: FixedMeter(serial=1)}) as bus:
        plant = write_plant(tmp_path, bus.port)
        with gateway(broker, tmp_path, plant):
            wait_for(lambda: reader.sees(SITE.meter_status("main", "flat-07"), b"online"))
    with TcpBus({7: FixedMeter(serial=2)}) as bus, gateway(broker, tmp_path, write_plant(tmp_path, bus.port)):
        wait_for(lambda: reader.sees(SITE.meter_status("main", "sdm630-2"), b"online"))
        wait_for(lambda: reader.sees(SITE.meter_status("main", "flat-07"), b"offline"))
        reason = decode_meter_info(reader.newest[SITE.meter_info("main", "flat-07")]).reason
        assert reason == "replaced by serial number 2"
    reader.session.stop()


def test_a_gateway_starts_without_its_bus(broker: Broker, tmp_path: Path) -> None:
    """With the bus away its meters are offline, with the bus as the reason."""
    reader = Listener(broker, "reader", "mmetering/v1/home/gateway/+/meter/#")
    with TcpBus({7: FixedMeter()}) as bus:
        plant = write_plant(tmp_path, bus.port)
    with gateway(broker, tmp_path, plant):
        wait_for(lambda: reader.sees(SITE.meter_status("main", "flat-07"), b"offline"))
        assert "cannot be opened" in json.loads(reader.newest[SITE.meter_info("main", "flat-07")])["reason"]
    reader.session.stop()


def test_meters_come_move_and_go_without_a_restart(broker: Broker, tmp_path: Path) -> None:
    """The broker's plant takes the place of the file's: names, addresses, and what has left is gone from the topics."""
    reader = Listener(broker, "reader", "mmetering/v1/home/gateway/+/meter/#")
    web = Listener(broker, "web", SITE.gateway_health())
    topic = SITE.plant("main")

    def publish(revision: int, *meters: PlantMeter) -> None:
        web.session.publish(topic, encode(DesiredPlant(revision, meters)), qos=1, retain=True)

    def shows(meter: str, address: int, label: str) -> bool:
        if not reader.sees(SITE.meter_info("main", meter)):
            return False
        info = decode_meter_info(reader.newest[SITE.meter_info("main", meter)])
        return (info.address, info.label) == (address, label)

    def complains(reason: bytes) -> bool:
        return web.sees(SITE.gateway_health("main")) and reason in web.newest[SITE.gateway_health("main")]

    with TcpBus({7: FixedMeter(serial=1), 8: FixedMeter(serial=2)}) as bus:
        plant = write_plant(tmp_path, bus.port)
        plant.write_text(f'source = "web"\n{plant.read_text()}')
        with gateway(broker, tmp_path, plant) as service:
            wait_for(lambda: shows("flat-07", 7, ""))
            publish(1, PlantMeter("flat-07", "cellar", 7, label="Flat 7"), PlantMeter("flat-08", "cellar", 8))
            wait_for(lambda: shows("flat-07", 7, "Flat 7") and shows("flat-08", 8, ""))
            publish(2, PlantMeter("flat-08", "cellar", 7))
            wait_for(lambda: reader.sees(SITE.meter_status("main", "flat-07"), b""))
            wait_for(lambda: reader.sees(SITE.meter_status("main", "sdm630-1"), b"online"))
            publish(1, PlantMeter("flat-09", "cellar", 9))
            wait_for(lambda: complains(b"revision 1 is older than 2"))
            service.kill()
            web.session.publish(topic, b"", qos=1, retain=True)
            service.start()
            wait_for(lambda: service.log.count("meter=sdm630-1") > 1)
    web.session.stop()
    reader.session.stop()


@pytest.mark.parametrize(
    ("variable", "value", "error"),
    [
        ("MMETERING_PLANT", "/nowhere/plant.toml", "MMETERING_PLANT=/nowhere/plant.toml: [Errno 2]"),
        ("MMETERING_MQTT_PORT", "many", "MMETERING_MQTT_PORT='many' is no whole number"),
        ("MMETERING_MQTT_PASSWORD_FILE", "/nowhere", "MMETERING_MQTT_PASSWORD_FILE=/nowhere: [Errno 2]"),
        ("MMETERING_SPOOL", "/proc/spool.db", "/proc/spool.db: "),
        ("MMETERING_SPOOL_SIZE", "1000", "MMETERING_SPOOL_SIZE=1000 is not between 16777216 and"),
        ("MMETERING_SPOOL_DAYS", "-1", "MMETERING_SPOOL_DAYS=-1 is not between 0 and"),
        ("MMETERING_CLOCK", "rolex", "MMETERING_CLOCK='rolex' is neither ntp nor trusted"),
        ("MMETERING_LOG", "loud", "MMETERING_LOG='loud' is neither text nor json"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_its_name(tmp_path: Path, variable: str, value: str, error: str) -> None:
    """The service says which variable is wrong and why, and ends with status 2."""
    (tmp_path / "password").write_text("secret\n")
    environment = {
        "MMETERING_MQTT_PASSWORD_FILE": str(tmp_path / "password"),
        "MMETERING_PLANT": str(write_plant(tmp_path, 502)),
        "MMETERING_SPOOL": str(tmp_path / "spool.db"),
        variable: value,
    }
    with Service("mmetering-gateway", environment, tmp_path) as service:
        assert service.wait() == 2
        assert f"mmetering-gateway: {error}" in service.log


def test_an_unknown_key_in_the_plant_ends_the_start_with_its_line(tmp_path: Path) -> None:
    """File, line and key are told."""
    plant = write_plant(tmp_path, 502, 'slug = "flat-07"\nbus = "cellar"\nadress = 7')
    environment = {"MMETERING_MQTT_PASSWORD": "secret", "MMETERING_PLANT": str(plant)}
    with Service("mmetering-gateway", environment, tmp_path) as service:
        assert service.wait() == 2
        assert f"{plant}:12: Object contains unknown field `adress`" in service.log
