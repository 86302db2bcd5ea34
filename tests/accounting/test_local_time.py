"""Days and months of local time on the UTC grid (rule 6)."""

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_accounting.local_time import date_of, day, days, month, printed, weeks_before, year
from mmetering_accounting.quarter import begin_of, instant_of, ms_of, quarter_of, quarters_between

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    ["Europe/Berlin", "Europe/Vienna", "UTC", "Asia/Kathmandu", "America/Havana", "Australia/Lord_Howe"]
)
DATES = st.dates(date(1990, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize(
    ("of", "quarters", "first"),
    [
        (date(2026, 3, 28), 96, datetime(2026, 3, 27, 23, tzinfo=UTC)),
        (date(2026, 3, 29), 92, datetime(2026, 3, 28, 23, tzinfo=UTC)),
        (date(2026, 10, 25), 100, datetime(2026, 10, 24, 22, tzinfo=UTC)),
        (date(2026, 10, 26), 96, datetime(2026, 10, 25, 23, tzinfo=UTC)),
    ],
)
def test_a_day_is_local_midnight_to_local_midnight(of: date, quarters: int, first: datetime) -> None:
    """In Berlin a day must have 96 quarter hours, 92 when clocks go forward, 100 when they go back."""
    found = day(of, BERLIN)
    assert len(found) == quarters
    assert begin_of(found[0]) == first


def test_months_and_years_are_their_days() -> None:
    """A month must have all quarter hours of its days, its last day included, and a year those of its months."""
    assert len(month(2026, 3, BERLIN)) == 31 * 96 - 4
    assert len(month(2026, 10, BERLIN)) == 31 * 96 + 4
    assert len(month(2026, 12, BERLIN)) == 31 * 96
    months = [month(2026, number, BERLIN) for number in range(1, 13)]
    assert all(before.stop == after.start for before, after in pairwise(months))
    assert year(2026, BERLIN) == range(months[0].start, months[-1].stop)
    assert len(year(2024, BERLIN)) == 366 * 96


@given(DATES, ZONES)
def test_days_follow_one_another_without_hole(of: date, name: str) -> None:
    """Where one day ends the next must begin, in every zone; each of its quarter hours must know its day."""
    zone = ZoneInfo(name)
    here, after = day(of, zone), day(date.fromordinal(of.toordinal() + 1), zone)
    assert here.stop == after.start
    assert days(of, date.fromordinal(of.toordinal() + 1), zone) == range(here.start, after.stop)
    assert {date_of(quarter, zone) for quarter in here} == {of}


def test_a_midnight_within_a_quarter_hour_is_refused() -> None:
    """A zone whose midnight is no boundary of the grid must be refused instead of moving energy to another day."""
    with pytest.raises(ValueError, match="Africa/Monrovia is no quarter hour"):
        day(date(1971, 1, 1), ZoneInfo("Africa/Monrovia"))


def test_local_times_are_printed_with_their_offset() -> None:
    """The hour that comes twice in October must read differently each time, and so must zones west of Greenwich."""
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert printed(first, BERLIN) == "2026-10-25 02:30 +02:00"
    assert printed(second, BERLIN) == "2026-10-25 02:30 +01:00"
    assert printed(first, ZoneInfo("America/New_York")) == "2026-10-24 20:30 -04:00"


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_lies_in_its_quarter_hour(instant: datetime) -> None:
    """Quarter hours must be numbered so that each instant lies between the boundaries of its own."""
    quarter = quarter_of(instant)
    assert begin_of(quarter) <= instant < begin_of(quarter + 1)
    assert ms_of(instant_of(ms_of(instant))) == ms_of(instant)
    assert list(quarters_between(instant, begin_of(quarter + 2))) == [quarter, quarter + 1]
    assert list(quarters_between(begin_of(quarter), begin_of(quarter + 1))) == [quarter]


def test_the_same_weekday_before_has_the_same_local_time() -> None:
    """Across both clock changes the quarter hour of a week before must be the one at the same time of day."""
    for noon in (datetime(2026, 3, 31, 12, tzinfo=BERLIN), datetime(2026, 10, 27, 12, tzinfo=BERLIN)):
        before = begin_of(weeks_before(quarter_of(noon), 1, BERLIN)).astimezone(BERLIN)
        assert (before.hour, before.minute, (noon.date() - before.date()).days) == (12, 0, 7)
