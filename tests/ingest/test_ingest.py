"""Ingest as a process, between a real broker and a real database."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from fix_broker import Broker
from fix_postgres import PostgresServer
from ingest_building import EPOCH, batch, reading
from mmetering_contract.record import Receipt, decode_receipt
from mmetering_contract.topic import Site
from mmetering_ingest.migrate import migrate
from mmetering_runtime.config import Broker as BrokerConfig
from mmetering_runtime.event import Connected, Message
from mmetering_runtime.mqtt import Session, Subscription
from service import Service, mqtt_environment
from wait import wait_for

SITE = Site("home")


class Gateway:
    """A gateway's session: sends batches and collects receipts."""

    def __init__(self, broker: Broker) -> None:
        """Connect as `main`."""
        config = BrokerConfig(SITE, broker.host, broker.port, "main", broker.password("main"))
        topics = (SITE.receipt("main"), SITE.service_status("ingest"))
        self.session = Session(config, "test-gateway", subscriptions=[Subscription(topic, 1) for topic in topics])
        self.receipts: list[Receipt] = []
        self.ingest_online = False
        self.session.start()
        wait_for(lambda: isinstance(self.session.next(1), Connected))

    def look(self) -> list[Receipt]:
        """Take in what has come; return all receipts so far."""
        while event := self.session.next(0):
            if isinstance(event, Message) and event.topic == SITE.receipt("main"):
                self.receipts.append(decode_receipt(event.payload))
            elif isinstance(event, Message):
                self.ingest_online = event.payload == b"online"
        return self.receipts

    def sees_ingest(self) -> bool:
        """Return whether an ingest is online."""
        self.look()
        return self.ingest_online

    def send(self, payload: bytes, properties: tuple[tuple[str, str], ...]) -> None:
        """Send a batch message."""
        self.session.publish(SITE.batch("main"), payload, qos=1, properties=properties)

    def has(self, receipt: Receipt) -> bool:
        """Return whether such a receipt has come."""
        return receipt in self.look()


@pytest.fixture
def gateway(broker: Broker) -> Iterator[Gateway]:
    """Give a connected gateway."""
    gateway = Gateway(broker)
    yield gateway
    gateway.session.stop()


def ingest(broker: Broker, database: str, directory: Path) -> Service:
    """Prepare an ingest."""
    return Service(
        "mmetering-ingest run", {**mqtt_environment(broker, "ingest"), "MMETERING_DATABASE": database}, directory
    )


def count(database: str, table: str) -> int:
    """Return how many rows a table has."""
    with psycopg.connect(database) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row
    return int(row[0])


def test_a_batch_becomes_rows_a_receipt_and_a_quarter_hour(
    broker: Broker, database: str, gateway: Gateway, tmp_path: Path
) -> None:
    """From the topic to the table, to the receipt, and to what is derived."""
    with ingest(broker, database, tmp_path) as service:
        wait_for(gateway.sees_ingest)
        gateway.send(*batch(reading(1), reading(2)))
        wait_for(lambda: gateway.has(Receipt(EPOCH, stored=((1, 2),))))
        assert count(database, "reading") == 2
        wait_for(lambda: count(database, "quarter_hour") == 1)
        assert service.stop() == 0
    wait_for(lambda: not gateway.sees_ingest())


def test_bad_messages_are_kept_logged_once_and_do_not_stop_the_stream(
    broker: Broker, database: str, gateway: Gateway, tmp_path: Path
) -> None:
    """Garbage, twice, then a good batch: the garbage is rejected and receipted, the batch is stored."""
    with ingest(broker, database, tmp_path) as service:
        wait_for(gateway.sees_ingest)
        for _ in range(2):
            gateway.send(b"\0garbage", (("epoch", EPOCH), ("seqs", "7-9")))
            gateway.send(b"hello", ())
        gateway.send(*batch(reading(1)))
        wait_for(lambda: count(database, "reading") == 1 and count(database, "rejected") == 4)
        wait_for(lambda: any(receipt.rejected == ((7, 9),) for receipt in gateway.look()))
        assert service.log.count("byte 0") == 1


def test_it_waits_for_the_schema(broker: Broker, empty_database: str, gateway: Gateway, tmp_path: Path) -> None:
    """Started before the migration it says so, and stores as soon as that has run."""
    with ingest(broker, empty_database, tmp_path) as service:
        wait_for(lambda: "event=waiting_for_migration" in service.log)
        migrate(empty_database)
        wait_for(gateway.sees_ingest)
        gateway.send(*batch(reading(1)))
        wait_for(lambda: gateway.has(Receipt(EPOCH, stored=((1, 1),))))


def test_while_the_database_is_away_nothing_is_receipted_and_nothing_lost(
    broker: Broker, crashing_postgres: PostgresServer, gateway: Gateway, tmp_path: Path
) -> None:
    """The database crashes under the stream; when it is back, what was sent meanwhile is stored and receipted."""
    database = crashing_postgres.conninfo()
    with ingest(broker, database, tmp_path) as service:
        wait_for(gateway.sees_ingest)
        crashing_postgres.kill()
        for seq in range(1, 8):
            gateway.send(*batch(reading(seq)))
        wait_for(
            lambda: "event=database_away retry_s" in service.log or "log=ingest event=database_away" in service.log
        )
        gateway.look()
        assert gateway.receipts == []
        crashing_postgres.start()
        wait_for(lambda: {s for r in gateway.look() for a, b in r.stored for s in range(a, b + 1)} == set(range(1, 8)))
        assert count(database, "reading") == 7


def test_a_wrong_setting_ends_the_start_with_its_name(tmp_path: Path) -> None:
    """The service says which variable is missing, and ends with status 2."""
    with Service("mmetering-ingest run", {"MMETERING_MQTT_PASSWORD": "secret"}, tmp_path) as service:
        assert service.wait() == 2
        assert "mmetering-ingest: MMETERING_DATABASE is not set" in service.log
