"""Quarter hours follow from the table of readings alone, in whatever order and however often these came."""

import random
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from ingest_building import T0, delivery, reading
from mmetering_contract.reading import Reading
from mmetering_ingest.quarter_hours import compute_dirty
from mmetering_ingest.store import Store


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


def test_any_order_splitting_and_repetition_gives_the_same_table(database: str, connection: psycopg.Connection) -> None:
    """Shuffled, cut at random, partly repeated and computed in between: the same quarter hours as all at once."""
    readings = [
        reading(seq, ts=T0 + timedelta(seconds=97 * seq), power_total=float(seq % 7), energy_import=1000 + seq)
        for seq in range(1, 60)
    ]
    dice = random.Random(630)
    shuffled = readings + dice.sample(readings, 20)
    dice.shuffle(shuffled)
    while shuffled:
        part, shuffled = shuffled[: (cut := dice.randint(1, 12))], shuffled[cut:]
        commit(database, *part)
        if dice.random() < 0.5:
            compute(connection)
    compute(connection)
    found = connection.execute("SELECT * FROM quarter_hour ORDER BY bucket").fetchall()
    connection.execute("DELETE FROM quarter_hour")
    connection.execute(
        "INSERT INTO dirty_quarter_hour SELECT DISTINCT meter_id, date_bin('15 min', ts, 'epoch') FROM reading"
    )
    compute(connection)
    assert found == connection.execute("SELECT * FROM quarter_hour ORDER BY bucket").fetchall()
    assert len(found) == 7


def test_a_mark_that_is_not_committed_yet_is_not_lost(database: str, connection: psycopg.Connection) -> None:
    """A worker that runs between another's insert and its commit leaves the new mark for the next time."""
    commit(database, reading(1, ts=T0, energy_import=1000))
    with psycopg.connect(database) as writer:
        writer.execute(
            """INSERT INTO reading (ts, meter_id, seq, received_at, span_ms, clock_synced, energy_import)
               SELECT %s, id, 2, now(), 0, true, 1500 FROM meter""",
            (T0 + timedelta(minutes=1),),
        )
        writer.execute("INSERT INTO dirty_quarter_hour SELECT id, %s FROM meter", (T0,))
        compute(connection)
        assert connection.execute("SELECT (energy_import).last FROM quarter_hour").fetchall() == [(1000,)]
        writer.commit()
    compute(connection)
    assert connection.execute("SELECT (energy_import).last FROM quarter_hour").fetchall() == [(1500,)]


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
