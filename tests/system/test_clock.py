"""A computer without a battery for its clock: what it reads before NTP has set the clock is measured nevertheless."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from fix_broker import Broker
from fix_postgres import as_login
from mmetering_contract.reading import LiveReading, decode_live
from mmetering_contract.topic import Site
from mmetering_gateway.clock import Clock
from mmetering_gateway.config import Config
from mmetering_gateway.gateway import Gateway
from mmetering_gateway.spool.spool import Spool
from mmetering_ingest.quarter_hours import compute_dirty
from mmetering_runtime.config import Broker as BrokerConfig
from mmetering_runtime.config import Environment
from mmetering_runtime.event import Message
from mmetering_runtime.mqtt import Session, Subscription
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.tcp import TcpBus
from plant import write_plant
from service import Service, mqtt_environment
from wait import wait_for

pytestmark = pytest.mark.system

SITE = Site("home")
READINGS = 6
SLACK = timedelta(milliseconds=100)  # two clocks are not read at one instant

Row = tuple[int, datetime, bool]


class Computer:
    """A computer that boots in 1970, until NTP sets its clock."""

    def __init__(self, config: Config) -> None:
        """Begin without NTP."""
        self.set = threading.Event()
        self._config = config

    @contextmanager
    def gateway(self) -> Iterator[None]:
        """Run the gateway on it."""
        stopping = threading.Event()
        with Spool(self._config.spool) as spool:
            clock = Clock(self.set.is_set, good_boot=spool.good_boot(), wall_ns=self._wall_ns)
            thread = threading.Thread(target=Gateway(self._config, spool, clock).run, args=(stopping,))
            thread.start()
            try:
                yield
            finally:
                stopping.set()
                thread.join()

    def _wall_ns(self) -> int:
        return time.time_ns() if self.set.is_set() else time.monotonic_ns()


def waiting(spool: Path, boot: str | None = None) -> int:
    """Return how many readings wait for their time; first rename their boot, if a name is given."""
    with sqlite3.connect(spool) as db:
        if boot:
            db.execute("UPDATE reading SET boot_id = ? WHERE boot_id IS NOT NULL", (boot,))
        count: int = db.execute("SELECT count(*) FROM reading WHERE boot_id IS NOT NULL").fetchone()[0]
    db.close()
    return count


def stored(database: str) -> list[Row]:
    """Return what the table holds, in order of the seqs."""
    with psycopg.connect(database) as connection:
        return connection.execute("SELECT seq, ts, clock_synced FROM reading ORDER BY seq").fetchall()


def measured(database: str) -> int:
    """Return how many readings count in quarter hours, once all are computed."""
    with psycopg.connect(database, autocommit=True) as connection:
        while compute_dirty(connection):
            pass
        row = connection.execute("SELECT coalesce(sum(readings), 0) FROM quarter_hour").fetchone()
    assert row
    return int(row[0])


def live(session: Session) -> LiveReading | None:
    """Return what has come on a live topic since the last call, the first of it."""
    while event := session.next(0):
        if isinstance(event, Message):
            return decode_live(event.payload)
    return None


def test_readings_before_ntp_are_stored_with_their_true_time(broker: Broker, database: str, tmp_path: Path) -> None:
    """They wait, are seen live as guesses, and come as soon as the clock is set; those of a lost boot never count."""
    spool = tmp_path / "spool.db"
    login = BrokerConfig(SITE, broker.host, broker.port, "reader", broker.password("reader"))
    reader = Session(login, "test-reader", subscriptions=[Subscription(SITE.live(), 0)])
    reader.start()
    ingest = {**mqtt_environment(broker, "ingest"), "MMETERING_DATABASE": as_login(database, "ingest")}
    with TcpBus({1: FixedMeter({0x00: 230.0, 0x48: 1.0})}) as bus, Service("mmetering-ingest run", ingest, tmp_path):
        environment = {
            **mqtt_environment(broker, "main"),
            "MMETERING_PLANT": str(write_plant(tmp_path, bus.port, meters=1, energy_s=1)),
            "MMETERING_SPOOL": str(spool),
        }
        computer = Computer(Config.from_env(Environment(environment)))
        with computer.gateway():
            seen = wait_for(lambda: live(reader), 60)
            assert seen
            assert (seen.ts.year, seen.clock_synced) == (1970, False)
            wait_for(lambda: waiting(spool) >= READINGS, 60)
        lost = waiting(spool, boot="an earlier one")
        began = datetime.now(UTC)
        with computer.gateway():
            wait_for(lambda: waiting(spool) >= lost + READINGS, 60)
            assert stored(database) == []
            waited = waiting(spool)
            computer.set.set()
            wait_for(lambda: len(stored(database)) > waited + 1, 60)
            wait_for(lambda: measured(database) > waited - lost, 60)
        ended = datetime.now(UTC)
        wait_for(lambda: measured(database) == len(stored(database)) - lost, 60)
    reader.stop()
    rows = stored(database)
    guessed, known = rows[:lost], rows[lost:]
    assert [seq for seq, _, _ in rows] == list(range(1, len(rows) + 1))
    assert not any(synced for _, _, synced in guessed)
    assert all(synced for _, _, synced in known)
    times = [ts for _, ts, _ in known]
    assert began - SLACK <= times[0]
    assert all(later > earlier - SLACK for earlier, later in pairwise(times))
    assert times[-1] <= ended + SLACK
    assert all(datetime(2026, 1, 1, tzinfo=UTC) <= ts < began for _, ts, _ in guessed)
