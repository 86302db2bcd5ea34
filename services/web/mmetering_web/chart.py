"""Which stretch of time a chart shows: whole quarter hours in UTC, days from local midnight to local midnight. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

QUARTER_HOUR = timedelta(minutes=15)
LONGEST = timedelta(days=400)  # a year and a bit: 38,400 quarter hours, about 1.5 MB of JSON
_COUNT = re.compile(r"[0-9]{1,3}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class PeriodError(ValueError):
    """Say what is wrong with a period that was asked for."""


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time from `start` (included) to `end` (excluded), UTC, both at full quarter hours."""

    start: datetime
    end: datetime


def period_of(arguments: Mapping[str, str], zone: ZoneInfo, now: datetime) -> Period:
    """Return the period that a request asks for, cut at the current quarter hour.

    Args:
        arguments: either `days`, so many local days with today as the last, or `from` and `to`: local dates (both
            included), or instants of ISO 8601 with their offset.
        zone: the site's.
        now: with its zone.

    Raises:
        PeriodError: in words for the one who asked.
    """
    if "days" in arguments:
        start, end = _last_days(arguments["days"], zone, now), now
    elif "from" in arguments and "to" in arguments:
        start = _instant("from", arguments["from"], zone, timedelta(0))
        end = _instant("to", arguments["to"], zone, timedelta(days=1))
    else:
        raise PeriodError("give either days, or from and to")
    if start >= end:
        raise PeriodError("from must lie before to")
    if end - start > LONGEST:
        raise PeriodError(f"from and to may be at most {LONGEST.days} days apart")
    start = _floor(start)
    return Period(start, max(min(_floor(end + QUARTER_HOUR - timedelta(microseconds=1)), _floor(now)), start))


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day begins at the site, UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def today(zone: ZoneInfo, now: datetime) -> date:
    """Return the site's date."""
    return now.astimezone(zone).date()


def days_of(period: Period, zone: ZoneInfo) -> list[Period]:
    """Return the local days that a period touches, whole but for the period's end, in order."""
    days: list[Period] = []
    day = today(zone, period.start)
    while (start := midnight(day, zone)) < period.end:
        day += timedelta(days=1)
        days.append(Period(start, min(midnight(day, zone), period.end)))
    return days


def reading_instants(zone: ZoneInfo, now: datetime) -> list[tuple[str, datetime]]:
    """Return when counters are wanted for the meter's page, newest first, each with its name."""
    day = today(zone, now)
    month = day.replace(day=1)
    last_month = (month - timedelta(days=1)).replace(day=1)
    wanted = [
        ("today", day),
        ("yesterday", day - timedelta(days=1)),
        ("a week ago", day - timedelta(days=7)),
        ("first of this month", month),
        ("first of last month", last_month),
    ]
    return [(name, midnight(when, zone)) for name, when in sorted(wanted, key=lambda item: item[1], reverse=True)]


def _last_days(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    if not _COUNT.fullmatch(text) or not 1 <= int(text) < LONGEST.days:
        raise PeriodError(f"days must be a whole number from 1 to {LONGEST.days - 1}")
    return midnight(today(zone, now) - timedelta(days=int(text) - 1), zone)


def _instant(name: str, text: str, zone: ZoneInfo, whole_day: timedelta) -> datetime:
    try:
        if _DATE.fullmatch(text):
            return midnight(date.fromisoformat(text) + whole_day, zone)
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise PeriodError(f"{name} needs an offset, as in 2026-11-23T00:00:00+01:00, or be a date")
        return instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        if isinstance(error, PeriodError):
            raise
        raise PeriodError(f"{name} is neither a date nor an instant such as 2026-11-23T00:00:00+01:00") from None


def _floor(instant: datetime) -> datetime:
    seconds = instant.timestamp()
    return datetime.fromtimestamp(seconds - seconds % QUARTER_HOUR.total_seconds(), UTC)
