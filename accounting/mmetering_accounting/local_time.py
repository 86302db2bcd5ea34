"""Local days, months and years as quarter hours of UTC, and local times as people read them.

A day is from local midnight to local midnight: 92, 96 or 100 quarter hours. Only dates are ever compared in local
time; instants are compared in UTC.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mmetering_accounting.quarter import QUARTER_MS, WEEK, begin_of, ms_of

QUARTER = timedelta(minutes=15)
DECEMBER = 12


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day begins; where clocks go forward at midnight, that of the first local time."""
    return datetime.combine(day, time(), zone)


def days(first: date, last: date, zone: ZoneInfo) -> range:
    """Return the quarter hours of the days from the first to the last, both included.

    Raises:
        ValueError: midnight is within a quarter hour there, as with some offsets before 1970.
    """
    begin, end = ms_of(midnight(first, zone)), ms_of(midnight(last + timedelta(days=1), zone))
    if begin % QUARTER_MS or end % QUARTER_MS:
        raise ValueError(f"midnight in {zone.key} is no quarter hour of UTC on {first} or after {last}")
    return range(begin // QUARTER_MS, end // QUARTER_MS)


def each_day(first: date, last: date) -> list[date]:
    """Return the days from the first to the last, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def day(of: date, zone: ZoneInfo) -> range:
    """Return the quarter hours of a day: 92, 96 or 100."""
    return days(of, of, zone)


def month(year: int, number: int, zone: ZoneInfo) -> range:
    """Return the quarter hours of a calendar month, of which January is number 1."""
    after = date(year + number // DECEMBER, number % DECEMBER + 1, 1)
    return days(date(year, number, 1), after - timedelta(days=1), zone)


def year(number: int, zone: ZoneInfo) -> range:
    """Return the quarter hours of a calendar year."""
    return days(date(number, 1, 1), date(number, 12, 31), zone)


def date_of(quarter: int, zone: ZoneInfo) -> date:
    """Return the day that a quarter hour lies in; clocks must not go back across midnight, as once in St. John's."""
    return begin_of(quarter).astimezone(zone).date()


def printed(instant: datetime, zone: ZoneInfo) -> str:
    """Return a local time to the minute with its offset: 2026-10-25 02:30 +01:00."""
    text = instant.astimezone(zone).isoformat(" ", "minutes")
    return f"{text[:16]} {text[16:]}"


def weeks_before(quarter: int, weeks: int, zone: ZoneInfo) -> int:
    """Return the quarter hour with the same local time so many weeks before, clock changes or not."""
    earlier = quarter - weeks * WEEK
    return earlier + (_offset(quarter, zone) - _offset(earlier, zone)) // QUARTER


def _offset(quarter: int, zone: ZoneInfo) -> timedelta:
    offset = begin_of(quarter).astimezone(zone).utcoffset()
    assert offset is not None
    return offset
