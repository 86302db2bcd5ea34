"""When to poll: at wall-clock slots, so that readings of all meters lie beside each other. Pure.

Every interval divides the quarter hour; so a slot of every scan group lies at each quarter-hour boundary. A slot that
the bus was too busy for is made good at once, but for the live values, which wait for their next slot: unless the
slot before had left them out too, so that they come every other time even where the counters alone take too long.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mmetering_contract.quantity import Group

QUARTER_HOUR_S = 900

# Read at the slot itself, and in this order: people are billed by the counters, which belong to the boundary.
PROMPT = (Group.ENERGY, Group.LIVE)
# Read from the slot on, as soon as the bus has nothing better to do.
WAITING = (Group.QUALITY, Group.DEMAND)
ORDER = PROMPT + WAITING  # the first is the most important one


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
    with_live = Group.ENERGY in passed and Group.LIVE not in previous.groups
    kept = tuple(group for group in passed if group is not Group.LIVE or with_live)
    return Slot(max(newest[group] for group in kept), kept) if kept else None


def missed_slots(previous: Slot, slot: Slot, intervals: Mapping[Group, int]) -> int:
    """Return how many slots since the previous one were not polled, or not with all their groups."""
    count = 0
    passed = next_slot(previous.at, intervals)
    while passed.at < slot.at and count < QUARTER_HOUR_S:
        count += 1
        passed = next_slot(passed.at, intervals)
    return count + (passed.at == slot.at and passed.groups != slot.groups)


def shortest(intervals: Mapping[Group, int]) -> int:
    """Return the seconds from slot to slot of the groups that do not wait; of all, where there are only such."""
    prompt = [interval for group, interval in intervals.items() if group in PROMPT]
    return min(prompt or intervals.values())
