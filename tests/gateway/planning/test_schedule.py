"""Polls lie on the wall clock's slots."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_contract.quantity import Group
from mmetering_gateway.planning.schedule import QUARTER_HOUR_S, Slot, late_slot, missed_slots, next_slot, shortest

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


@pytest.mark.parametrize(
    ("slot", "missed"),
    [
        (Slot(20, (Group.LIVE,)), 0),
        (Slot(40, (Group.LIVE,)), 2),
        (Slot(60, (Group.ENERGY, Group.LIVE)), 4),
        (Slot(60, (Group.ENERGY,)), 5),
    ],
)
def test_slots_that_a_busy_bus_missed_are_counted(slot: Slot, missed: int) -> None:
    """Between the polls at 10 and at 40 lie those of 20 and 30; one without all of its groups counts as well."""
    assert missed_slots(Slot(10, (Group.LIVE,)), slot, INTERVALS) == missed


ALL = {Group.LIVE: 10, Group.ENERGY: 60, Group.QUALITY: 30, Group.DEMAND: 300}


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        (19.9, None),
        (20.1, None),
        (31.0, Slot(30, (Group.QUALITY,))),
        (61.5, Slot(60, (Group.ENERGY, Group.QUALITY))),
        (305.0, Slot(300, (Group.ENERGY, Group.QUALITY, Group.DEMAND))),
        (5.0, None),
    ],
)
def test_a_late_slot_leaves_the_live_values_out(now: float, slot: Slot | None) -> None:
    """After the poll at 10 what was passed is made good at once, but for live values; nothing if that was all."""
    assert late_slot(Slot(10, (Group.LIVE,)), now, ALL) == slot


def test_live_values_are_not_left_out_twice() -> None:
    """Where the counters are late again, which were read alone, the live values are read with them this time."""
    assert late_slot(Slot(60, (Group.ENERGY,)), 125.0, ALL) == Slot(120, (Group.ENERGY, Group.LIVE, Group.QUALITY))
    assert late_slot(Slot(60, (Group.ENERGY,)), 75.0, {Group.LIVE: 10, Group.ENERGY: 60}) is None


@pytest.mark.parametrize("energy_s", [5.0, 65.0, 200.0, 2000.0])
def test_live_values_come_at_least_every_other_time(energy_s: float) -> None:
    """Even where the counters alone take longer than their interval, both of them are read again and again."""
    intervals, now, previous = {Group.LIVE: 10, Group.ENERGY: 60}, 0.0, Slot(0, ())
    seen: list[tuple[Group, ...]] = []
    for _ in range(50):
        late = late_slot(previous, now, intervals)
        previous = late or next_slot(now, intervals)
        now = max(now, previous.at) + sum({Group.ENERGY: energy_s, Group.LIVE: 12.0}[g] for g in previous.groups)
        seen.append(previous.groups)
    assert all(Group.LIVE in one + other for one, other in pairwise(seen))
    assert sum(Group.ENERGY in groups for groups in seen) >= 50 * 10 / 60


def test_the_shortest_interval_is_that_of_a_group_that_does_not_wait() -> None:
    """It is what a slot has to be done in; where all groups wait it is the shortest of theirs."""
    assert shortest(ALL) == 10
    assert shortest({Group.ENERGY: 60, Group.QUALITY: 5}) == 60
    assert shortest({Group.QUALITY: 30, Group.DEMAND: 300}) == 30


@given(
    at=st.integers(10**6, 10**6 + 900),
    took=st.floats(0.0, 2000.0),
    energy=st.sampled_from(DIVISORS),
    live=st.sampled_from(DIVISORS),
    quality=st.sampled_from(DIVISORS),
)
def test_counters_are_never_left_out(at: int, took: float, energy: int, live: int, quality: int) -> None:
    """However long a poll took: if a slot of the counters passed meanwhile, they are read at once; and then are not."""
    intervals = {Group.LIVE: live, Group.ENERGY: energy, Group.QUALITY: quality}
    now = at + took
    late = late_slot(Slot(at, ()), now, intervals)
    passed = int(now // energy) * energy > at
    assert passed == (late is not None and Group.ENERGY in late.groups)
    if late:
        assert at < late.at <= now
        again = late_slot(late, now, intervals)
        assert again is None or Group.ENERGY not in again.groups
