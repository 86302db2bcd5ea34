"""The named queries on a real TimescaleDB, whichever edition and version the tests have found."""

from datetime import UTC, datetime, timedelta

from fix_timescale import Timescale
from mmetering_runtime.sql import load_queries
from web.history import add_meters, add_quarter_hours, add_readings
from web.plan_of import plan_of

BEGIN = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
DAY = timedelta(days=1)
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
    "slugs": ["m1"],
    "since": BEGIN,
    "kind": "flat",
    "point_id": 1,
    "meter_id": 1,
    "counter": "import",
    "was_installed": False,
}
CHARTS = ("meter_profile", "point_profile", "building_profile", "meter_days", "point_days", "building_days", "gaps",
          "counters_at", "directory")  # fmt: skip
VIEWS = ("meter_power", "meter_phases", "meter_energy", "day_energy", "month_energy", "year_energy", "point_energy",
         "point_day_energy", "point_month_energy", "point_year_energy", "building_energy")  # fmt: skip
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


def test_no_chunk_is_looked_at_but_those_that_are_asked_for(timescale: Timescale) -> None:
    """The newest values are looked for in the chunks since the bound; all else never comes near a reading."""
    queries = load_queries("mmetering_web")
    with timescale.connect() as connection:
        add_meters(connection, ["m1", "m2"])
        add_quarter_hours(connection, ["m1", "m2"], BEGIN - 30 * DAY, BEGIN + DAY)
        for day in range(-5, 1):
            add_readings(connection, ["m1", "m2"], BEGIN + day * DAY, BEGIN + day * DAY + DAY / 96)
        connection.execute("ANALYZE")
        for query in (*(queries[name] for name in CHARTS), *(f"SELECT * FROM {view}" for view in VIEWS)):
            relations = plan_of(connection, query, PARAMETERS).relations
            assert "quarter_hour" in relations
            assert not [relation for relation in relations if relation.startswith(("reading", "_hyper"))], query
        chunks = plan_of(connection, queries["latest"], PARAMETERS).relations - {"meter", "reading"}
        assert 1 <= len(chunks) <= 2
