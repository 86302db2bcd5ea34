"""The record goes out as fast as its window allows, in batches that the contract allows."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from fix_broker import Broker
from mmetering_contract.payload import encode
from mmetering_contract.quantity import QUANTITIES
from mmetering_contract.record import (
    BATCH_BYTES,
    BATCH_READINGS,
    Device,
    Receipt,
    decode_batch,
    ranges_of,
    read_identity,
)
from mmetering_contract.topic import Site
from mmetering_gateway.meter.sample import Sample
from mmetering_gateway.publish.outbox import OUTSTANDING
from mmetering_gateway.publish.record import Record
from mmetering_gateway.spool.room import Bounds
from mmetering_gateway.spool.spool import Spool
from mmetering_runtime.config import Broker as BrokerConfig
from mmetering_runtime.event import Connected, Message
from mmetering_runtime.mqtt import Session, Subscription
from wait import wait_for

SITE = Site("home")


def test_a_backlog_fills_the_window_at_once(broker: Broker, tmp_path: Path) -> None:
    """Large readings make eight batches without a wait, each within the limits, the newest readings first."""
    values: dict[str, int | float] = {quantity.name: 123456789 for quantity in QUANTITIES}
    samples = [Sample("flat-07", datetime.now(UTC), "energy", values, 12) for _ in range(3000)]
    sessions = connect(broker)
    ingest, gateway = sessions
    with Spool(tmp_path / "spool.db") as spool:
        spool.append(samples)
        spool.remember("flat-07", Device("sdm630"))
        record = Record(gateway, SITE, "main", spool)
        assert record.send(now=100.0)
        assert len(record.outbox) == OUTSTANDING
        batches: list[Message] = []
        wait_for(lambda: take(ingest, batches) == OUTSTANDING)
    for session in sessions:
        session.stop()
    seqs = [[reading.seq for reading in decode_batch(message.payload).readings] for message in batches]
    assert all(len(message.payload) <= BATCH_BYTES for message in batches)
    assert all(0 < len(of_batch) <= BATCH_READINGS for of_batch in seqs)
    assert len({seq for of_batch in seqs for seq in of_batch}) == sum(len(of_batch) for of_batch in seqs)
    assert min(seqs[0]) > 3000 - BATCH_READINGS
    assert min(seqs[1]) == 1


def test_what_a_full_spool_gave_up_is_not_waited_for(broker: Broker, tmp_path: Path) -> None:
    """Of a batch under way the repeat holds what is still there; each tells what was dropped until a receipt does."""
    ingest, gateway = sessions = connect(broker)
    samples = [Sample("flat-07", datetime.now(UTC), "energy", {"energy_import": 1}, 12)] * BATCH_READINGS
    with Spool(tmp_path / "spool.db", Bounds(size=8 * 2**20)) as spool:
        spool.remember("flat-07", Device("sdm630"))
        for _ in range(OUTSTANDING):
            spool.append(samples)
        record = Record(gateway, SITE, "main", spool)
        record.send(now=100.0)
        assert len(record.outbox) == OUTSTANDING
        while not spool.dropped_count():
            spool.append(samples)
        last = spool.dropped_count()
        assert last % BATCH_READINGS, "a batch is to be hit in its middle"
        record.send(now=200.0)
        assert {seq for _, parcel in record.outbox.due(1e9) for seq in parcel.seqs} == set(
            range(last + 1, OUTSTANDING * BATCH_READINGS + 1)
        )
        batches: list[Message] = []
        wait_for(lambda: take(ingest, batches) == OUTSTANDING + len(record.outbox))
        for message in batches[OUTSTANDING:]:
            batch = decode_batch(message.payload)
            assert batch.dropped == spool.dropped(100) == ((1, last),)
            assert ranges_of(r.seq for r in batch.readings) == read_identity(message.properties)[1]
            assert batch.readings[0].seq > last
        record.receipt(encode(Receipt(spool.epoch, dropped=((1, last),))))
        assert spool.dropped(100) == ()
    for session in sessions:
        session.stop()


def connect(broker: Broker) -> tuple[Session, Session]:
    """Return the connected sessions of an ingest and of the gateway `main`."""
    ingest, gateway = (
        Session(
            BrokerConfig(SITE, broker.host, broker.port, login, broker.password(login)),
            f"test-{login}",
            subscriptions=[Subscription(SITE.batch(), 1)] if login == "ingest" else (),
        )
        for login in ("ingest", "main")
    )
    for session in (ingest, gateway):
        session.start()
        wait_for(partial(connects, session))
    return ingest, gateway


def connects(session: Session) -> bool:
    """Return whether the next thing that happens is that it connects."""
    return isinstance(session.next(1), Connected)


def take(session: Session, batches: list[Message]) -> int:
    """Collect what has come and return how much that is."""
    while event := session.next(0):
        if isinstance(event, Message):
            batches.append(event)
    return len(batches)
