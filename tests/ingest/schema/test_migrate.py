"""The schema: made once, whoever tries, on every kind of database; and it holds what the contract says."""

import threading
from contextlib import suppress

import psycopg
import pytest
from fix_timescale import Timescale
from ingest_building import reading
from mmetering_contract.quantity import QUANTITIES, Group
from mmetering_ingest.row import Columns
from mmetering_ingest.schema.migrate import migrate, newest_version
from msgspec.structs import replace

OLD_ROWS = """
INSERT INTO meter (slug, model, gateway) VALUES ('flat-07', 'sdm630', 'main');
INSERT INTO reading (ts, meter_id, seq, received_at, span_ms, clock_synced, voltage_l1, energy_import)
VALUES ('2026-11-23 02:45Z', 1, 1, now(), 90, true, 230.5, 4711);
INSERT INTO quarter_hour (meter_id, bucket, readings, suspect, energy_import)
VALUES (1, '2026-11-23 02:45Z', 1, 0, '(4711,2026-11-23 02:45Z,4711,2026-11-23 02:45Z,4711,4711)');
"""


def test_many_may_migrate_at_once(empty_database: str) -> None:
    """Of several migrations at the same moment one does it and the others find it done."""
    errors: list[Exception] = []

    def try_it() -> None:
        try:
            migrate(empty_database)
        except Exception as error:  # noqa: BLE001 whatever it is fails the test
            errors.append(error)

    threads = [threading.Thread(target=try_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(newest_version(),)]


def test_every_quantity_has_its_column_with_its_unit(database: str) -> None:
    """The table and the contract agree, in types and units; ingest writes every column."""
    with psycopg.connect(database) as connection:
        found = connection.execute(
            """SELECT column_name, data_type, col_description('reading'::regclass, ordinal_position)
               FROM information_schema.columns WHERE table_name = 'reading'"""
        ).fetchall()
    written = Columns.of([replace(reading(1), values={quantity.name: 1 for quantity in QUANTITIES})])
    counted = {(q.name, "bigint", q.unit) for q in QUANTITIES if q.whole}
    gauges = {(q.name, "integer", f"{q.resolution:g} {q.unit}".strip()) for q in QUANTITIES if not q.whole}
    assert counted | gauges <= set(found)
    assert {name for name, _, _ in found} == set(written.names)


@pytest.mark.parametrize(
    ("table", "groups"),
    [("quarter_hour", {Group.LIVE, Group.ENERGY}), ("quarter_hour_quality", {Group.QUALITY, Group.DEMAND})],
)
def test_every_quantity_has_its_quarter_hours(database: str, table: str, groups: set[Group]) -> None:
    """What is counted has first and last, a gauge has its mean; quality and demand stand in a table of their own."""
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT column_name, udt_name FROM information_schema.columns WHERE table_name = %s AND udt_name ~ '_span'",
            (table,),
        ).fetchall()
    types = {True: "counter_span", False: "gauge_span"}
    assert set(found) == {(q.name, types[q.whole]) for q in QUANTITIES if q.group in groups}


def test_a_database_of_the_first_release_keeps_its_rows(empty_database: str) -> None:
    """The step to all quantities leaves what is stored as it is, and the new columns empty."""
    migrate(empty_database, "0001")
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(OLD_ROWS)
        migrate(empty_database)
        found = connection.execute("SELECT voltage_l1, energy_import, energy_total FROM reading_in_units").fetchall()
        hours = connection.execute("SELECT (energy_import).last, energy_total FROM quarter_hour").fetchall()
    assert (found, hours) == ([(230.5, 4711, None)], [(4711, None)])


def test_timescaledb_takes_new_columns_into_compressed_chunks(empty_timescale: Timescale) -> None:
    """A hypertable with rows, compressed where the edition can, gets the columns and keeps the rows."""
    migrate(empty_timescale.conninfo, "0001")
    with empty_timescale.connect() as connection:
        connection.execute(OLD_ROWS)
        with suppress(psycopg.errors.FeatureNotSupported):  # the Apache-2 edition and the WebAssembly build
            connection.execute(
                "ALTER TABLE reading SET (timescaledb.compress, timescaledb.compress_segmentby='meter_id')"
            )
            connection.execute("SELECT compress_chunk(chunk) FROM show_chunks('reading') AS chunk")
        migrate(empty_timescale.conninfo)
        connection.execute(
            """INSERT INTO reading (ts, meter_id, seq, delay_s, span_ms, clock_synced, energy_total)
               VALUES ('2026-11-23 03:00Z', 1, 2, 1, 0, true, 7)"""
        )
        found = connection.execute(
            "SELECT voltage_l1, energy_import, energy_total FROM reading_in_units ORDER BY ts"
        ).fetchall()
    assert found == [(230.5, 4711, None), (None, None, 7)]


def test_timescaledb_makes_reading_a_hypertable(timescale: Timescale) -> None:
    """On TimescaleDB the same migrations make a hypertable with chunks of a week."""
    with timescale.connect() as connection:
        found = connection.execute(
            "SELECT hypertable_name::text, time_interval::text FROM timescaledb_information.dimensions"
        ).fetchall()
    assert found == [("reading", "7 days")]


def test_migrating_again_changes_nothing(database: str) -> None:
    """A second start finds everything done."""
    migrate(database)
