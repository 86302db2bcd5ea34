"""Chunks and columnstore: what the database can do is done, late readings come in, and no query looks at all chunks."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import psycopg
import pytest
from fix_timescale import Timescale
from ingest_building import T0, delivery, reading
from mmetering_ingest.intake import Delivery
from mmetering_ingest.quarter_hours import compute_dirty
from mmetering_ingest.schema.columnstore import MANY
from mmetering_ingest.schema.migrate import migrate, migrating, newest_version, upgrade
from mmetering_ingest.store import QUERIES, Store
from mmetering_runtime.sql import load_queries

SETTINGS = """
SELECT segmentby, orderby FROM timescaledb_information.hypertable_columnstore_settings
WHERE hypertable = 'reading'::regclass
"""
POLICIES = """
SELECT config->>'compress_after' FROM timescaledb_information.jobs
WHERE hypertable_name = 'reading' AND proc_name = 'policy_compression'
"""
LENGTH = "SELECT time_interval FROM timescaledb_information.dimensions WHERE hypertable_name = 'reading'"
QUARTER_HOUR = "SELECT readings, (energy_import).last FROM quarter_hour ORDER BY bucket"
YEARS = """
INSERT INTO meter (slug, model, gateway) VALUES ('flat-07', 'sdm630', 'main');
INSERT INTO reading (ts, meter_id, seq, delay_s, span_ms, clock_synced, power_total, energy_import)
SELECT ts, 1, extract(epoch FROM ts), 1, 1, true, 10, 1000
FROM generate_series(timestamptz '2024-11-25 02:50Z', '2026-11-23 02:50Z', interval '1 week') AS ts
"""
MARK_ALL = "INSERT INTO dirty_quarter_hour (bucket, meters) SELECT bucket, ARRAY[meter_id] FROM quarter_hour"
NEWEST = datetime(2026, 11, 23, 2, 45, tzinfo=UTC)
DUE = {"meters": [1], "buckets": [NEWEST], "first": NEWEST, "last": NEWEST + timedelta(minutes=15)}


@pytest.fixture
def store(full_timescale: Timescale) -> Iterator[Store]:
    """Give a store into the full edition."""
    store = Store(full_timescale.conninfo)
    yield store
    store.close()


def old_batch(first: int = 1, last: int = 50) -> Delivery:
    """Return readings of one quarter hour."""
    return delivery(*(reading(seq, ts=T0 + timedelta(seconds=seq)) for seq in range(first, last + 1)))


def pack(timescale: Timescale) -> None:
    """Bring all chunks into the columnstore, as the policy does once they are old enough."""
    with timescale.connect() as connection:
        connection.execute("SELECT compress_chunk(chunk) FROM show_chunks('reading') AS chunk")
        packed = "SELECT bool_and(is_compressed) FROM timescaledb_information.chunks"
        assert connection.execute(packed).fetchone() == (True,)


def rows(timescale: Timescale, query: str) -> list[tuple[object, ...]]:
    """Return what a query gives."""
    with timescale.connect() as connection:
        return connection.execute(query).fetchall()


def test_the_full_edition_keeps_old_chunks_in_the_columnstore(full_timescale: Timescale) -> None:
    """The migration says how, and sees that a policy does it; a second one changes nothing."""
    migrate(full_timescale.conninfo)
    assert rows(full_timescale, SETTINGS) == [("meter_id", "ts,seq")]
    assert rows(full_timescale, POLICIES) == [("7 days",)]


def test_the_columnstore_holds_no_filters(full_timescale: Timescale, store: Store) -> None:
    """What TimescaleDB adds of itself for the unique key is left out: it takes more than it saves."""
    store.commit([old_batch()])
    pack(full_timescale)
    assert rows(full_timescale, "SELECT attname FROM pg_attribute WHERE attname ~ '^_ts_meta_.*bloom'") == []


def test_a_database_that_becomes_a_full_edition_is_brought_in(empty_timescale: Timescale) -> None:
    """What an earlier migration could not do yet the next one does, though there is no step left to run."""
    with migrating(empty_timescale.conninfo) as connection:
        upgrade(connection, newest_version())
    full = empty_timescale.edition == "timescale"
    assert rows(empty_timescale, LENGTH) == [(timedelta(days=1),)]
    migrate(empty_timescale.conninfo)
    assert rows(empty_timescale, LENGTH) == [(timedelta(days=7),)]
    assert len(rows(empty_timescale, POLICIES)) == full


def test_what_a_person_has_chosen_stays(full_timescale: Timescale) -> None:
    """Another length of chunks, another policy or none: migrating leaves it."""
    with full_timescale.connect() as connection:
        connection.execute("SELECT set_chunk_time_interval('reading', INTERVAL '3 days')")
        connection.execute("CALL remove_columnstore_policy('reading')")
    migrate(full_timescale.conninfo)
    assert rows(full_timescale, LENGTH) == [(timedelta(days=3),)]
    assert rows(full_timescale, POLICIES) == []


def test_many_readings_a_day_take_chunks_of_a_day(timescale: Timescale) -> None:
    """So that the newest chunk's indexes fit into memory; with fewer readings chunks are of a week again."""
    with timescale.connect() as connection:
        connection.execute("INSERT INTO meter (slug, model, gateway) VALUES ('flat-07', 'sdm630', 'main')")
        connection.execute(
            "INSERT INTO quarter_hour (meter_id, bucket, readings, suspect) VALUES (1, '2026-11-23 02:45Z', %s, 0)",
            [MANY],
        )
    migrate(timescale.conninfo)
    assert rows(timescale, LENGTH) == [(timedelta(days=1),)]
    with timescale.connect() as connection:
        connection.execute("UPDATE quarter_hour SET readings = %s", [MANY - 1])
    migrate(timescale.conninfo)
    assert rows(timescale, LENGTH) == [(timedelta(days=7),)]


