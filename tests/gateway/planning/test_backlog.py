"""What waits for a free bus gets its turn, meter by meter."""

from hypothesis import given
from hypothesis import strategies as st
from mmetering_contract.quantity import Group
from mmetering_gateway.planning.backlog import Backlog
from mmetering_gateway.planning.schedule import WAITING

METERS = ["a", "b", "c"]


def take(backlog: Backlog, able: list[str] | None = None) -> tuple[str, Group] | None:
    """Take the first turn."""
    if turn := backlog.first(METERS if able is None else able):
        backlog.taken(turn)
    return turn


def test_quality_comes_before_demand() -> None:
    """Of each group all meters in their order, and then nothing."""
    backlog = Backlog()
    backlog.fill(Group.DEMAND, ["a"])
    backlog.fill(Group.QUALITY, ["a", "b"])
    turns = [take(backlog) for _ in range(4)]
    assert turns == [("a", Group.QUALITY), ("b", Group.QUALITY), ("a", Group.DEMAND), None]


def test_a_meter_that_cannot_answer_now_is_passed_over() -> None:
    """Its turn stays for later."""
    backlog = Backlog()
    backlog.fill(Group.QUALITY, METERS)
    assert take(backlog, ["b"]) == ("b", Group.QUALITY)
    assert take(backlog, ["b"]) is None
    assert take(backlog) == ("a", Group.QUALITY)


def test_who_has_waited_in_vain_comes_first_the_next_time() -> None:
    """The group waits until all have had their turn, and nobody has two."""
    backlog = Backlog()
    backlog.fill(Group.QUALITY, METERS)
    assert take(backlog) == ("a", Group.QUALITY)
    assert backlog.waits(Group.QUALITY, ["c"])
    assert not backlog.waits(Group.QUALITY, ["a"])
    backlog.fill(Group.QUALITY, METERS)
    assert [take(backlog) for _ in range(4)] == [(slug, Group.QUALITY) for slug in ("b", "c", "a")] + [None]
    assert not backlog.waits(Group.QUALITY, METERS)
    assert not backlog.waits(Group.ENERGY, METERS)


def test_a_meter_that_is_not_well_any_more_waits_no_longer() -> None:
    """Nothing of it is missed then because of the bus."""
    backlog = Backlog()
    for group in WAITING:
        backlog.fill(group, ["a", "b"])
    backlog.keep(["b"])
    assert [take(backlog) for _ in range(3)] == [("b", Group.QUALITY), ("b", Group.DEMAND), None]


@given(st.lists(st.integers(1, 3), min_size=30, max_size=30))
def test_where_time_is_short_no_meter_is_forgotten(counts: list[int]) -> None:
    """Whatever number of turns fits between two slots of the group: of any five turns each of three meters has one."""
    backlog, taken = Backlog(), []
    for count in counts:
        backlog.fill(Group.QUALITY, METERS)
        taken += [turn[0] for _ in range(count) if (turn := take(backlog))]
    assert all(set(taken[at : at + 5]) == set(METERS) for at in range(len(taken) - 4))
