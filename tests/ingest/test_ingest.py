"""Ingest as a process, between a real broker and a real database."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest
from fix_broker import Broker
from fix_postgres import PostgresServer, as_login
from free_port import free_port
from ingest_building import EPOCH, batch, reading
from mmetering_contract.record import Receipt, decode_receipt
from mmetering_contract.state import IngestHealth, decode_ingest_health
from mmetering_contract.topic import Site
from mmetering_ingest.schema.migrate import migrate
from mmetering_runtime.config import Broker as BrokerConfig
from mmetering_runtime.event import Connected, Message, Published
from mmetering_runtime.mqtt import Session, Subscription
from mqtt_client import Client
from prometheus_client.parser import text_string_to_metric_families
from service import Service, mqtt_environment
from wait import wait_for

SITE = Site("home")
NOBODY_SUBSCRIBES = 0x10  # the broker's answer to a publication


class Gateway:
    """A gateway's session: sends batches and collects receipts."""

    def __init__(self, broker: Broker) -> None:
        """Connect as `main`."""
        config = BrokerConfig(SITE, broker.host, broker.port, "main", broker.password("main"))
        topics = (SITE.receipt("main"), SITE.service_status("ingest"))
        self.session = Session(config, "test-gateway", subscriptions=[Subscription(topic, 1) for topic in topics])
        self.receipts: list[Receipt] = []
        self.answers: list[Published] = []
        self.ingest_online = False
        self.session.start()
        wait_for(lambda: isinstance(self.session.next(1), Connected))

    def look(self) -> list[Receipt]:
        """Take in what has come; return all receipts so far."""
        while event := self.session.next(0):
            if isinstance(event, Published):
                self.answers.append(event)
            elif isinstance(event, Message) and event.topic == SITE.receipt("main"):
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

    def open(self, seqs: Iterable[int]) -> list[int]:
        """Return those of the seqs that no receipt says are stored."""
        stored = {seq for receipt in self.look() for first, last in receipt.stored for seq in range(first, last + 1)}
        return [seq for seq in seqs if seq not in stored]

    def has(self, receipt: Receipt) -> bool:
        """Return whether such a receipt has come."""
        return receipt in self.look()


@pytest.fixture
def gateway(broker: Broker) -> Iterator[Gateway]:
    """Give a connected gateway."""
    gateway = Gateway(broker)
    yield gateway
    gateway.session.stop()


def ingest(broker: Broker, database: str, directory: Path, **variables: str) -> Service:
    """Prepare an ingest."""
    environment = {**mqtt_environment(broker, "ingest"), "MMETERING_DATABASE": as_login(database, "ingest")}
    return Service("mmetering-ingest run", {**environment, **variables}, directory)


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


class Watcher:
    """A login that hears what ingest tells of itself."""

    def __init__(self, broker: Broker) -> None:
        """Begin to listen."""
        self.client = Client(broker, "alerter")
        self.client.subscribe(SITE.service_health("ingest"))
        self.client.subscribe(SITE.service_status("ingest"))

    def health(self) -> IngestHealth | None:
        """Return the newest."""
        heard = [message.payload for message in self.client.received if message.topic.endswith("/health")]
        return decode_ingest_health(heard[-1]) if heard else None

    def status(self) -> bytes | None:
        """Return the newest."""
        heard = [message.payload for message in self.client.received if message.topic.endswith("/status")]
        return heard[-1] if heard else None


@pytest.fixture
def watcher(broker: Broker) -> Iterator[Watcher]:
    """Give one that listens."""
    watcher = Watcher(broker)
    yield watcher
    watcher.client.close()


def test_without_a_database_it_is_not_well_and_says_so_and_comes_back(
    broker: Broker, crashing_postgres: PostgresServer, gateway: Gateway, watcher: Watcher, tmp_path: Path
) -> None:
    """No beat and no restart, batches go to other copies, the health says since when; with the database all is well."""
    heart = tmp_path / "heart"
    with ingest(broker, crashing_postgres.conninfo(), tmp_path, MMETERING_HEARTBEAT=str(heart)) as service:
        wait_for(gateway.sees_ingest)
        wait_for(heart.exists)
        crashing_postgres.kill()
        gateway.send(*batch(reading(1)))
        wait_for(lambda: (health := watcher.health()) and health.away_since and health.away_reason)
        beaten_at = heart.stat().st_mtime_ns
        told = len(watcher.client.received)
        wait_for(lambda: service.log.count("event=database_away reason") >= 4, timeout=60)
        assert heart.stat().st_mtime_ns == beaten_at
        token = gateway.session.publish(SITE.batch("main"), b"", qos=1)
        wait_for(lambda: Published(token, NOBODY_SUBSCRIBES) in (gateway.look(), gateway.answers)[1])
        crashing_postgres.start()
        wait_for(lambda: not gateway.open([1]), timeout=60)
        wait_for(lambda: (health := watcher.health()) and health.committed_at and not health.away_since)
        wait_for(lambda: heart.stat().st_mtime_ns > beaten_at)
        wait_for(lambda: any(message.payload == b"online" for message in watcher.client.received[told:]))
        assert service.running


