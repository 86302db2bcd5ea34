"""Quarter hours follow from the table of readings alone, in whatever order and however often these came."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from ingest_building import T0, delivery, reading
from mmetering_contract.quantity import QUANTITIES
from mmetering_contract.reading import Reading
from mmetering_ingest.quarter_hours import compute_dirty
from mmetering_ingest.store import Store
from msgspec.structs import replace
from psycopg import sql


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    """Give a connection in autocommit, as the worker's is."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def commit(database: str, *readings: Reading) -> None:
    """Store readings of one delivery."""
    store = Store(database)
    store.commit([delivery(*readings)])
    store.close()


def compute(connection: psycopg.Connection) -> None:
    """Compute until nothing is marked."""
    while compute_dirty(connection):
        pass


def test_a_quarter_hour_holds_what_its_readings_amount_to(database: str, connection: psycopg.Connection) -> None:
    """Counters have first and last with their times, gauges mean and bounds; what was not read is NULL."""
    commit(
        database,
        reading(1, ts=T0, energy_import=1000),
        reading(2, ts=T0 + timedelta(minutes=5), power_total=100.0),
        reading(3, ts=T0 + timedelta(minutes=6), power_total=400.0, energy_import=1025),
        reading(4, ts=T0 + timedelta(minutes=14, seconds=59), energy_import=1100),
        reading(5, ts=T0 + timedelta(minutes=15), energy_import=1101),
    )
    compute(connection)
    found = connection.execute(
        """SELECT bucket, readings, (energy_import).first, (energy_import).first_ts, (energy_import).last,
                  (energy_import).last_ts, (energy_import).maximum, (power_total).mean, (power_total).minimum,
                  (power_total).maximum, energy_export, frequency
           FROM quarter_hour ORDER BY bucket"""
    ).fetchall()
    assert found == [
        (T0, 4, 1000, T0, 1100, T0 + timedelta(minutes=14, seconds=59), 1100, 250.0, 100.0, 400.0, None, None),
        (
            T0 + timedelta(minutes=15),
            *(1, 1101, T0 + timedelta(minutes=15), 1101, T0 + timedelta(minutes=15), 1101),
            *(None, None, None, None, None),
        ),
    ]


def test_quality_and_demand_stand_beside(database: str, connection: psycopg.Connection) -> None:
    """Their quarter hours are in a table of their own, where there were such readings; what falls keeps its order."""
    commit(
        database,
        reading(1, ts=T0, voltage_thd_l1=2.0, power_demand_maximum=5000.0),
        reading(2, ts=T0 + timedelta(minutes=1), voltage_thd_l1=4.0, energy_net=700),
        reading(3, ts=T0 + timedelta(minutes=2), energy_net=-300),
        reading(4, ts=T0 + timedelta(minutes=15), energy_net=-400),
    )
    compute(connection)
    quality = connection.execute(
        """SELECT bucket, (voltage_thd_l1).mean, (voltage_thd_l1).maximum, (power_demand_maximum).maximum,
                  current_neutral
           FROM quarter_hour_quality"""
    ).fetchall()
    assert quality == [(T0, 3.0, 4.0, 5000.0, None)]
    net = connection.execute(
        "SELECT (energy_net).first, (energy_net).last FROM quarter_hour ORDER BY bucket"
    ).fetchall()
    assert net == [(700, -300), (-400, -400)]


def test_every_quantity_comes_into_its_own_quarter_hours(database: str, connection: psycopg.Connection) -> None:
    """No quantity may end in the column of another or nowhere, at first or again, also of a reading with it alone."""
    names = [quantity.name for quantity in QUANTITIES]
    maxima = sql.SQL("SELECT {} FROM quarter_hour JOIN quarter_hour_quality USING (meter_id, bucket)").format(
        sql.SQL(", ").join(sql.SQL("({}).maximum").format(sql.Identifier(name)) for name in names)
    )
    for first in (1000, 2000):
        values = range(first, first + len(names))
        numbered = zip(names, values, strict=True)
        commit(database, *(replace(reading(value, ts=T0), values={name: value}) for name, value in numbered))
        compute(connection)
        assert connection.execute(maxima).fetchall() == [tuple(values)]


def test_a_reading_with_a_guessed_time_never_counts(database: str, connection: psycopg.Connection) -> None:
    """It is kept, and no quarter hour holds anything of it: neither one that it shares nor one of its own."""
    commit(
        database,
        reading(1, ts=T0, power_total=100.0, energy_import=1000),
        replace(reading(2, ts=T0 + timedelta(minutes=5), power_total=900.0, energy_import=9000), clock_synced=False),
        replace(reading(3, ts=T0 + timedelta(minutes=20), energy_import=9001), clock_synced=False),
    )
    compute(connection)
    assert connection.execute("SELECT count(*) FROM reading").fetchone() == (3,)
    found = connection.execute(
        "SELECT bucket, readings, (energy_import).last, (power_total).maximum FROM quarter_hour"
    ).fetchall()
    assert found == [(T0, 1, 1000, 100.0)]


