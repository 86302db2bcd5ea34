"""What the web asks of the database."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fix_postgres import PostgresServer, as_login
from free_port import free_port
from mmetering_web.chart import Period, days_of, period_of
from mmetering_web.database import AwayError, ConflictError, Database
from mmetering_web.store import Store
from wait import wait_for
from web.stage import QUARTER, ZONE, add_meter, add_past, execute

BEGIN = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)  # midnight in Berlin
DAY = Period(BEGIN, BEGIN + timedelta(hours=1))
T = round(BEGIN.timestamp())


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """Give a store over a fresh database."""
    pool = Database(as_login(database, "web"))
    yield Store(pool)
    pool.close()


def test_people_are_added_once_and_found(store: Store) -> None:
    """A name is one person's; a taken one is refused with its name."""
    store.add_person("maria", "hash", "administrator")
    with pytest.raises(ConflictError, match="maria"):
        store.add_person("maria", "other", "viewer")
    person = store.person_by_name("maria")
    assert person
    assert (person.password_hash, person.role) == ("hash", "administrator")
    assert store.person_by_id(person.id) == person
    assert store.person_by_name("tom") is None
    store.set_password("maria", "new")
    assert [person.password_hash for person in store.people()] == ["new"]
    with pytest.raises(ConflictError, match="tom"):
        store.set_password("tom", "new")


def test_the_profile_sums_what_counts_at_each_point(database: str, store: Store) -> None:
    """Flats and common supply are consumption, producers' exports are production; the grid's meter is neither."""
    for slug, kind, counter in (("a", "flat", "import"), ("b", "common", "import"), ("pv", "producer", "export"),
                                ("g", "grid", "import"), ("loose", None, "import")):  # fmt: skip
        add_meter(database, slug, kind, counter)
        add_past(database, slug, BEGIN, [100, 200, 300, 400], counter)
    assert json.loads(store.building_profile(DAY)) == {
        "t": [T, T + 900, T + 1800, T + 2700],
        "consumption": [200, 400, 600, 800],
        "production": [100, 200, 300, 400],
        "missing": [0, 0, 0, 0],
    }


def test_the_profile_says_where_a_meter_is_missing(database: str, store: Store) -> None:
    """A partial sum is marked, an empty quarter hour is unknown, and a meter is not missed before its first reading."""
    add_meter(database, "a", "flat")
    add_meter(database, "b", "flat")
    add_past(database, "a", BEGIN, [100, 100, None, 100])
    add_past(database, "b", BEGIN + timedelta(minutes=15), [50, None, None])
    profile = json.loads(store.building_profile(DAY))
    assert profile["consumption"] == [100, None, None, 100]
    assert profile["missing"] == [0, 2, 2, 1]


def test_a_counter_that_fell_is_no_consumption(database: str, store: Store) -> None:
    """Negative energy is unknown, not subtracted from the others."""
    add_meter(database, "a", "flat")
    add_meter(database, "b", "flat")
    add_past(database, "a", BEGIN, [100, 100])
    add_past(database, "b", BEGIN, [-900_000, 100])
    profile = json.loads(store.building_profile(DAY))
    assert (profile["consumption"][:2], profile["missing"][:2]) == ([100, 200], [1, 0])


def test_a_meter_counts_for_its_point_only_while_it_is_installed(database: str, store: Store) -> None:
    """What a meter counted before and after its installation is not the point's."""
    add_meter(database, "a", "flat")
    add_past(database, "a", BEGIN, [1, 2, 4, 8])
    quarter = timedelta(minutes=15)
    execute(database, "UPDATE installation SET from_ts = %s, to_ts = %s", BEGIN + quarter, BEGIN + 3 * quarter)
    assert json.loads(store.building_profile(DAY))["consumption"] == [None, 2, 4, None]


def test_the_profile_of_nothing_is_empty(store: Store) -> None:
    """No points and an empty period are ordinary."""
    assert json.loads(store.building_profile(DAY))["consumption"] == [None] * 4
    assert json.loads(store.building_profile(Period(BEGIN, BEGIN)))["t"] == []
    assert json.loads(store.meter_profile("nobody", DAY))["t"] == []


