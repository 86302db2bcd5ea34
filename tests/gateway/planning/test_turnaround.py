"""How long a meter is waited for follows from how long it took."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_gateway.planning.turnaround import FIRST_GUESS_S, LONGEST_S, Turnaround

FLOOR_S = 0.2
TIMES = st.floats(0.0, 5.0)
EVENTS = st.lists(st.one_of(st.none(), TIMES), max_size=40)  # a reply's turnaround, or no reply


def after(events: list[float | None], turnaround: Turnaround) -> Turnaround:
    """Return what is known after these replies; None is one that did not come."""
    return reduce(lambda known, event: known.missed() if event is None else known.measured(event), events, turnaround)


@pytest.mark.parametrize(
    ("events", "patience_s"),
    [
        ([], 0.2),
        ([0.02], 0.2),
        ([0.1], 0.4),
        ([0.1, 0.2], 4 * 0.12),
        ([None], 0.2),
        ([None, None], 0.2),
        ([None, None, None], 0.4),
        ([None] * 4, 0.8),
        ([None] * 1000, 0.8),
        ([0.02] * 9 + [None] * 3 + [0.35], 4 * 0.35),
        ([1.0] + [None] * 9, 4.0),
    ],
)
def test_patience(events: list[float | None], patience_s: float) -> None:
    """Four times the mean, at least the floor; from the third loss on twice as long each time, up to a cap."""
    assert after(events, Turnaround(FLOOR_S)).patience_s == pytest.approx(patience_s)


@given(EVENTS, st.floats(0.05, 10.0))
def test_patience_keeps_its_bounds(events: list[float | None], floor_s: float) -> None:
    """It is never below the floor, nor above the cap unless the meter itself was as slow as that."""
    slowest = max((event for event in events if event is not None), default=0.0)
    assert floor_s <= after(events, Turnaround(floor_s)).patience_s <= max(floor_s, LONGEST_S, 4 * slowest) + 1e-9


@given(EVENTS, st.floats(0.0, 1.0))
def test_the_plan_follows_the_mean(events: list[float | None], seconds: float) -> None:
    """What is planned with stays near what replies have long taken."""
    settled = after([*events, *[seconds] * 60], Turnaround(FLOOR_S))
    assert abs(settled.planned_s - seconds) <= max(0.01, 0.25 * settled.planned_s) + 1e-3


@given(st.floats(0.07, 1.0), st.lists(st.floats(-0.2, 0.2), max_size=30))
def test_the_plan_does_not_tremble(seconds: float, shares: list[float]) -> None:
    """Replies that take a fifth more or less than what was planned with leave the plan as it is."""
    planned = Turnaround(FLOOR_S).measured(seconds)
    assert planned.planned_s == seconds
    assert after([seconds * (1 + share) for share in shares], planned).planned_s == seconds


def test_the_first_plan_is_made_with_a_guess() -> None:
    """Before the first reply, and after one that took as long as guessed, requests are planned alike."""
    assert Turnaround(FLOOR_S).planned_s == FIRST_GUESS_S
    assert Turnaround(FLOOR_S).measured(0.052).planned_s == FIRST_GUESS_S
    assert Turnaround(FLOOR_S).measured(0.09).planned_s == 0.09
