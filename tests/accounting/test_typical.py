"""What a quarter hour typically holds (rule 3)."""

from datetime import datetime
from zoneinfo import ZoneInfo

from mmetering_accounting.quarter import WEEK, quarter_of
from mmetering_accounting.typical import PARTS, Typical

BERLIN = ZoneInfo("Europe/Berlin")
NOON = quarter_of(datetime(2026, 6, 24, 12, tzinfo=BERLIN))


def test_it_is_the_mean_of_the_same_weekdays() -> None:
    """The four nearest weeks before must count alike, a fifth not; weeks without a measurement are left out."""
    known = {NOON - weeks * WEEK: wh for weeks, wh in ((1, 100), (2, 50), (4, 30), (5, 1000))}
    assert Typical(known.get, BERLIN).parts(NOON, NOON) == 60 * PARTS


def test_nothing_like_it_is_no_figure() -> None:
    """Without any measurement in those weeks there must be no figure, rather than 0."""
    assert Typical({NOON - 5 * WEEK: 7, NOON - 1: 7}.get, BERLIN).parts(NOON, NOON) is None


def test_in_a_long_gap_weeks_before_it_count() -> None:
    """Deep in a gap of weeks the four weeks before the gap must count, not ones within it."""
    known = {NOON - weeks * WEEK: weeks for weeks in range(1, 12)}
    assert Typical(known.get, BERLIN).parts(NOON, NOON - 2 * WEEK) == (3 + 4 + 5 + 6) * PARTS // 4


def test_it_never_looks_into_the_gap() -> None:
    """Where clocks went forward, the same local time a week before lies an hour later: what is in the gap is not it."""
    gap = quarter_of(datetime(2026, 3, 25, 12, tzinfo=BERLIN))
    typical = Typical(lambda quarter: 5 if quarter < gap else 900, BERLIN)
    assert {typical.parts(gap + number, gap) for number in range(2 * WEEK)} == {5 * PARTS}