def test_a_late_batch_goes_into_the_columnstore_once(full_timescale: Timescale, store: Store) -> None:
    """Rows that are new are stored and repeats of rows in the columnstore are not, in one batch or in two."""
    store.commit([old_batch(1, 50)])
    pack(full_timescale)
    store.commit([old_batch(51, 60)])
    store.commit([old_batch(41, 70)])
    store.commit([old_batch(1, 10)])
    assert rows(full_timescale, "SELECT seq FROM reading ORDER BY seq") == [(seq,) for seq in range(1, 71)]


def test_a_repeat_is_noticed_in_the_columnstore(full_timescale: Timescale, store: Store) -> None:
    """The unique key holds there too: COPY fails on it, which is what `store` relies on."""
    store.commit([old_batch(1, 1)])
    pack(full_timescale)
    copying = "COPY reading (ts, meter_id, seq, delay_s, span_ms, clock_synced) FROM STDIN"
    with (
        full_timescale.connect() as connection,
        pytest.raises(psycopg.errors.UniqueViolation),
        connection.cursor().copy(copying) as copy,
    ):
        copy.write_row((T0 + timedelta(seconds=1), 1, 1, 0, 0, True))


def test_a_quarter_hour_is_computed_from_the_columnstore(full_timescale: Timescale, store: Store) -> None:
    """With a late reading it counts those that were packed before, and after packing again still does."""
    store.commit([old_batch(1, 50)])
    pack(full_timescale)
    store.commit([old_batch(51, 51)])
    with full_timescale.connect() as connection:
        compute_dirty(connection)
        assert connection.execute(QUARTER_HOUR).fetchall() == [(51, 1051)]
        connection.execute("SELECT compress_chunk(chunk) FROM show_chunks('reading') AS chunk")
        connection.execute("INSERT INTO dirty_quarter_hour SELECT bucket, ARRAY[meter_id] FROM quarter_hour")
        compute_dirty(connection)
        assert connection.execute(QUARTER_HOUR).fetchall() == [(51, 1051)]


def test_a_later_step_may_add_columns(full_timescale: Timescale, store: Store) -> None:
    """Migrations go on to add quantities where chunks are in the columnstore."""
    store.commit([old_batch(1, 1)])
    pack(full_timescale)
    with full_timescale.connect() as connection:
        connection.execute("ALTER TABLE reading ADD COLUMN humidity integer")
    store.commit([old_batch(2, 2)])
    assert rows(full_timescale, "SELECT seq, humidity FROM reading ORDER BY seq") == [(1, None), (2, None)]


RAW = ("compute_quarter_hours", "compute_quarter_hours_of_quality", "see_meters")


def test_the_queries_of_raw_rows_are_known() -> None:
    """Of all named queries of all services, these few read `reading`; the others of ingest are a person's commands."""
    found = {
        (package, name)
        for package in ("mmetering_ingest", "mmetering_ingest.backup", "mmetering_ingest.schema", "mmetering_web")
        for path in files(package).iterdir()
        if path.name.endswith(".sql")
        for name, query in load_queries(package, path.name).items()
        if re.search(r"\b(FROM|JOIN)\s+reading\b", query)
    }
    commands = {("mmetering_ingest.backup", "newest_counters"), ("mmetering_ingest.schema", "readings")}
    assert found == commands | {("mmetering_ingest", name) for name in RAW}


@pytest.mark.parametrize("name", RAW)
@pytest.mark.parametrize("packed", [False, True])
def test_only_the_chunks_that_are_needed_are_looked_at(timescale: Timescale, name: str, *, packed: bool) -> None:
    """Of two years in chunks of a week, a query of raw rows plans one."""
    if packed and timescale.edition != "timescale":
        pytest.skip("wants TimescaleDB's full edition, such as MMETERING_TEST_TIMESCALE_DSN may name")
    with timescale.connect() as connection:
        connection.execute(YEARS)
    if packed:
        pack(timescale)
    with timescale.connect() as connection:
        row = connection.execute(f"EXPLAIN (FORMAT JSON) {QUERIES[name]}", DUE).fetchone()
        assert row
        chunks = set(re.findall(r'"(_hyper_\d+_\d+_chunk)"', json.dumps(row[0])))
        assert connection.execute("SELECT count(*) FROM show_chunks('reading')").fetchone() == (105,)
    assert len(chunks) == 1


def test_quarter_hours_far_apart_touch_their_own_chunks(timescale: Timescale) -> None:
    """Late readings of long ago beside new ones make a plan of all chunks between, of which two are looked at."""
    oldest = datetime(2024, 11, 25, 2, 45, tzinfo=UTC)
    due = {"meters": [1, 1], "buckets": [oldest, NEWEST], "first": oldest, "last": DUE["last"]}
    with timescale.connect() as connection:
        connection.execute(YEARS)
        row = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {QUERIES['compute_quarter_hours']}", due).fetchone()
        assert row
        assert connection.execute("SELECT count(*) FROM quarter_hour").fetchone() == (2,)
    assert len(set(looked_at(row[0][0]["Plan"]))) == 2


def looked_at(node: dict[str, Any]) -> Iterator[str]:
    """Give the chunks that a plan has really looked at."""
    if node["Actual Loops"] and node.get("Relation Name", "").startswith("_hyper_"):
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from looked_at(child)