def test_a_meters_profile_has_energy_and_power(database: str, store: Store) -> None:
    """Power comes with its lowest and highest value; a quarter hour without readings is unknown."""
    add_meter(database, "a")
    add_past(database, "a", BEGIN, [100, None, 300])
    assert json.loads(store.meter_profile("a", DAY)) == {
        "t": [T, T + 900, T + 1800, T + 2700],
        "energy_import": [None, None, 300, None],
        "energy_export": [None, None, 0, None],
        "power": [400, None, 1200, 0],
        "power_minimum": [390, None, 1190, -10],
        "power_maximum": [410, None, 1210, 10],
    }


def test_days_are_the_sites_also_when_the_clocks_change(database: str, store: Store) -> None:
    """The 25th of October 2026 has 100 quarter hours in Berlin, and each counts for its day."""
    add_meter(database, "a")
    begin = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
    add_past(database, "a", begin, [1] * 120)
    now = begin + timedelta(days=3)
    days = days_of(period_of({"from": "2026-10-24", "to": "2026-10-26"}, ZONE, now), ZONE)
    found = json.loads(store.meter_days("a", days))
    assert found["energy_import"] == [8, 100, 12]
    assert (found["measured"], found["expected"]) == ([8, 100, 12], [96, 100, 96])


def test_a_gap_within_a_day_loses_no_energy(database: str, store: Store) -> None:
    """The counter went on: the day has it all, and says how much of it was measured."""
    add_meter(database, "a", "flat")
    add_past(database, "a", BEGIN, [100, 200, None, 400])
    execute(database, "UPDATE quarter_hour SET energy_import.first = 1000700 WHERE bucket = %s", BEGIN + 4 * QUARTER)
    assert json.loads(store.meter_days("a", [DAY])) == {
        "t": [T], "energy_import": [700], "energy_export": [0], "measured": [2], "expected": [4]
    }  # fmt: skip
    assert json.loads(store.point_days(_point(store, "A"), [DAY]))["energy"] == [700]
    assert json.loads(store.building_days([DAY])) == {
        "t": [T], "consumption": [700], "production": [None], "missing": [0]
    }  # fmt: skip


def test_a_day_without_a_measured_end_has_what_was_measured_in_it(database: str, store: Store) -> None:
    """Half a day is better than none where it says so; a sum of the building has no halves."""
    add_meter(database, "a", "flat")
    add_past(database, "a", BEGIN, [100, 200, 300])
    days = [Period(BEGIN - QUARTER, BEGIN + 2 * QUARTER), Period(BEGIN + 2 * QUARTER, BEGIN + 6 * QUARTER)]
    found = json.loads(store.meter_days("a", days))
    assert (found["energy_import"], found["measured"], found["expected"]) == ([300, 300], [2, 1], [3, 4])
    execute(database, "DELETE FROM quarter_hour WHERE bucket = %s", BEGIN + 3 * QUARTER)
    assert json.loads(store.meter_days("a", [DAY]))["energy_import"] == [300]
    add_meter(database, "b", "flat")
    add_past(database, "b", BEGIN, [1, 2, 3, 4])
    building = json.loads(store.building_days([DAY]))
    assert (building["consumption"], building["missing"]) == ([10], [1])


def test_a_point_outlives_its_meters(database: str, store: Store) -> None:
    """Its load profile and its days go on with the new meter, whatever that one counted before."""
    add_meter(database, "old", "flat")
    add_meter(database, "new")
    add_past(database, "old", BEGIN, [1, 2, 4, 8])
    add_past(database, "new", BEGIN, [1000, 1000, 16, 32])
    change = BEGIN + 2 * QUARTER
    execute(database, "UPDATE installation SET to_ts = %s", change)
    execute(
        database,
        """INSERT INTO installation (point_id, meter_id, counter, from_ts)
        SELECT point.id, meter.id, 'import', %s FROM point, meter WHERE slug = 'new'""",
        change,
    )
    profile = json.loads(store.point_profile(_point(store, "OLD"), DAY))
    assert (profile["t"][0], profile["energy"], profile["power"]) == (T, [1, 2, 16, 32], [4, 8, 64, 128])
    assert json.loads(store.point_days(_point(store, "OLD"), [DAY])) == {
        "t": [T], "energy": [51], "measured": [4], "expected": [4]
    }  # fmt: skip


