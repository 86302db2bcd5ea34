"""A reading that was taken while the wall clock was wrong gets its true time, or an honest guess."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_contract.reading import Reading
from mmetering_gateway.dating import EARLIEST_MS, Moment, Uptime, dated, instant, ms_of

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
HOUR_MS = 3_600_000
HOUR = timedelta(hours=1)
A_YEAR = timedelta(days=365)


def a_reading(ts: datetime) -> Reading:
    """Return a reading with the time of a clock that was wrong."""
    return Reading(
        meter="flat-01", ts=ts, seq=7, group="live", values={}, span_ms=12, quality="good", clock_synced=False
    )


def a_moment(uptime_ms: int) -> Moment:
    """Return NOW, so long after the boot `b`."""
    return Moment(round(NOW.timestamp() * 1000), Uptime("b", uptime_ms), good=True)


@given(
    shown_ms=st.integers(0, 4_000_000_000_000),
    taken_ms=st.integers(0, 10**11),
    since_ms=st.integers(0, 10**10),
)
def test_what_has_passed_since_tells_the_time(shown_ms: int, taken_ms: int, since_ms: int) -> None:
    """In the same boot the time follows from both uptimes, to the millisecond, whatever the wall clock showed."""
    reading = dated(a_reading(instant(shown_ms)), Uptime("b", taken_ms), a_moment(taken_ms + since_ms), EARLIEST_MS)
    assert NOW - reading.ts == timedelta(milliseconds=since_ms)
    assert reading.clock_synced
    assert reading.seq == 7


@pytest.mark.parametrize(
    ("shown", "guess"),
    [
        (NOW - 2 * HOUR, NOW - 2 * HOUR),
        (datetime(1970, 1, 1, tzinfo=UTC), NOW - 3 * HOUR),
        (NOW - 4 * HOUR, NOW - 3 * HOUR),
        (NOW - HOUR / 2, NOW - HOUR),
        (NOW + 40 * A_YEAR, NOW - HOUR),
    ],
)
def test_an_earlier_boot_leaves_a_guess(shown: datetime, guess: datetime) -> None:
    """It says that it is one, and lies between the reading before it and the present boot."""
    after_ms = ms_of(a_reading(NOW - 3 * HOUR))
    reading = dated(a_reading(shown), Uptime("a", 5), a_moment(HOUR_MS), after_ms)
    assert (reading.ts, reading.clock_synced) == (guess, False)


@given(ms=st.integers(0, 253_000_000_000_000))
def test_an_instant_keeps_its_milliseconds(ms: int) -> None:
    """No rounding on the way from milliseconds to a reading and back."""
    assert ms_of(a_reading(instant(ms))) == ms
