"""Whatever order readings come in, cut into whatever batches and repeated however often: the same quarter hours."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from itertools import pairwise

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest_building import T0, delivery, reading
from mmetering_contract.quantity import BY_NAME
from mmetering_contract.reading import Reading
from mmetering_ingest.quarter_hours import compute_dirty
from mmetering_ingest.store import Store
from msgspec.structs import replace

METERS = ("flat-07", "flat-08")
QUARTER_HOUR_S = 900
COUNTERS, GAUGES = ("energy_import", "energy_net"), ("power_total", "frequency", "power_factor_l1")
FOUND = f"""
SELECT slug, bucket, readings, suspect,
    {", ".join(f"({name}).{part}" for name in COUNTERS for part in ("first", "first_ts", "last", "last_ts"))},
    {", ".join(f"({name}).{part}" for name in COUNTERS for part in ("minimum", "maximum"))},
    {", ".join(f"({name}).{part}" for name in GAUGES for part in ("mean", "minimum", "maximum"))}
FROM quarter_hour
LEFT JOIN quarter_hour_quality USING (meter_id, bucket)
JOIN meter ON meter.id = meter_id
ORDER BY slug, bucket
"""
FORGET = "DELETE FROM reading; DELETE FROM quarter_hour; DELETE FROM quarter_hour_quality"
Row = tuple[object, ...]

# Few instants, so that many readings share one; at, just before and just after boundaries.
INSTANTS = st.sampled_from([0, 1, 450_000, 899_999, 900_000, 900_001, 1_799_999]) | st.integers(0, 2_699_999)
VALUES = st.fixed_dictionaries(
    {},
    optional={name: st.integers(-3, 3) for name in COUNTERS}
    | {name: st.integers(-20, 20).map(BY_NAME[name].resolution.__mul__) for name in GAUGES},
)


@st.composite
def some_readings(draw: st.DrawFn) -> list[Reading]:
    """Return readings in the order of their numbers, which is not that of their times."""
    parts = st.tuples(st.sampled_from(METERS), INSTANTS, VALUES, st.booleans(), st.integers(0, 3))
    return [
        replace(
            reading(seq, meter=meter, ts=T0 + timedelta(milliseconds=ms)),
            values=values,
            suspect=("power_total",) if suspect else (),
            clock_synced=luck > 0,
        )
        for seq, (meter, ms, values, suspect, luck) in enumerate(draw(st.lists(parts, min_size=1, max_size=25)), 1)
    ]


@st.composite
def some_deliveries(draw: st.DrawFn, readings: Sequence[Reading]) -> list[list[Reading]]:
    """Return all of the readings, some of them more than once, in any order and in batches."""
    again = draw(st.lists(st.sampled_from(readings), max_size=10))
    shuffled = draw(st.permutations([*readings, *again]))
    cuts = sorted(draw(st.sets(st.integers(1, len(shuffled)), max_size=5)) | {0, len(shuffled)})
    return [shuffled[begin:end] for begin, end in pairwise(cuts)]


def expected(readings: Sequence[Reading]) -> list[Row]:
    """Return the quarter hours as a person would work them out."""
    groups: defaultdict[tuple[str, datetime], list[Reading]] = defaultdict(list)
    for each in readings:
        if each.clock_synced:
            number = (each.ts - T0) // timedelta(seconds=QUARTER_HOUR_S)
            groups[each.meter, T0 + number * timedelta(seconds=QUARTER_HOUR_S)].append(each)
    return [(*key, *_quarter_hour(group)) for key, group in sorted(groups.items())]


def _quarter_hour(group: Sequence[Reading]) -> Row:
    firsts: list[object] = []
    bounds: list[object] = []
    gauges: list[object] = []
    for name in COUNTERS:
        pairs = sorted((each.ts, each.values[name]) for each in group if name in each.values)
        values = [value for _, value in pairs]
        firsts += [pairs[0][1], pairs[0][0], pairs[-1][1], pairs[-1][0]] if pairs else [None] * 4
        bounds += [min(values), max(values)] if values else [None] * 2
    for name in GAUGES:
        values = [each.values[name] for each in group if name in each.values]
        gauges += [sum(values) / len(values), min(values), max(values)] if values else [None] * 3
    return (len(group), sum(bool(each.suspect) for each in group), *firsts, *bounds, *gauges)


def in_single_precision(row: Row) -> Row:
    """Return what a row is to be equal to where fractions have the digits of a float32."""
    return tuple(pytest.approx(cell, rel=1e-6) if isinstance(cell, float) else cell for cell in row)


# Each example is a database's work; the suite is to stay quick.
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_quarter_hours_follow_from_the_readings_alone(database: str, data: st.DataObject) -> None:
    """Scan groups apart, late, suspect, undated, at one instant, computed in between or not: as worked out by hand."""
    readings = data.draw(some_readings())
    with psycopg.connect(database, autocommit=True) as connection, closing(Store(database)) as store:
        connection.execute(FORGET)
        for batch in data.draw(some_deliveries(readings)):
            store.commit([delivery(*batch)])
            if data.draw(st.booleans()):
                compute_dirty(connection)
        compute_dirty(connection)
        found = connection.execute(FOUND).fetchall()
    assert found == [in_single_precision(row) for row in expected(readings)]
