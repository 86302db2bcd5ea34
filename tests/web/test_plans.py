"""How the database answers, over a year of two meters and some days of a hundred.

Blocks, not seconds: how many are looked at is the same on every machine. The bounds are half as much again as there
were.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from fix_postgres import TEMPLATE, PostgresServer
from mmetering_runtime.sql import load_queries
from web.history import add_meters, add_quarter_hours, add_readings
from web.plan_of import Plan, plan_of

pytestmark = [pytest.mark.xdist_group("plans"), pytest.mark.timeout(600)]

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY, YEAR = timedelta(days=1), timedelta(days=365)
OLD, HUNDRED = ["a", "b"], [f"m-{number}" for number in range(98)]
QUERIES = load_queries("mmetering_web")
STARTS = [NOW - YEAR + DAY * number for number in range(365)]
THE_YEAR = {"start": NOW - YEAR, "end": NOW}
THE_DAY = {"start": NOW - DAY, "end": NOW}
DAYS = {"starts": STARTS, "ends": [start + DAY for start in STARTS]}
READ_THROUGH = {"meter", "point", "installation", "site"}  # a row for each meter or so: quicker from end to end


@pytest.fixture(scope="module")
def connection(postgres_server: PostgresServer) -> Iterator[psycopg.Connection]:
    """Give a database with a past."""
    name = postgres_server.create_database(TEMPLATE)
    with psycopg.connect(postgres_server.conninfo(name), autocommit=True) as connection:
        add_meters(connection, [*OLD, *HUNDRED])
        add_quarter_hours(connection, OLD, NOW - YEAR - DAY, NOW)
        add_quarter_hours(connection, HUNDRED, NOW - 3 * DAY, NOW)
        add_readings(connection, [*OLD, *HUNDRED], NOW - DAY / 4, NOW)
        connection.execute("VACUUM ANALYZE")
        yield connection
    postgres_server.drop_database(name)


def _check(plan: Plan, blocks: int) -> None:
    assert "reading" not in plan.relations
    assert plan.whole <= READ_THROUGH
    assert plan.blocks <= blocks


@pytest.mark.parametrize(
    ("name", "parameters", "blocks"),
    [
        ("meter_profile", {"slug": "a", **THE_YEAR}, 2_600),
        ("point_profile", {"point_id": 1, **THE_YEAR}, 2_600),
        ("meter_days", {"slug": "a", **DAYS}, 11_000),
        ("point_days", {"point_id": 1, **DAYS}, 11_000),
        ("gaps", {"slugs": ["a"], **THE_YEAR}, 2_700),
        ("building_profile", THE_DAY, 1_500),
        ("building_days", DAYS, 19_400),
        ("gaps", {"slugs": HUNDRED, **THE_DAY}, 2_400),
        ("counters_at", {"slug": "a", "instants": STARTS[:5]}, 50),
        ("directory", {"midnight": NOW - DAY / 2}, 50),
    ],
)
def test_a_named_query_looks_up_quarter_hours_by_index(
    connection: psycopg.Connection, name: str, parameters: Mapping[str, object], blocks: int
) -> None:
    """A year of one meter and a day of a hundred come from `quarter_hour`, and from as few blocks as hold them."""
    _check(plan_of(connection, QUERIES[name], parameters), blocks)


@pytest.mark.parametrize(
    ("query", "blocks"),
    [
        ("SELECT * FROM meter_power WHERE meter = 'a' AND start_ts BETWEEN %(start)s AND %(end)s", 50),
        ("SELECT * FROM meter_phases WHERE start_ts BETWEEN %(start)s AND %(end)s", 1_600),
        ("SELECT * FROM meter_energy WHERE start_ts BETWEEN %(start)s AND %(end)s", 88_000),
        ("SELECT * FROM point_energy WHERE point = 'A' AND start_ts BETWEEN %(start)s AND %(end)s", 900),
        ("SELECT * FROM building_energy WHERE start_ts BETWEEN %(start)s AND %(end)s", 88_000),
        ("SELECT * FROM day_energy WHERE day BETWEEN '2026-11-21' AND '2026-11-22'", 8_800),
        ("SELECT * FROM day_energy WHERE meter = 'a' AND start_ts BETWEEN %(start)s AND %(end)s", 120),
        ("SELECT meter, day, energy_import_wh FROM day_energy WHERE meter = 'a' AND day > '2026-01-01'", 7_400),
        ("SELECT * FROM point_day_energy WHERE start_ts BETWEEN %(start)s AND %(end)s", 4_500),
        ("SELECT point, month, energy_wh FROM point_month_energy WHERE month = '2026-11-01'", 3_400),
        ("SELECT point, month, energy_wh FROM point_month_energy WHERE point = 'A'", 400),
        ("SELECT point, year, energy_wh FROM point_year_energy", 3_500),
    ],
)
def test_a_view_takes_a_condition_on_time_to_the_index(connection: psycopg.Connection, query: str, blocks: int) -> None:
    """Whoever asks for some days pays for some days, and who asks for energy not for what else there is."""
    _check(plan_of(connection, query, THE_DAY), blocks)


def test_the_newest_values_are_looked_up_by_index(connection: psycopg.Connection) -> None:
    """They are the only thing that is asked of the readings, and some blocks a meter hold them."""
    plan = plan_of(connection, QUERIES["latest"], {"since": NOW - DAY})
    assert "reading" in plan.relations
    assert plan.whole <= READ_THROUGH
    assert plan.blocks <= 1_350
