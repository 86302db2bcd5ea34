"""The grid of accounting: quarter hours of UTC, numbered from 1970.

Quarter hour q lasts from boundary q to boundary q + 1. Instants are whole milliseconds since 1970, as readings are;
so nothing is ever rounded but energy.
"""

from datetime import UTC, datetime, timedelta

QUARTER_MS = 900_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
WEEK = 7 * 96  # quarter hours

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def ms_of(instant: datetime) -> int:
    """Return the milliseconds since 1970 of an instant with any offset."""
    return (instant - _EPOCH) // _MILLISECOND


def instant_of(ms: int) -> datetime:
    """Return the instant, in UTC, of so many milliseconds since 1970."""
    return _EPOCH + ms * _MILLISECOND


def quarter_of(instant: datetime) -> int:
    """Return the quarter hour that an instant lies in."""
    return ms_of(instant) // QUARTER_MS


def begin_of(quarter: int) -> datetime:
    """Return when a quarter hour begins, in UTC."""
    return instant_of(quarter * QUARTER_MS)


def quarters_between(begin: datetime, end: datetime) -> range:
    """Return the quarter hours that have any part between two instants."""
    return range(ms_of(begin) // QUARTER_MS, -(-ms_of(end) // QUARTER_MS))
