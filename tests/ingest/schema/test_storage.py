"""The report on storage: true figures, and what retention would do."""

import os
import subprocess
import sys

import psycopg
from fix_timescale import Timescale
from mmetering_ingest.schema.retention import set_retention
from mmetering_ingest.schema.storage import measure, report

ROWS = """
INSERT INTO meter (slug, model, gateway) VALUES ('flat-07', 'sdm630', 'main');
INSERT INTO reading (ts, meter_id, seq, delay_s, span_ms, clock_synced, power_total, energy_import)
SELECT now() - interval '1 hour' - make_interval(days => days), 1, days, 1, 1, true, 10, 1000
FROM generate_series(0, 399) AS days;
INSERT INTO quarter_hour (meter_id, bucket, readings, suspect) VALUES (1, '2026-11-23 02:45Z', 1, 0)
"""


def test_a_plain_database_is_measured(database: str) -> None:
    """Readings, space and quarter hours, and how many readings each retention would drop."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(ROWS)
        storage = measure(connection)
        size = connection.execute("SELECT pg_total_relation_size('reading')").fetchone()
    assert (storage.edition, storage.chunks, storage.retention_days) == (None, None, None)
    assert (storage.readings, storage.quarter_hours, (storage.size,)) == (400, 1, size)
    assert storage.older == (310, 35, 0)
    assert storage.oldest
    assert storage.newest
    assert (storage.newest - storage.oldest).days == 399


def test_a_hypertable_is_measured_with_its_chunks(timescale: Timescale) -> None:
    """Its size is that of its chunks; in the full edition it tells what the columnstore saves."""
    full = timescale.edition == "timescale"
    with timescale.connect() as connection:
        connection.execute(ROWS)
        before = measure(connection)
        if full:
            connection.execute("SELECT compress_chunk(chunk) FROM show_chunks('reading') AS chunk")
        after = measure(connection)
    assert before.chunks
    assert after.chunks
    assert 58 <= after.chunks.count <= 59
    assert after.chunks.packed == (after.chunks.count if full else 0)
    assert 0 < after.chunks.before <= before.size if full else after.chunks.before == 0
    assert after.readings == 400
    assert f"chunks         {after.chunks.count}, new ones of 7 days" in report(after)


def test_the_command_tells_what_retention_would_free(database: str) -> None:
    """In plain words, with the name of the setting; also where there is no reading yet."""
    assert storage_told(database).splitlines()[1:] == [
        "readings       0",
        "space          0.0 MB",
        "quarter hours  0, 0.0 MB, kept for ever",
        "retention      off",
    ]
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(ROWS)
    set_retention(database, 400)
    told = storage_told(database)
    assert "retention      readings are kept for 400 days\n" in told
    assert "MMETERING_RETENTION_DAYS" in told
    assert [line.split()[:2] for line in told.splitlines()[-3:]] == [["90", "310"], ["365", "35"], ["730", "0"]]


def storage_told(database: str) -> str:
    """Return what the command prints."""
    environment = {"PATH": os.environ["PATH"], "MMETERING_DATABASE": database}
    command = [sys.executable, "-m", "mmetering_ingest", "storage"]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
