"""Readings as rows: whole numbers of steps, and nothing lost of what has no place in a column."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest_building import T0, reading
from mmetering_contract.quantity import BY_NAME, QUANTITIES
from mmetering_contract.reading import Reading
from mmetering_ingest.row import Columns
from msgspec.structs import replace
from psycopg.types.json import Jsonb

GAUGES = [quantity.name for quantity in QUANTITIES if not quantity.whole]


def cells(reading: Reading) -> dict[str, object]:
    """Return what each column gets of a reading that was received 1.6 s after it was taken."""
    columns = Columns.of([reading])
    row = columns.row(reading, 7, reading.ts + timedelta(seconds=1.6))
    assert len(columns.types) == len(columns.names)
    written = dict(zip(columns.names, row, strict=True))
    extra = written["extra"]
    return written | {"extra": extra.obj if isinstance(extra, Jsonb) else extra}


def test_each_part_of_a_reading_has_its_column() -> None:
    """Gauges are numbers of steps, counters are as they came, and how late it was is in whole seconds."""
    values: dict[str, int | float] = {"voltage_l1": 230.06, "current_l1": -1.6237, "energy_import": 12345, "cos_phi": 1}
    written = cells(replace(reading(3, ts=T0), values=values, suspect=("current_l1",), missing=("power_total",)))
    assert written == {
        "ts": T0,
        "meter_id": 7,
        "seq": 3,
        "delay_s": 2,
        "span_ms": 146,
        "clock_synced": True,
        "suspect": ["current_l1"],
        "missing": ["power_total"],
        "extra": {"cos_phi": 1},
        "voltage_l1": 2301,
        "current_l1": -1624,
        "energy_import": 12345,
    }


def test_columns_that_another_reading_fills_stay_empty() -> None:
    """Of readings that are written together each has NULL where it has no value, and nothing in `extra`."""
    one, other = replace(reading(1), values={"voltage_l1": 230}), replace(reading(2), values={"energy_import": 0})
    columns = Columns.of([one, other])
    assert columns.names[-2:] == ("voltage_l1", "energy_import")
    assert columns.row(one, 7, T0)[-3:] == (None, 2300, None)
    assert columns.row(other, 7, T0)[-3:] == (None, None, 0)


@pytest.mark.parametrize(
    ("value", "steps"),
    [
        (214_748_364.7, 2**31 - 1),
        (214_748_364.8, None),
        (-214_748_364.8, -(2**31)),
        (-214_748_364.9, None),
        (-3.4e38, None),
    ],
)
def test_what_four_bytes_cannot_count_is_kept_in_full(value: float, steps: int | None) -> None:
    """It stands in `extra` as it came, and not in its column."""
    written = cells(replace(reading(1), values={"power_total": value, "power_l1": 1}))
    assert (written["power_total"], written["power_l1"]) == (steps, 10)
    assert written["extra"] == ({"power_total": value} if steps is None else None)


@given(st.dictionaries(st.sampled_from(GAUGES), st.floats(-(2.0**127), 2.0**127, width=32), max_size=20))
def test_no_value_is_off_by_more_than_half_a_step(values: dict[str, float]) -> None:
    """Each gauge of each reading is in its column or in `extra`, never in both, and is what it was."""
    written = cells(replace(reading(1), values=values))
    extra = written["extra"] or {}
    assert isinstance(extra, dict)
    assert {name for name in values if written[name] is None} == extra.keys()
    for name, value in values.items():
        steps = written[name]
        if isinstance(steps, int):
            resolution = BY_NAME[name].resolution
            assert steps * resolution == pytest.approx(value, rel=1e-12, abs=0.500_001 * resolution)
        else:
            assert extra[name] == value