def test_a_producers_power_is_positive(database: str, store: Store) -> None:
    """What the meter exports is the production of the point; lowest and highest change places with the sign."""
    add_meter(database, "pv", "producer", "export")
    add_past(database, "pv", BEGIN, [100], "export")
    execute(database, "UPDATE quarter_hour SET power_total = ROW(-400, -410, -390)::gauge_span")
    profile = json.loads(store.point_profile(_point(store, "PV"), Period(BEGIN, BEGIN + QUARTER)))
    assert profile == {"t": [T], "energy": [100], "power": [400], "power_minimum": [390], "power_maximum": [410]}


def test_a_point_that_nobody_knows_has_no_past(store: Store) -> None:
    """Its charts are there, and empty."""
    assert json.loads(store.point_profile(7, DAY))["energy"] == [None] * 4
    assert json.loads(store.point_days(7, [DAY])) == {"t": [T], "energy": [None], "measured": [0], "expected": [4]}
    assert json.loads(store.building_days([DAY]))["consumption"] == [None]


def test_gaps_are_stretches_of_what_should_have_been_measured(database: str, store: Store) -> None:
    """A meter is missed between its first quarter hour and now while it is installed, and no longer afterwards."""
    add_meter(database, "a", "flat")
    add_past(database, "a", BEGIN, [1] * 10)
    add_meter(database, "b", "flat")
    add_past(database, "b", BEGIN + QUARTER, [1, None, None, 1, 1])
    add_meter(database, "loose")
    add_past(database, "loose", BEGIN, [1, 1])
    period = Period(BEGIN - QUARTER * 8, BEGIN + QUARTER * 20)
    assert [
        (gap.meter, (gap.start_ts - BEGIN) / QUARTER, (gap.end_ts - BEGIN) / QUARTER)
        for gap in store.gaps(["a", "b", "loose"], period)
    ] == [("b", 1, 4), ("b", 6, 10)]
    assert store.gaps(["a"], period) == []


def test_the_newest_values_come_from_the_readings(database: str, store: Store) -> None:
    """Gauges and counters come from rows of their own; nothing older than wanted, and nothing of an unset clock."""
    add_meter(database, "a")
    add_meter(database, "b")
    insert = """INSERT INTO reading (ts, meter_id, seq, delay_s, span_ms, clock_synced, power_total, energy_import)
        VALUES (%s, 1, 1, 1, 90, %s, %s, %s)"""
    for second, synced, power, counter in ((0, True, 4000, None), (10, True, 5000, None), (5, True, None, 7),
                                           (20, False, 9000, 9)):  # fmt: skip
        execute(database, insert, BEGIN + timedelta(seconds=second), synced, power, counter)
    a, b = store.latest(BEGIN)
    assert (a.slug, a.ts, a.power_total) == ("a", BEGIN + timedelta(seconds=10), 500)
    assert (a.counters_ts, a.energy_import, a.energy_export) == (BEGIN + timedelta(seconds=5), 7, None)
    assert (b.slug, b.ts, b.power_total, b.counters_ts) == ("b", None, None, None)
    assert store.latest(BEGIN + timedelta(seconds=11))[0].ts is None


def test_counters_are_found_at_midnight_or_not_at_all(database: str, store: Store) -> None:
    """A reading from another time does not stand in for a missing one."""
    add_meter(database, "a")
    add_past(database, "a", BEGIN, [100])
    found = store.counters_at("a", [BEGIN - timedelta(days=1), BEGIN])
    assert [(reading.ts, reading.energy_import) for reading in found] == [(BEGIN, 1_000_000)]