def test_two_copies_of_one_name_share_and_one_of_them_dies(
    broker: Broker, database: str, gateway: Gateway, watcher: Watcher, tmp_path: Path
) -> None:
    """They do not end each other's sessions; what a killed one held is sent again, and stands in the table once."""
    seqs = range(1, 401)

    def send(some: Iterable[int]) -> None:
        for seq in some:
            gateway.send(*batch(reading(seq)))

    def left() -> list[int]:
        missing = gateway.open(seqs)
        send(missing)
        return missing

    with (
        ingest(broker, database, tmp_path, MMETERING_COPY="same") as one,
        ingest(broker, database, tmp_path, MMETERING_COPY="same") as other,
    ):
        wait_for(lambda: all("event=mqtt_connected" in copy.log for copy in (one, other)))
        wait_for(gateway.sees_ingest)
        send(seqs[:200])
        wait_for(lambda: len(gateway.open(seqs[:200])) < 150)
        send(seqs[200:])
        one.kill()
        wait_for(lambda: b"offline" in [message.payload for message in watcher.client.received])
        wait_for(lambda: watcher.status() == b"online")
        wait_for(lambda: not left(), interval=2, timeout=90)
        assert other.log.count("event=mqtt_connected") == 1
        assert other.stop() == 0
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT seq FROM reading ORDER BY seq").fetchall() == [(seq,) for seq in seqs]
        account = connection.execute("SELECT stored, rejected, dropped, open FROM spool_account").fetchall()
    assert account == [(400, 0, 0, 0)]
    assert watcher.status() == b"offline"


def test_a_copy_named_by_its_host_takes_its_name_away(
    broker: Broker, database: str, gateway: Gateway, watcher: Watcher, tmp_path: Path
) -> None:
    """Stopped, it leaves nothing retained: containers come and go, and never come back under their name."""
    with ingest(broker, database, tmp_path) as service:
        wait_for(gateway.sees_ingest)
        assert service.stop() == 0
    wait_for(lambda: watcher.status() == b"")
    later = Watcher(broker)
    assert later.status() is None
    later.client.close()


def test_a_running_ingest_is_scraped(broker: Broker, database: str, gateway: Gateway, tmp_path: Path) -> None:
    """Each scrape has the figures of its moment, by copy, kind and gateway."""
    port = free_port()
    labels = {"copy": "left"}

    def scraped() -> dict[tuple[str, str], float]:
        try:
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                families = list(text_string_to_metric_families(answer.read().decode()))
        except OSError:
            return {}
        samples = [sample for family in families for sample in family.samples]
        assert all(sample.labels["copy"] == labels["copy"] for sample in samples)
        return {(s.name, s.labels.get("kind") or s.labels.get("gateway") or ""): s.value for s in samples}

    settings = {"MMETERING_COPY": labels["copy"], "MMETERING_METRICS_PORT": str(port)}
    with ingest(broker, database, tmp_path, **settings) as service:
        wait_for(gateway.sees_ingest)
        gateway.send(*batch(reading(1), reading(2)))
        gateway.send(b"garbage", ())
        wait_for(lambda: scraped().get(("mmetering_ingest_messages_total", "")) == 2)
        gateway.send(*batch(reading(2), reading(3)))
        wait_for(lambda: scraped().get(("mmetering_ingest_messages_total", "")) == 3)
        found = scraped()
        assert found["mmetering_ingest_readings_total", ""] == 3
        assert found["mmetering_ingest_duplicate_readings_total", ""] == 1
        assert found["mmetering_ingest_rejected_total", "malformed"] == 1
        assert found["mmetering_ingest_away", ""] == 0
        assert found["mmetering_ingest_gateway_last_batch_timestamp_seconds", "main"] > 0
        assert service.stop() == 0


def test_a_wrong_setting_ends_the_start_with_its_name(tmp_path: Path) -> None:
    """The service says which variable is missing, and ends with status 2."""
    with Service("mmetering-ingest run", {"MMETERING_MQTT_PASSWORD": "secret"}, tmp_path) as service:
        assert service.wait() == 2
        assert "mmetering-ingest: MMETERING_DATABASE is not set" in service.log
