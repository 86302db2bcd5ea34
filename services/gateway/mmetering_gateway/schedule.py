"""When to poll: at wall-clock slots, so that readings of all meters lie beside each other. Pure.

Every interval divides the quarter hour; so a slot of every scan group lies at each quarter-hour boundary.
A slot that the bus was too busy for is made good at once, without its least important group; counters never stay out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mmetering_contract.quantity import Group

QUARTER_HOUR_S = 900

# At one slot the counters go first: they are what people are billed by, and nearest to the boundary then.
ORDER = (Group.ENERGY, Group.LIVE, Group.QUALITY, Group.DEMAND)


@dataclass(frozen=True, slots=True)
class Slot:
    """An instant in seconds since 1970, and the groups to read then, in their order."""

    at: int
    groups: tuple[Group, ...]


def next_slot(now: float, intervals: Mapping[Group, int]) -> Slot:
    """Return the first slot after `now`.

    Args:
        now: seconds since 1970.
        intervals: seconds between two reads of each group; each divides 900.
    """
    at = min((int(now // interval) + 1) * interval for interval in intervals.values())
    return Slot(at, tuple(group for group in ORDER if group in intervals and at % intervals[group] == 0))


def late_slot(previous: Slot, now: float, intervals: Mapping[Group, int]) -> Slot | None:
    """Return what to make good at `now` of the slots that were passed since the previous one; None if nothing.

    Args:
        previous: the slot that was polled last.
        now: seconds since 1970.
        intervals: as of `next_slot`.
    """
    newest = {group: int(now // intervals[group]) * intervals[group] for group in ORDER if group in intervals}
    passed = [group for group, at in newest.items() if at > previous.at]
    kept = tuple(group for group in passed if group is Group.ENERGY or group is not passed[-1])
    return Slot(max(newest[group] for group in kept), kept) if kept else None


def missed_slots(previous: Slot, slot: Slot, intervals: Mapping[Group, int]) -> int:
    """Return how many slots since the previous one were not polled, or not with all their groups."""
    count = 0
    passed = next_slot(previous.at, intervals)
    while passed.at < slot.at and count < QUARTER_HOUR_S:
        count += 1
        passed = next_slot(passed.at, intervals)
    return count + (passed.at == slot.at and passed.groups != slot.groups)
