"""The views for people and for tools that speak SQL."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from fix_postgres import as_login
from psycopg import errors
from web.history import add_meters, add_quarter_hours, add_readings
from web.stage import QUARTER

DOCUMENT = Path(__file__).parents[2] / "docs/sql.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
MIDNIGHT = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)  # in Berlin
DAY = timedelta(days=1)


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    """Give a database with the meters `a` and `b`, each on a flat, and no past."""
    with psycopg.connect(database, autocommit=True) as connection:
        add_meters(connection, ["a", "b"])
        yield connection


def test_days_are_local_also_when_the_clocks_change(connection: psycopg.Connection) -> None:
    """In Berlin the 29th of March 2026 has 92 quarter hours and the 25th of October 100; each counts 100 Wh."""
    for month, day in ((3, 28), (10, 24)):
        begin = datetime(2026, month, day, 12, 0, tzinfo=UTC)
        add_quarter_hours(connection, ["a"], begin, begin + 3 * DAY)
    query = """SELECT day, end_ts - start_ts, energy_import_wh, energy_export_wh, expected, measured
        FROM day_energy WHERE day = ANY(%s)"""
    days = [date(2026, 3, 29), date(2026, 3, 30), date(2026, 10, 25)]
    assert connection.execute(query, [days]).fetchall() == [
        (date(2026, 3, 29), timedelta(hours=23), 9200, 0, 92, 92),
        (date(2026, 3, 30), timedelta(hours=24), 9600, 0, 96, 96),
        (date(2026, 10, 25), timedelta(hours=25), 10_000, 0, 100, 100),
    ]


def test_the_first_and_the_running_day_count_as_far_as_they_go(connection: psycopg.Connection) -> None:
    """They begin with the first quarter hour and end with the newest; other days are not there."""
    add_quarter_hours(connection, ["a"], MIDNIGHT + 90 * QUARTER, MIDNIGHT + DAY + 11 * QUARTER)
    query = "SELECT day, energy_import_wh, expected, measured FROM day_energy ORDER BY day"
    assert connection.execute(query).fetchall() == [
        (date(2026, 11, 22), 600, 6, 6),
        (date(2026, 11, 23), 1000, 10, 10),
    ]


@pytest.mark.parametrize(("view", "begins"), [("month", [date(2026, 11, 1), date(2026, 12, 1)]),
                                              ("year", [date(2026, 1, 1)])])  # fmt: skip
def test_months_and_years_begin_with_their_first_day(
    connection: psycopg.Connection, view: str, begins: list[date]
) -> None:
    """Their energies are those of their quarter hours."""
    add_quarter_hours(connection, ["a"], MIDNIGHT, MIDNIGHT + 12 * DAY + QUARTER)
    rows = connection.execute(f"SELECT {view}, energy_import_wh, expected FROM {view}_energy ORDER BY 1").fetchall()
    assert [begin for begin, _, _ in rows] == begins
    assert sum(energy for _, energy, _ in rows) == 12 * 9600
    assert all(energy == expected * 100 for _, energy, expected in rows)
    assert (
        rows == connection.execute(f"SELECT {view}, energy_wh, expected FROM point_{view}_energy ORDER BY 1").fetchall()
    )


def test_a_gap_within_a_day_loses_nothing_and_one_at_midnight_is_unknown(connection: psycopg.Connection) -> None:
    """What is not measured is NULL, and never 0; `measured` tells of the quarter hours."""
    add_quarter_hours(connection, ["a"], MIDNIGHT, MIDNIGHT + 3 * DAY + QUARTER)
    remove = "DELETE FROM quarter_hour WHERE bucket >= %s AND bucket < %s"
    connection.execute(remove, [MIDNIGHT + 40 * QUARTER, MIDNIGHT + 44 * QUARTER])
    connection.execute(remove, [MIDNIGHT + 2 * DAY - QUARTER, MIDNIGHT + 2 * DAY + QUARTER])
    query = "SELECT energy_import_wh, expected, measured FROM day_energy ORDER BY day"
    assert connection.execute(query).fetchall() == [(9600, 96, 92), (None, 96, 95), (None, 96, 95)]
    assert connection.execute("SELECT sum(energy_import_wh) FROM month_energy").fetchone() == (3 * 9600,)


def test_a_counter_that_fell_is_unknown(connection: psycopg.Connection) -> None:
    """Nobody has used negative energy."""
    add_quarter_hours(connection, ["a"], MIDNIGHT, MIDNIGHT + DAY + QUARTER)
    connection.execute(
        "UPDATE quarter_hour SET energy_import = ROW(5, bucket, 5, bucket, 5, 5)::counter_span WHERE bucket > %s",
        [MIDNIGHT + 50 * QUARTER],
    )
    queries = [
        "SELECT energy_import_wh FROM day_energy",
        "SELECT energy_wh FROM point_day_energy",
        f"SELECT energy_import_wh FROM meter_energy WHERE start_ts = '{MIDNIGHT + 50 * QUARTER}'",
        f"SELECT energy_wh FROM point_energy WHERE start_ts = '{MIDNIGHT + 50 * QUARTER}'",
    ]
    assert [connection.execute(query).fetchall() for query in queries] == [[(None,)]] * 4


def test_a_point_has_the_energy_of_all_its_meters(connection: psycopg.Connection) -> None:
    """Each counts as long as it hung there; who is dead and still hangs there is missed."""
    add_quarter_hours(connection, ["a", "b"], MIDNIGHT, MIDNIGHT + DAY + QUARTER)
    connection.execute("UPDATE installation SET to_ts = %s", [MIDNIGHT + 40 * QUARTER])
    connection.execute(
        """INSERT INTO installation (point_id, meter_id, counter, from_ts)
        SELECT point.id, meter.id, 'import', %s FROM point, meter WHERE point.name = 'A' AND slug = 'b'""",
        [MIDNIGHT + 42 * QUARTER],
    )
    query = "SELECT point, energy_wh, expected, measured FROM point_day_energy ORDER BY point"
    assert connection.execute(query).fetchall() == [("A", 9400, 94, 94), ("B", 4000, 40, 40)]
    assert connection.execute(
        "SELECT sum(energy_wh) FROM point_energy WHERE start_ts < %s", [MIDNIGHT + DAY]
    ).fetchone() == (13_400,)
    connection.execute("DELETE FROM quarter_hour WHERE meter_id = 2 AND bucket > %s", [MIDNIGHT + 60 * QUARTER])
    assert connection.execute(query).fetchone() == ("A", None, 94, 59)


def test_the_building_says_how_many_points_are_in_neither_sum(connection: psycopg.Connection) -> None:
    """A sum of what is known is lower than the truth, and must not look like it."""
    connection.execute("UPDATE point SET kind = 'producer' WHERE name = 'B'")
    add_quarter_hours(connection, ["a"], MIDNIGHT, MIDNIGHT + 5 * QUARTER)
    add_quarter_hours(connection, ["b"], MIDNIGHT + QUARTER, MIDNIGHT + 3 * QUARTER)
    query = "SELECT consumption_wh, production_wh, missing FROM building_energy ORDER BY start_ts"
    assert connection.execute(query).fetchall() == [
        (100, None, 0), (100, 100, 0), (100, 98, 0), (100, None, 1)
    ]  # fmt: skip


def test_another_time_zone_has_other_days(connection: psycopg.Connection) -> None:
    """The views follow the setting at once; what PostgreSQL does not know it refuses."""
    add_quarter_hours(connection, ["a"], MIDNIGHT, MIDNIGHT + DAY)
    assert connection.execute("SELECT count(*) FROM day_energy").fetchone() == (1,)
    connection.execute("UPDATE site SET time_zone = 'America/New_York'")
    assert connection.execute("SELECT count(*) FROM day_energy").fetchone() == (2,)
    with pytest.raises(errors.InvalidParameterValue):
        connection.execute("UPDATE site SET time_zone = 'Europe/Nowhere'")
    with pytest.raises(errors.UniqueViolation):
        connection.execute("INSERT INTO site (time_zone) VALUES ('UTC')")


def test_each_view_and_each_column_is_explained(connection: psycopg.Connection) -> None:
    """In the database by a comment, in the document by its name."""
    views = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE)))
    assert {"meter_power", "day_energy", "point_year_energy", "building_energy"} <= {*views}
    for view in views:
        rows = connection.execute(
            """SELECT attname, col_description(attrelid, attnum) IS NOT NULL FROM pg_attribute
            WHERE attrelid = to_regclass(%s) AND attnum > 0""",
            [view],
        ).fetchall()
        assert rows, view
        if view not in ("reading_in_units", "spool_account"):
            assert [name for name, explained in rows if not explained] == []
            assert [name for name, _ in rows if not _is_documented(name)] == []
        assert connection.execute("SELECT obj_description(to_regclass(%s))", [view]).fetchone() != (None,)


@pytest.mark.parametrize("example", re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL))
def test_the_examples_answer_whoever_may_only_read(database: str, connection: psycopg.Connection, example: str) -> None:
    """What the document shows returns rows to the login that is for reading."""
    now = connection.execute("SELECT date_bin('15 minutes', now(), '2000-01-01Z')").fetchall()[0][0]
    connection.execute("UPDATE point SET kind = 'producer' WHERE name = 'B'")
    add_quarter_hours(connection, ["a", "b"], now - 5 * DAY, now)
    connection.execute("DELETE FROM quarter_hour WHERE bucket = %s", [now - 2 * DAY])
    add_readings(connection, ["a", "b"], now - DAY / 24, now)
    with psycopg.connect(as_login(database, "reader")) as reader:
        assert reader.execute(example).fetchall() != []


def _is_documented(column: str) -> bool:
    return f"`{re.sub('_l[23]_', '_l1_', column)}`" in TEXT
