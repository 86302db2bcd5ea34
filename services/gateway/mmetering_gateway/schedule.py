"""When to poll: at wall-clock slots, so that readings of all meters lie beside each other. Pure.

Every interval divides the quarter hour; so a slot of every scan group lies at each quarter-hour boundary.
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


def missed_slots(previous: Slot, slot: Slot, intervals: Mapping[Group, int]) -> int:
    """Return how many slots lie between two that were polled: the bus was busy, or the clock was set forward."""
    count = 0
    passed = next_slot(previous.at, intervals)
    while passed.at < slot.at and count < QUARTER_HOUR_S:
        count += 1
        passed = next_slot(passed.at, intervals)
    return count
