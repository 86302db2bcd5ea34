"""The step from `real` to whole numbers: every row keeps what it held, on every kind of database."""

from contextlib import suppress
from datetime import timedelta

import psycopg
from fix_timescale import Timescale
from ingest_building import T0, delivery, reading
from mmetering_contract.quantity import QUANTITIES
from mmetering_ingest.schema.migrate import migrate
from mmetering_ingest.store import Store

BEFORE, AFTER = "0003", "0004"
OLD_ROWS = """
INSERT INTO meter (slug, model, gateway) VALUES ('flat-07', 'sdm630', 'main');
INSERT INTO reading (ts, meter_id, seq, received_at, span_ms, clock_synced, extra,
                     voltage_l1, current_l1, power_total, power_factor_l1, voltage_thd_l1, energy_import)
VALUES
    ('2026-11-23 02:45Z', 1, 1, '2026-11-23 02:45:01.7Z', 90, true, NULL, 230.46, 1.6234, -371.5, 0.98, 2.1, 4711),
    ('2026-11-23 02:46Z', 1, 2, '2026-11-24 02:46Z', 90, true, '{"cos": 1}', 'NaN', '-Infinity', 8e9, NULL, NULL, 7),
    ('2026-11-23 02:47Z', 1, 3, '2026-11-23 02:47Z', 90, true, '{"cos": 1}', NULL, NULL, NULL, NULL, NULL, NULL);
"""
IN_UNITS = """
SELECT received_at - ts, extra, voltage_l1, current_l1, power_total, power_factor_l1, voltage_thd_l1, energy_import
FROM reading_in_units ORDER BY seq
"""
KEPT = [
    (timedelta(seconds=2), None, 230.5, 1.623, -371.5, 0.98, 2.1, 4711),
    (
        timedelta(days=1),
        {"cos": 1, "voltage_l1": "NaN", "current_l1": "-Infinity", "power_total": 8e9},
        *(None, None, None, None, None, 7),
    ),
    (timedelta(0), {"cos": 1}, None, None, None, None, None, None),
]


def test_old_rows_keep_what_they_held(empty_database: str) -> None:
    """Gauges are rounded to their steps; what no column can hold any more stands in `extra` beside what was there."""
    migrate(empty_database, BEFORE)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(OLD_ROWS)
        migrate(empty_database, AFTER)
        assert connection.execute(IN_UNITS).fetchall() == KEPT


def test_a_hypertable_keeps_them_too(empty_timescale: Timescale) -> None:
    """Likewise on TimescaleDB, compressed where the edition can."""
    migrate(empty_timescale.conninfo, BEFORE)
    with empty_timescale.connect() as connection:
        connection.execute(OLD_ROWS)
        with suppress(psycopg.errors.FeatureNotSupported):  # the Apache-2 edition and the WebAssembly build
            connection.execute(
                "ALTER TABLE reading SET (timescaledb.compress, timescaledb.compress_segmentby='meter_id')"
            )
            connection.execute("SELECT compress_chunk(chunk) FROM show_chunks('reading') AS chunk")
        migrate(empty_timescale.conninfo, AFTER)
        assert connection.execute(IN_UNITS).fetchall() == KEPT


def test_the_view_gives_plain_units(database: str) -> None:
    """What a reading brought is read back in the units that the columns of the view name."""
    store = Store(database)
    store.commit([delivery(reading(1, ts=T0, voltage_l1=230.1, current_l1=1.62, power_total=-8e9, energy_import=7))])
    store.close()
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT voltage_l1, current_l1, power_total, energy_import, extra FROM reading_in_units"
        )
        assert found.fetchall() == [(230.1, 1.62, None, 7, {"power_total": -8e9})]
        units = connection.execute(
            """SELECT attname, col_description(attrelid, attnum)
               FROM pg_attribute WHERE attrelid = 'reading_in_units'::regclass AND attnum > 0"""
        ).fetchall()
    assert {(quantity.name, quantity.unit or "1") for quantity in QUANTITIES} <= set(units)
