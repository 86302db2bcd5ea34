"""What a bus can carry, and what it is given to carry."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_contract.quantity import Group
from mmetering_gateway.models.sdm630 import SDM630
from mmetering_gateway.planning.budget import DEFAULTS, SAFE_LOAD, STEPS, Budget, Read, budget_of, intervals_for
from mmetering_gateway.planning.requests import Request, line
from mmetering_gateway.planning.schedule import QUARTER_HOUR_S, shortest

LIVE, ENERGY, QUALITY, DEMAND = Group.LIVE, Group.ENERGY, Group.QUALITY, Group.DEMAND
PATIENCE_S = 0.2


def a_budget(seconds: Mapping[Group, float], meters: int = 1) -> Budget:
    """Return the budget of meters each of which takes so many seconds."""
    reads = (Read(group, "m", meters, (Request(0, 2),), each) for group, each in seconds.items())
    return Budget(tuple(reads), PATIENCE_S)


def of_line(meters: int, baud: int, pause_s: float = 0.06) -> Budget:
    """Return the budget of SDM630 meters on a line, 8N1, each taking 50 ms to answer."""
    return budget_of([SDM630] * meters, line(baud, 10, 0.05, pause_s), PATIENCE_S)


def test_a_read_costs_what_the_wire_takes() -> None:
    """Two meters of one request of 72 registers: 157 characters, two silences, 50 ms and a pause of 60 ms, twice."""
    budget = of_line(2, 9600)
    (live,) = (read for read in budget.reads if read.group is LIVE)
    assert live.requests == (Request(0x00, 72),)
    assert (live.meters, live.bytes) == (2, 157)
    assert budget.seconds[LIVE] == pytest.approx(2 * (157 * 10 / 9600 + 2 * 3.5 * 11 / 9600 + 0.05 + 0.06))


def test_the_load_is_the_sum_of_the_groups() -> None:
    """Each takes its seconds once in its interval; a group that is not read takes nothing."""
    budget = a_budget({LIVE: 0.5, ENERGY: 1.5, QUALITY: 3.0}, meters=2)
    assert budget.load({LIVE: 5, ENERGY: 60}) == pytest.approx(0.2 + 0.05)
    assert budget.load({LIVE: 5, ENERGY: 60, QUALITY: 60, DEMAND: 300}) == pytest.approx(0.2 + 0.05 + 0.1)


@pytest.mark.parametrize(
    ("intervals", "slot_s"),
    [
        ({LIVE: 5, ENERGY: 60}, 1.0 + 3.0 + PATIENCE_S),
        ({LIVE: 5, ENERGY: 60, QUALITY: 60}, 1.0 + 3.0 + PATIENCE_S),
        ({LIVE: 5, QUALITY: 60, DEMAND: 300}, 1.0 + 2.5 + PATIENCE_S),
        ({ENERGY: 60}, 3.0 + PATIENCE_S),
    ],
)
def test_the_longest_slot_reads_counters_and_live_values_or_one_waiting_turn(
    intervals: Mapping[Group, int], slot_s: float
) -> None:
    """The waiting groups of all meters are not in it, but the longest turn of one meter is, if it is the longer one."""
    budget = a_budget({LIVE: 0.5, ENERGY: 1.5, QUALITY: 2.5, DEMAND: 0.1}, meters=2)
    assert budget.slot_s(intervals) == pytest.approx(slot_s)


@pytest.mark.parametrize(
    ("meters", "baud", "expected"),
    [
        (1, 9600, {ENERGY: 60, LIVE: 10, QUALITY: 60, DEMAND: 300}),
        (11, 9600, {ENERGY: 60, LIVE: 10, QUALITY: 60, DEMAND: 300}),
        (32, 9600, {ENERGY: 60, LIVE: 30, QUALITY: 180, DEMAND: 300}),
        (32, 2400, {ENERGY: 60, LIVE: 180, QUALITY: 900, DEMAND: 900}),
    ],
)
def test_the_defaults_are_what_the_line_can_carry(meters: int, baud: int, expected: dict[Group, int]) -> None:
    """A full line is read less often, the counters last; the load is safe."""
    budget = of_line(meters, baud)
    intervals = intervals_for(budget, {})
    assert intervals == expected
    assert budget.is_safe(intervals)


def test_the_shortest_safe_live_interval_is_told() -> None:
    """It holds beside the other groups' intervals, and there is none where these alone are too much."""
    budget = of_line(3, 9600)
    intervals = intervals_for(budget, {})
    assert budget.shortest_live(intervals) == 3
    assert not budget.is_safe({**intervals, LIVE: 2})
    assert budget.shortest_live({ENERGY: 1}) is None
    assert budget_of([], line(9600, 10, 0.05), PATIENCE_S).shortest_live({}) is None


def test_what_a_person_wishes_holds() -> None:
    """A group that is not named gets its default, one of 0 s is not read, one that no meter has is not there."""
    budget = a_budget({LIVE: 0.1, ENERGY: 0.1, QUALITY: 0.1})
    assert intervals_for(budget, {LIVE: 1, QUALITY: 0}) == {ENERGY: 60, LIVE: 1}
    assert intervals_for(budget, {DEMAND: 60}) == {ENERGY: 60, LIVE: 10, QUALITY: 60}


def test_a_wish_that_the_line_cannot_carry_takes_nothing_from_the_counters() -> None:
    """Eleven meters cannot be read each second: the others stay as they would be without that wish."""
    budget = of_line(11, 9600)
    assert intervals_for(budget, {LIVE: 1}) == {**intervals_for(budget, {}), LIVE: 1}


def test_a_bus_without_meters_gets_the_defaults() -> None:
    """Its first meter may come at any time."""
    assert intervals_for(Budget((), PATIENCE_S), {LIVE: 5}) == {**DEFAULTS, LIVE: 5}


SECONDS = st.dictionaries(st.sampled_from(Group), st.floats(0.01, 20.0), min_size=1)
WISHES = st.dictionaries(st.sampled_from(Group), st.sampled_from([0, *STEPS]), max_size=2)


@given(seconds=SECONDS, meters=st.integers(1, 32), wished=WISHES)
def test_intervals_are_safe_or_as_long_as_they_can_be(
    seconds: dict[Group, float], meters: int, wished: dict[Group, int]
) -> None:
    """All lie on the steps and are no shorter than the defaults; without wishes only the longest ones may be unsafe."""
    budget = a_budget(seconds, meters)
    intervals = intervals_for(budget, wished)
    assert intervals.keys() == {group for group in seconds if wished.get(group) != 0}
    for group, interval in intervals.items():
        assert QUARTER_HOUR_S % interval == 0
        assert interval == wished[group] if group in wished else DEFAULTS[group] <= interval in STEPS
    if not wished and not budget.is_safe(intervals):
        fits = budget.slot_s(intervals) <= shortest(intervals)
        longest = [group for group, interval in intervals.items() if interval == QUARTER_HOUR_S]
        assert longest == list(intervals) if budget.load(intervals) > SAFE_LOAD else not fits


@given(st.sampled_from(STEPS), st.sampled_from(STEPS))
def test_slots_of_different_groups_coincide(one: int, other: int) -> None:
    """Every step divides the quarter hour, and a step of up to a minute divides every longer default of a group."""
    assert QUARTER_HOUR_S % one == 0
    if one <= 60 <= other:
        assert other % one == 0
