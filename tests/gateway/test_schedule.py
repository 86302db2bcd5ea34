"""Polls lie on the wall clock's slots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_contract.quantity import Group
from mmetering_gateway.schedule import QUARTER_HOUR_S, Slot, missed_slots, next_slot

DIVISORS = [seconds for seconds in range(1, QUARTER_HOUR_S + 1) if QUARTER_HOUR_S % seconds == 0]
INTERVALS = {Group.LIVE: 10, Group.ENERGY: 60}


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        (0.0, Slot(10, (Group.LIVE,))),
        (9.999, Slot(10, (Group.LIVE,))),
        (10.0, Slot(20, (Group.LIVE,))),
        (50.5, Slot(60, (Group.ENERGY, Group.LIVE))),
    ],
)
def test_the_next_slot_is_after_now_and_counters_go_first(now: float, slot: Slot) -> None:
    """A slot that has begun is over; of groups that fall together the counters are read first."""
    assert next_slot(now, INTERVALS) == slot


@given(now=st.floats(1e9, 2e9), live=st.sampled_from(DIVISORS), energy=st.sampled_from(DIVISORS))
def test_every_quarter_hour_is_a_slot_of_every_group(now: float, live: int, energy: int) -> None:
    """Walking from slot to slot meets the next quarter hour, with all groups."""
    intervals = {Group.LIVE: live, Group.ENERGY: energy}
    boundary = (int(now) // QUARTER_HOUR_S + 1) * QUARTER_HOUR_S
    slot = next_slot(boundary - min(live, energy) / 2, intervals)
    assert slot == Slot(boundary, (Group.ENERGY, Group.LIVE))
    assert now < next_slot(now, intervals).at <= boundary


def test_slots_that_a_busy_bus_missed_are_counted() -> None:
    """Between the polls at 10 and at 40 lie those of 20 and 30."""
    assert missed_slots(Slot(10, ()), Slot(40, ()), INTERVALS) == 2
    assert missed_slots(Slot(10, ()), Slot(20, ()), INTERVALS) == 0
