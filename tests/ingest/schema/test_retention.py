"""Retention: off until wanted, and then only raw readings go, alike on every database; quarter hours stay."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from fix_postgres import as_login
from fix_timescale import Timescale
from ingest_building import delivery, reading
from mmetering_ingest.quarter_hours import compute_dirty
from mmetering_ingest.schema.migrate import migrate
from mmetering_ingest.schema.retention import drop_old, keep_retention, retention_from, set_retention
from mmetering_ingest.store import Store
from mmetering_runtime.config import ConfigError, Environment
from wait import wait_for

TODAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
OLD = TODAY - timedelta(days=400)
QUARTER_HOURS = "SELECT bucket, readings, (energy_import).first, (energy_import).last FROM quarter_hour ORDER BY bucket"
ROWS = """
INSERT INTO meter (slug, model, gateway) VALUES ('flat-07', 'sdm630', 'main') ON CONFLICT DO NOTHING;
INSERT INTO reading (ts, meter_id, seq, delay_s, span_ms, clock_synced, power_total, energy_import)
SELECT now() - make_interval(days => days), 1, days, 1, 1, true, 10, 1000 FROM generate_series(0, 399) AS days
"""
MARK_ALL = "INSERT INTO dirty_quarter_hour (bucket, meters) SELECT bucket, ARRAY[meter_id] FROM quarter_hour"


def drop_all(database: str) -> None:
    """Drop all that may go."""
    with psycopg.connect(database, autocommit=True, prepare_threshold=None) as connection:
        while drop_old(connection):
            pass


def compute_all(database: str) -> None:
    """Compute all marked quarter hours."""
    with psycopg.connect(database, autocommit=True) as connection:
        while compute_dirty(connection):
            pass


def found(database: str, query: str = "SELECT seq FROM reading ORDER BY seq") -> list[tuple[object, ...]]:
    """Return what a query gives."""
    with psycopg.connect(database, autocommit=True, prepare_threshold=None) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """Give a store into a plain PostgreSQL."""
    store = Store(database)
    yield store
    store.close()


def stored(store: Store, database: str) -> list[tuple[object, ...]]:
    """Store three old readings and a new one, compute their quarter hours and return those."""
    old = [reading(seq, ts=OLD + timedelta(seconds=seq)) for seq in (1, 2, 3)]
    store.commit([delivery(*old, reading(4, ts=TODAY))])
    compute_all(database)
    return found(database, QUARTER_HOURS)


def test_nothing_is_dropped_unless_wanted(database: str, store: Store) -> None:
    """Retention is off to begin with, and again when it is taken back."""
    stored(store, database)
    drop_all(database)
    set_retention(database, 365)
    set_retention(database, None)
    drop_all(database)
    assert found(database) == [(1,), (2,), (3,), (4,)]


def test_old_readings_go_and_their_quarter_hours_stay(database: str, store: Store) -> None:
    """Of old readings remains what their quarter hour says."""
    before = stored(store, database)
    set_retention(database, 365)
    drop_all(database)
    assert found(database) == [(4,)]
    assert found(database, QUARTER_HOURS) == before
    assert [count for _, count, *_ in before] == [3, 1]


def test_more_than_one_step_drops_goes_in_several(database: str) -> None:
    """A plain table is emptied in steps that hinder nobody for long."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("INSERT INTO meter (slug, model, gateway) VALUES ('a', 'sdm630', 'main')")
        connection.execute(
            """INSERT INTO reading (ts, meter_id, seq, delay_s, span_ms, clock_synced)
               SELECT now() - interval '400 days', 1, seq, 1, 1, true FROM generate_series(1, 10001) AS seq"""
        )
        set_retention(database, 365)
        assert [drop_old(connection) for _ in range(3)] == [True, True, False]
    assert found(database) == []


@pytest.mark.parametrize("mark", ["late", "alone"])
def test_a_quarter_hour_outlives_its_readings(database: str, store: Store, mark: str) -> None:
    """Neither a late reading nor a mark alone makes a quarter hour of less than what it was computed from."""
    before = stored(store, database)
    set_retention(database, 365)
    drop_all(database)
    if mark == "late":
        store.commit([delivery(reading(5, ts=OLD + timedelta(seconds=5)))])
    else:
        with psycopg.connect(database) as connection:
            connection.execute(MARK_ALL)
    compute_all(database)
    assert found(database, QUARTER_HOURS) == before


