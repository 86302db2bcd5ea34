"""The named queries on a real TimescaleDB, whichever edition and version the tests have found."""

from datetime import UTC, datetime, timedelta

from fix_timescale import Timescale
from mmetering_runtime.sql import load_queries

BEGIN = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
PARAMETERS: dict[str, object] = {
    "name": "Flat 1",
    "slug": "m1",
    "id": 1,
    "password_hash": "hash",
    "role": "viewer",
    "midnight": BEGIN,
    "start": BEGIN,
    "end": BEGIN + timedelta(hours=1),
    "starts": [BEGIN],
    "ends": [BEGIN + timedelta(days=1)],
    "instants": [BEGIN],
    "kind": "flat",
    "point_id": 1,
    "meter_id": 1,
    "counter": "import",
    "was_installed": False,
}
# The rows come before who refers to them; everything else may run in any order.
FIRST = ("add_person", "add_point", "add_installation")


def test_every_query_runs_on_timescaledb(timescale: Timescale) -> None:
    """What the web asks of PostgreSQL it may ask of TimescaleDB."""
    queries = load_queries("mmetering_web")
    with timescale.connect() as connection:
        connection.execute("INSERT INTO meter (slug, model, gateway) VALUES ('m1', 'sdm630', 'main')")
        for name in (*FIRST, *sorted(queries.keys() - {*FIRST})):
            with connection.transaction():
                connection.execute(queries[name], PARAMETERS)
        assert connection.execute("SELECT count(*) FROM installation").fetchone() == (1,)