def test_the_directory_has_points_and_midnight_counters(database: str, store: Store) -> None:
    """Every meter is there, with what is known of it."""
    add_meter(database, "a", "flat")
    add_meter(database, "b")
    add_past(database, "a", BEGIN, [100])
    a, b = store.directory(BEGIN)
    assert (a.point, a.kind, a.counter, a.midnight_import, a.midnight_export) == ("A", "flat", "import", 1_000_000, 0)
    assert (b.slug, b.point, b.midnight_import) == ("b", None, None)


def test_a_first_assignment_counts_from_the_first_reading_on(database: str, store: Store) -> None:
    """A meter that never hung anywhere brings its past along."""
    add_meter(database, "a")
    add_past(database, "a", BEGIN, [100])
    store.assign("a", "Flat 1", "flat", "import")
    assert json.loads(store.building_profile(DAY))["consumption"][0] == 100


def test_a_point_is_renamed_and_its_counter_corrected_in_place(database: str, store: Store) -> None:
    """An assignment under a new name keeps the point and the installation."""
    add_meter(database, "a", "flat")
    store.assign("a", "Roof", "producer", "export")
    rows = execute(database, "SELECT name, kind, counter, to_ts FROM installation JOIN point ON point.id = point_id")
    assert rows == [("Roof", "producer", "export", None)]


def test_a_replaced_meter_leaves_its_past_with_the_point(database: str, store: Store) -> None:
    """A point outlives its meters: the old one is taken off, the new one counts from now on."""
    add_meter(database, "old", "flat")
    add_meter(database, "new", "common")
    with pytest.raises(ConflictError, match="has the meter old"):
        store.assign("new", "OLD", "flat", "import")
    store.take_off("old")
    store.assign("new", "OLD", "flat", "import")
    rows = execute(
        database,
        """SELECT meter.slug, to_ts IS NULL FROM installation JOIN meter ON meter.id = meter_id
        JOIN point ON point.id = point_id WHERE point.name = 'OLD' ORDER BY from_ts""",
    )
    assert rows == [("old", False), ("new", True)]
    assert [(point.name, point.meter) for point in store.points()] == [("NEW", None), ("OLD", "new")]


def test_a_meter_that_nobody_knows_cannot_be_assigned(database: str, store: Store) -> None:
    """The refusal names it, and no point is left behind."""
    with pytest.raises(ConflictError, match="ghost"):
        store.assign("ghost", "Flat 1", "flat", "import")
    with pytest.raises(ConflictError, match="ghost"):
        store.take_off("ghost")
    assert execute(database, "SELECT * FROM point") == []


def test_an_unreachable_database_is_away_and_says_so_at_once() -> None:
    """The first call finds out, the next ones do not wait, and the log has no password."""
    database = Database(f"host=127.0.0.1 port={free_port()} password=hidden")
    try:
        with pytest.raises(AwayError):
            Store(database).people()
        assert database.away_since
        with pytest.raises(AwayError, match="away"):
            Store(database).people()
    finally:
        database.close()


def test_a_database_without_tables_is_not_set_up_yet(empty_database: str) -> None:
    """The web may start before the first migration."""
    database = Database(as_login(empty_database, "web"))
    try:
        with pytest.raises(AwayError, match="not set up"):
            Store(database).people()
    finally:
        database.close()


def test_a_database_that_was_killed_is_used_again_when_it_is_back(crashing_postgres: PostgresServer) -> None:
    """`directory` keeps asking; after that all is as before."""
    database = Database(as_login(crashing_postgres.conninfo(), "web"))
    store = Store(database)
    try:
        assert store.people() == []
        crashing_postgres.kill()
        with pytest.raises(AwayError):
            store.people()
        crashing_postgres.start()
        wait_for(lambda: _asked(store), timeout=60)
        assert store.people() == []
        assert database.away_since is None
    finally:
        database.close()


def _point(store: Store, name: str) -> int:
    return next(point.id for point in store.points() if point.name == name)


def _asked(store: Store) -> bool:
    try:
        store.directory(BEGIN)
    except AwayError:
        return False
    return True
