"""Periods of charts."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_web.chart import LONGEST, PeriodError, days_of, midnight, period_of, reading_instants, today
from web.stage import ZONE

NOW = datetime(2026, 11, 23, 12, 7, 31, tzinfo=UTC)


def utc(text: str) -> datetime:
    """Return an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("arguments", "start", "end"),
    [
        ({"days": "1"}, "2026-11-22T23:00", "2026-11-23T12:00"),
        ({"days": "7"}, "2026-11-16T23:00", "2026-11-23T12:00"),
        ({"days": "60"}, "2026-09-24T22:00", "2026-11-23T12:00"),
        ({"from": "2026-10-25", "to": "2026-10-25"}, "2026-10-24T22:00", "2026-10-25T23:00"),
        ({"from": "2026-03-29", "to": "2026-03-29"}, "2026-03-28T23:00", "2026-03-29T22:00"),
        ({"from": "2026-11-01T00:01:00Z", "to": "2026-11-01T00:16:00Z"}, "2026-11-01T00:00", "2026-11-01T00:30"),
        ({"from": "2026-11-01T00:00:00+01:00", "to": "2026-11-02"}, "2026-10-31T23:00", "2026-11-02T23:00"),
        ({"from": "2026-11-22", "to": "2026-12-24"}, "2026-11-21T23:00", "2026-11-23T12:00"),
        ({"from": "2027-01-01", "to": "2027-01-02"}, "2026-12-31T23:00", "2026-12-31T23:00"),
    ],
)
def test_a_period_is_whole_quarter_hours_up_to_now(arguments: dict[str, str], start: str, end: str) -> None:
    """Days are the site's, also when the clocks change, and nothing of the future is asked for."""
    period = period_of(arguments, ZONE, NOW)
    assert (period.start, period.end) == (utc(start), utc(end))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "give either days, or from and to"),
        ({"from": "2026-11-01"}, "give either days"),
        ({"days": "0"}, "whole number"),
        ({"days": "400"}, "whole number"),
        ({"days": "-1"}, "whole number"),
        ({"days": "1e1"}, "whole number"),
        ({"days": "²"}, "whole number"),
        ({"from": "yesterday", "to": "2026-11-01"}, "from is neither a date nor an instant"),
        ({"from": "2026-11-01", "to": "2026-13-01"}, "to is neither"),
        ({"from": "2026-11-01T00:00:00", "to": "2026-11-02"}, "from needs an offset"),
        ({"from": "2026-11-02", "to": "2026-10-01"}, "from must lie before to"),
        ({"from": "2020-01-01", "to": "2026-01-01"}, "at most 400 days"),
        ({"from": "0001-01-01", "to": "9999-12-31"}, "neither|at most"),
        ({"from": "2026-11-01T00:00:00%2B01:00", "to": "2026-11-02"}, "from is neither"),
    ],
)
def test_a_wrong_period_is_refused_in_words(arguments: dict[str, str], text: str) -> None:
    """Who asks for nonsense is told what would be right."""
    with pytest.raises(PeriodError, match=text):
        period_of(arguments, ZONE, NOW)


@given(st.integers(1, LONGEST.days - 1), st.datetimes(datetime(2001, 1, 1), datetime(2037, 1, 1)))  # noqa: DTZ001  # Hypothesis wants them naive
def test_days_fill_their_period_without_holes(count: int, naive: datetime) -> None:
    """The days of a period join without a hole, and are 92, 96 or 100 quarter hours, but for the last."""
    period = period_of({"days": str(count)}, ZONE, naive.replace(tzinfo=UTC))
    days = days_of(period, ZONE)
    assert len(days) == count or (len(days) == count - 1 and period.end == midnight(today(ZONE, period.end), ZONE))
    assert [day.start for day in days[1:]] == [day.end for day in days[:-1]]
    assert all(day.end - day.start in {timedelta(hours=hours) for hours in (23, 24, 25)} for day in days[:-1])


def test_counters_are_wanted_at_local_midnights() -> None:
    """The newest comes first, and each is a midnight of the site."""
    assert reading_instants(ZONE, NOW) == [
        ("today", utc("2026-11-22T23:00")),
        ("yesterday", utc("2026-11-21T23:00")),
        ("a week ago", utc("2026-11-15T23:00")),
        ("first of this month", utc("2026-10-31T23:00")),
        ("first of last month", utc("2026-09-30T22:00")),
    ]


def test_the_sites_date_is_not_that_of_utc() -> None:
    """Late in the evening it is tomorrow already."""
    assert today(ZONE, utc("2026-11-23T23:30")) == date(2026, 11, 24)