def test_a_mark_that_is_not_committed_yet_is_not_lost(database: str, connection: psycopg.Connection) -> None:
    """A worker that runs between another's insert and its commit leaves the new mark for the next time."""
    commit(database, reading(1, ts=T0, energy_import=1000))
    with psycopg.connect(database) as writer:
        writer.execute(
            """INSERT INTO reading (ts, meter_id, seq, delay_s, span_ms, clock_synced, energy_import)
               SELECT %s, id, 2, 1, 0, true, 1500 FROM meter""",
            (T0 + timedelta(minutes=1),),
        )
        writer.execute("INSERT INTO dirty_quarter_hour SELECT %s, ARRAY[id] FROM meter", (T0,))
        compute(connection)
        assert connection.execute("SELECT (energy_import).last FROM quarter_hour").fetchall() == [(1000,)]
        writer.commit()
    compute(connection)
    assert connection.execute("SELECT (energy_import).last FROM quarter_hour").fetchall() == [(1500,)]


@pytest.mark.parametrize(
    ("marked_s", "now_s", "left"),
    [
        (1, 60, 2),  # a minute at least
        (1, 61, 0),
        (62, 123, 2),  # as old again as when it was computed last
        (62, 124, 0),
        (250, 499, 2),
        (250, 500, 0),
        (501, 909, 2),  # over, but for what is on its way
        (501, 910, 0),
        (909, 910, 0),
        (86400, 86400, 0),  # late
        (-3600, -3541, 2),  # of a clock that is ahead
        (-3600, -3540, 0),
    ],
)
def test_a_quarter_hour_that_is_not_over_waits_for_more(
    connection: psycopg.Connection, marked_s: int, now_s: int, left: int
) -> None:
    """It is computed when it has doubled; one that is over at once."""
    connection.execute(
        "INSERT INTO dirty_quarter_hour VALUES (%s, '{1}', %s), (%s, '{1}', %s)",
        (T0, T0 + timedelta(seconds=marked_s), T0, T0 + timedelta(seconds=marked_s + 1)),
    )
    assert compute_dirty(connection, T0 + timedelta(seconds=now_s)) == (left == 0)
    assert connection.execute("SELECT count(*) FROM dirty_quarter_hour").fetchone() == (left,)


def test_the_present_goes_before_a_backlog(
    database: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more quarter hours than are computed at once the newest come first, and none is left in the end."""
    monkeypatch.setattr("mmetering_ingest.quarter_hours.AT_ONCE", 2)
    commit(database, *(reading(n, ts=T0 + timedelta(minutes=15 * n)) for n in (3, 1, 5, 2, 4)))
    for newest in ([5, 4], [5, 4, 3, 2], [5, 4, 3, 2, 1]):
        compute_dirty(connection)
        found = connection.execute("SELECT bucket FROM quarter_hour ORDER BY bucket DESC").fetchall()
        assert found == [(T0 + timedelta(minutes=15 * n),) for n in newest]
    assert not compute_dirty(connection)


def test_only_one_copy_computes_at_a_time(database: str, connection: psycopg.Connection) -> None:
    """While another holds the lock nothing is taken; afterwards it is."""
    commit(database, reading(1))
    with psycopg.connect(database) as other:
        other.execute("SELECT pg_advisory_xact_lock(1836803445)")
        assert not compute_dirty(connection)
    assert compute_dirty(connection)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([(0, 1000), (900, 1100)], [100, None]),  # at both boundaries
        ([(-30, 1000), (30, 1010), (870, 1100), (930, 1120)], [105, None]),  # between two samples of each
        ([(50, 1000), (870, 1100)], [100]),  # one sample within 60 s of each
        ([(-200, 1000), (200, 1200), (900, 2000)], [None, None]),  # more than 5 minutes apart
        ([(400, 1000), (900, 1100)], [None, None]),  # no sample near the begin
        ([(0, 1000), (900, 1100), (1800, 1150)], [100, 50, None]),
    ],
)
def test_the_energy_of_a_quarter_hour_goes_from_boundary_to_boundary(
    database: str, connection: psycopg.Connection, samples: list[tuple[int, int]], expected: list[int | None]
) -> None:
    """A boundary is measured between samples at most 5 minutes apart or by one within 60 s; else the energy is open."""
    commit(
        database,
        *(
            reading(n, ts=T0 + timedelta(seconds=seconds), energy_import=value, energy_export=0)
            for n, (seconds, value) in enumerate(samples, 1)
        ),
    )
    compute(connection)
    found = connection.execute(
        "SELECT energy_import FROM quarter_hour_energy WHERE bucket >= %s ORDER BY bucket", (T0,)
    ).fetchall()
    assert [energy for (energy,) in found] == expected


def test_a_meter_is_seen_when_it_was_read_last(database: str, connection: psycopg.Connection) -> None:
    """`last_seen` is the newest reading's time, also when an older one comes later."""
    commit(database, reading(2, ts=T0 + timedelta(minutes=9)))
    compute(connection)
    commit(database, reading(1, ts=T0))
    compute(connection)
    assert connection.execute("SELECT last_seen FROM meter").fetchall() == [(T0 + timedelta(minutes=9),)]