def test_quality_outlives_its_readings_too(database: str, store: Store) -> None:
    """What stands beside the quarter hour stays with it."""
    store.commit([delivery(*(reading(seq, ts=OLD + timedelta(seconds=seq), apparent_power_l1=seq) for seq in (1, 3)))])
    compute_all(database)
    set_retention(database, 365)
    drop_all(database)
    store.commit([delivery(reading(5, ts=OLD + timedelta(seconds=5), apparent_power_l1=50))])
    compute_all(database)
    query = "SELECT (apparent_power_l1).minimum, (apparent_power_l1).maximum FROM quarter_hour_quality"
    assert found(database, query) == [(1.0, 3.0)]


def test_what_comes_late_and_was_never_there_is_computed(database: str, store: Store) -> None:
    """A gateway that was silent for longer than readings are kept still gets its quarter hours, and then they go."""
    set_retention(database, 365)
    store.commit([delivery(reading(1, ts=OLD), reading(2, ts=OLD + timedelta(seconds=1)))])
    drop_all(database)
    assert found(database) == [(1,), (2,)]
    compute_all(database)
    drop_all(database)
    assert found(database) == []
    assert [count for _, count, *_ in found(database, QUARTER_HOURS)] == [2]


def test_ingest_may_drop_what_is_old_and_nothing_else(database: str, store: Store) -> None:
    """How long readings are kept is the owner's to say."""
    stored(store, database)
    set_retention(database, 365)
    ingest = as_login(database, "ingest")
    stopping = threading.Event()
    keeper = threading.Thread(target=keep_retention, args=(ingest, stopping))
    keeper.start()
    try:
        wait_for(lambda: found(database) == [(4,)])
    finally:
        stopping.set()
        keeper.join()
    with psycopg.connect(ingest, autocommit=True) as connection:
        for forbidden in ("DELETE FROM reading", "UPDATE retention SET days = 1"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden)


def test_timescaledb_drops_whole_chunks(timescale: Timescale) -> None:
    """Chunks that are old from end to end go; nothing younger does."""
    with timescale.connect() as connection:
        connection.execute(ROWS)
    set_retention(timescale.conninfo, 365)
    drop_all(timescale.conninfo)
    assert found(timescale.conninfo, "SELECT min(seq), max(seq) BETWEEN 364 AND 364 + 7 FROM reading") == [(0, True)]


def test_chunks_in_the_columnstore_are_dropped_too(full_timescale: Timescale) -> None:
    """Retention asks not how a chunk rests."""
    with full_timescale.connect() as connection:
        connection.execute(ROWS)
        connection.execute("SELECT compress_chunk(chunk) FROM show_chunks('reading') AS chunk")
    set_retention(full_timescale.conninfo, 31)
    drop_all(full_timescale.conninfo)
    assert len(found(full_timescale.conninfo)) <= 31 + 7


def test_migrate_takes_over_the_setting(database: str) -> None:
    """It is on with the variable and off without."""
    for days in ("365", ""):
        environment = {"PATH": os.environ["PATH"], "MMETERING_DATABASE": database, "MMETERING_RETENTION_DAYS": days}
        subprocess.run([sys.executable, "-m", "mmetering_ingest", "migrate"], env=environment, check=True)
        assert found(database, "SELECT days FROM retention") == [(int(days) if days else None,)]


def test_a_migration_keeps_the_setting(database: str) -> None:
    """Only the command takes it from its environment; what restores or updates leaves it."""
    set_retention(database, 365)
    migrate(database)
    assert found(database, "SELECT days FROM retention") == [(365,)]


@pytest.mark.parametrize("days", ["0", "30", "x", "-365"])
def test_a_retention_that_is_too_short_is_refused(days: str) -> None:
    """What gateways may still send again is never dropped at once, by a slip of the keyboard."""
    with pytest.raises(ConfigError, match="MMETERING_RETENTION_DAYS"):
        retention_from(Environment({"MMETERING_RETENTION_DAYS": days}))
