"""A gateway's clock is judged by when its newest readings arrive."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from ingest_building import T0
from mmetering_ingest.clocks import WINDOW, Clocks, is_off

MINUTE = timedelta(minutes=1)


def judged(windows: Sequence[Sequence[float]]) -> float | None:
    """Return the offset (s) of a gateway whose batches had these lags (s), window by window."""
    clocks, now = Clocks(), T0
    clocks.turn(now)
    for lags in windows:
        for lag in lags:
            clocks.note("main", now - timedelta(seconds=lag), now)
        now += WINDOW
        clocks.turn(now)
    return clocks.gateways["main"].clock_offset_s


@pytest.mark.parametrize(
    ("windows", "offset"),
    [
        ([[0.8, 1.2]], -0.8),
        ([[3600, 0.8, 7200]], -0.8),  # a backlog beside new readings
        ([[-120.0, 5000]], 120.0),  # nothing comes before it was read
        ([[3600, 3700]], None),  # it may be late only
        ([[3600], [1800], [60]], None),  # a backlog on its way, and nothing new
        ([[3600.5], [3600.9, 9000]], -3600.9),  # so late again: the clock is behind
        ([[3600], [], [3600]], None),
        ([[0.8], [3600]], -0.8),
    ],
)
def test_the_smallest_lag_tells(windows: list[list[float]], offset: float | None) -> None:
    """Ahead is certain at once, behind when the smallest lag stays; what nobody can tell is None, or what was known."""
    assert judged(windows) == offset


def test_a_clock_that_goes_wrong_is_told_of_once_and_so_is_its_end() -> None:
    """Each change is returned by the turn that found it, and by no other."""
    clocks, now, told = Clocks(), T0, []
    for lag in (1, 1, -60, -60, 1, 1):
        clocks.note("main", now - timedelta(seconds=lag), now)
        now += WINDOW
        told.append(clocks.turn(now))
    assert told == [{}, {}, {"main": 60}, {}, {"main": -1}, {}]


def test_between_two_turns_a_window_must_pass() -> None:
    """Asked too early, nothing is judged."""
    clocks = Clocks()
    clocks.turn(T0)
    clocks.note("main", T0 + MINUTE, T0)
    assert clocks.turn(T0 + WINDOW / 2) == {}
    assert clocks.gateways["main"].clock_offset_s is None


def test_a_batch_without_a_time_to_judge_by_is_seen() -> None:
    """Readings of a clock that was never set say nothing of the clock."""
    clocks = Clocks()
    clocks.note("main", None, T0)
    clocks.turn(T0)
    assert (clocks.gateways["main"].batch_at, clocks.gateways["main"].clock_offset_s) == (T0, None)


@pytest.mark.parametrize(("offset", "off"), [(None, False), (-9.9, False), (10.1, True), (-3600, True)])
def test_ten_seconds_are_off(offset: float | None, off: bool) -> None:  # noqa: FBT001 a column of the table
    """Less is the way of a reading."""
    assert is_off(offset) is off
