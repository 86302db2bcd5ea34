"""What the meters of a bus take of its time, and which intervals it can carry. Pure.

At a slot all counters and live values are read at once; quality and demand wait, meter by meter, for the time until
the next slot. So intervals are safe when (1) the live values fit into the shortest one together with the counters or
with one meter's turn of what waits, one lost reply included, and (2) all of it takes SAFE_LOAD of the time at most.
"""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mmetering_contract.quantity import Group

from mmetering_gateway.models.registers import Model
from mmetering_gateway.planning.requests import FRAMING, Request, Wire, plan
from mmetering_gateway.planning.schedule import ORDER, PROMPT, QUARTER_HOUR_S, WAITING, shortest

# Seconds, where nobody wishes otherwise. A faster live interval fills the database for those who happen to look.
DEFAULTS = {Group.LIVE: 10, Group.ENERGY: 60, Group.QUALITY: 60, Group.DEMAND: 300}
# What an interval is lengthened to: up to 60 s each divides the minute and above it is made of minutes, so that slots
# of different groups coincide; all divide the quarter hour.
STEPS = (1, 2, 3, 5, 10, 15, 20, 30, 60, 180, 300, QUARTER_HOUR_S)
# The other 30 %: questions that are asked twice, probes of silent meters, meters that are slower than the first guess
# (twice as slow: 15 % at 9600 baud), and commands such as a scan, which only get the time that is left.
SAFE_LOAD = 0.7


@dataclass(frozen=True, slots=True)
class Read:
    """How the meters of one model are read for one group.

    Attributes:
        meters: how many there are on the bus.
        requests: what each of them is asked.
        seconds: that this takes for one of them.
    """

    group: Group
    model: str
    meters: int
    requests: tuple[Request, ...]
    seconds: float

    @property
    def bytes(self) -> int:
        """What goes over the line for one meter, requests and replies together, in the framing of RTU."""
        return sum(FRAMING + 2 * request.count for request in self.requests)


@dataclass(frozen=True)
class Budget:
    """What reading every meter of a bus takes.

    Attributes:
        reads: by group and model; none where no meter of that model has the group.
        patience_s: how long a reply is waited for in vain.
    """

    reads: tuple[Read, ...]
    patience_s: float

    @cached_property
    def seconds(self) -> dict[Group, float]:
        """By group, in the order of their importance: the time for all meters once. A group no meter has is absent."""
        totals = {group: sum(r.meters * r.seconds for r in self.reads if r.group is group) for group in ORDER}
        return {group: total for group, total in totals.items() if total}

    def load(self, intervals: Mapping[Group, int]) -> float:
        """Return the share of the bus's time that these intervals take; more than 1 is more than it has."""
        return sum(self.seconds.get(group, 0.0) / interval for group, interval in intervals.items())

    def slot_s(self, intervals: Mapping[Group, int]) -> float:
        """Return the seconds that the longest slot takes where one reply is lost."""
        turns = (r.seconds for r in self.reads if r.group in WAITING and r.group in intervals)
        counters, live = (self.seconds.get(group, 0.0) if group in intervals else 0.0 for group in PROMPT)
        return live + max(counters, *turns, 0.0) + self.patience_s

    def is_safe(self, intervals: Mapping[Group, int]) -> bool:
        """Return whether the bus can carry these intervals."""
        fits = not intervals or self.slot_s(intervals) <= shortest(intervals)
        return fits and self.load(intervals) <= SAFE_LOAD

    def shortest_live(self, intervals: Mapping[Group, int]) -> int | None:
        """Return the shortest safe live interval beside the other groups' intervals, in seconds; None if none is."""
        if Group.LIVE not in self.seconds:
            return None
        return next((step for step in STEPS if self.is_safe({**intervals, Group.LIVE: step})), None)


def budget_of(models: Sequence[Model], wire: Wire, patience_s: float) -> Budget:
    """Return what meters take on a bus.

    Args:
        models: one for each meter.
        wire: what time costs on the bus.
        patience_s: how long a reply is waited for in vain.
    """
    counts = Counter(model.name for model in models)
    known = {model.name: model for model in models}
    reads = (_read(group, known[name], count, wire) for group in ORDER for name, count in counts.items())
    return Budget(tuple(read for read in reads if read.requests), patience_s)


def _read(group: Group, model: Model, meters: int, wire: Wire) -> Read:
    requests = plan(model.of_group(group), model.limit, wire, gaps=model.gaps)
    return Read(group, model.name, meters, requests, sum(wire.cost_s(request.count) for request in requests))


def intervals_for(budget: Budget, wished: Mapping[Group, int]) -> dict[Group, int]:
    """Return the intervals to read a bus at, in seconds.

    Args:
        budget: of the bus; where it has no meters yet, of no group.
        wished: what a person has chosen, which holds as it is; 0 leaves the group out. Every other group gets its
            default, lengthened until the bus can carry all, or as if nothing had been wished where that cannot be.
    """
    groups = budget.seconds or DEFAULTS
    defaults = {group: DEFAULTS[group] for group in ORDER if group in groups and wished.get(group) != 0}
    fixed = {group: interval for group, interval in wished.items() if group in defaults}
    intervals = _lengthened(budget, {**defaults, **fixed}, defaults.keys() - fixed.keys())
    if fixed and not budget.is_safe(intervals):
        return {**_lengthened(budget, defaults, defaults.keys()), **fixed}
    return intervals


def _lengthened(budget: Budget, intervals: dict[Group, int], free: Container[Group]) -> dict[Group, int]:
    """Return intervals that the bus can carry, of which the free ones may be longer; the longest where none are."""
    while not budget.is_safe(intervals) and (group := _to_lengthen(budget, intervals, free)):
        intervals = {**intervals, group: next(step for step in STEPS if step > intervals[group])}
    return intervals


def _to_lengthen(budget: Budget, intervals: Mapping[Group, int], free: Container[Group]) -> Group | None:
    """Return which of the free groups is to be read less often; the counters come last. None where nothing helps."""
    open_: list[Group] = [g for g in reversed(ORDER) if g in free and intervals[g] < QUARTER_HOUR_S]
    too_short = [group for group in open_ if group in PROMPT and intervals[group] < budget.slot_s(intervals)]
    waiting = [group for group in open_ if group in WAITING]
    if too_short:
        return too_short[0]
    if budget.load(intervals) <= SAFE_LOAD:
        return None
    if waiting:
        return max(waiting, key=lambda group: budget.seconds[group] / intervals[group])
    return open_[0] if open_ else None
