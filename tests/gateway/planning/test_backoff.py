"""A silent meter is asked less and less often, and never more than a minute apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_gateway.planning.backoff import LONGEST_S, Backoff


@pytest.mark.parametrize(
    ("interval", "asked"),
    [
        (1, [0, 1, 2, 3, 5, 9, 17, 33, 65, 125, 185]),
        (10, [0, 10, 20, 30, 40, 50, 60, 80, 120, 180]),
        (60, [0, 60, 120, 180]),
    ],
)
def test_slots_in_which_a_dead_meter_is_asked(interval: int, asked: list[int]) -> None:
    """At every slot to begin with, where the first counts twice; then after twice as long each time, up to a minute."""
    backoff, told = Backoff(), []
    for at in range(0, 190, interval):
        if backoff.due(at):
            told.append(at)
            backoff = backoff.silent(at) if at else backoff.silent(at).silent(at)
    assert told == asked


@given(silences=st.integers(0, 10_000), at=st.floats(0, 1e9), interval=st.integers(1, 900))
def test_a_meter_that_is_back_is_asked_within_the_longest_delay(silences: int, at: float, interval: int) -> None:
    """However long it was dead, a slot after the longest delay is one in which it is asked."""
    assert Backoff(silences, at).due(at + max(LONGEST_S, interval))
