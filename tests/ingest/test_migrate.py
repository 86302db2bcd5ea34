"""The schema: made once, whoever tries, on every kind of database; and it holds what the contract says."""

import threading

import psycopg
from fix_timescale import Timescale
from mmetering_contract.quantity import QUANTITIES
from mmetering_ingest.migrate import migrate, newest_version
from mmetering_ingest.row import COLUMNS


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
    """The table and the contract agree; ingest writes every column."""
    with psycopg.connect(database) as connection:
        found = connection.execute(
            """SELECT column_name, data_type, col_description('reading'::regclass, ordinal_position)
               FROM information_schema.columns WHERE table_name = 'reading' ORDER BY ordinal_position"""
        ).fetchall()
    types = {"gauge": "real", "counter": "bigint"}
    assert {(q.name, types[q.kind], q.unit) for q in QUANTITIES} <= set(found)
    assert {name for name, _, _ in found} == set(COLUMNS)


def test_timescaledb_makes_reading_a_hypertable_by_day(timescale: Timescale) -> None:
    """On TimescaleDB the same migrations make a hypertable with chunks of a day."""
    with timescale.connect() as connection:
        found = connection.execute(
            "SELECT hypertable_name::text, time_interval::text FROM timescaledb_information.dimensions"
        ).fetchall()
    assert found == [("reading", "1 day")]


def test_migrating_again_changes_nothing(database: str) -> None:
    """A second start finds everything done."""
    migrate(database)
