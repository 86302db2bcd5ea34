"""The terms of sharing: per producer who takes part, by which key, from which day to which."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from mmetering_accounting.local_time import date_of, midnight
from mmetering_accounting.quarter import quarter_of
from mmetering_accounting.sharing import Key

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """What is agreed about one producer. Producers with the same rank, key and parts make one pool.

    Attributes:
        producer: whose energy is shared.
        parts: who takes part; with a static key each one's agreed part, in any unit, else any number.
        key: by which rule.
        first: the first local day on which this holds.
        last: the last one; None while it holds.
        version: of the agreement; printed.
        rank: pools of a lower one are shared first, the others among what then is still used.
        unshared: with a static key the part that nobody has, in the unit of the others; it is fed in.
    """

    producer: str
    parts: Mapping[str, int]
    key: Key = Key.DYNAMIC
    first: date = date.min
    last: date | None = None
    version: int = 1
    rank: int = 0
    unshared: int = 0

    def __post_init__(self) -> None:
        if any(part < 0 for part in (*self.parts.values(), self.unshared)):
            raise ValueError(f"a negative part of {self.producer}")

    def holds_on(self, day: date) -> bool:
        """Return whether it holds on a local day."""
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Pool:
    """Producers that are shared as one. Names stand in their order, so that nothing depends on how they came.

    `parts` are those of the points, and behind them the one that nobody has.
    """

    producers: tuple[str, ...]
    points: tuple[str, ...]
    key: Key
    parts: tuple[int, ...]


def pools(terms: Iterable[Terms]) -> tuple[Pool, ...]:
    """Return the pools of terms that hold at one time, in the order in which they are shared."""
    alike: dict[tuple[int, Key, tuple[tuple[str, int], ...], int], list[str]] = {}
    for one in terms:
        same = (one.rank, one.key, tuple(sorted(one.parts.items())), one.unshared)
        alike.setdefault(same, []).append(one.producer)
    return tuple(
        Pool(tuple(sorted(producers)), tuple(name for name, _ in parts), key, (*(part for _, part in parts), unshared))
        for (_, key, parts, unshared), producers in sorted(alike.items())
    )


def check(terms: Iterable[Terms]) -> None:
    """Refuse terms that contradict one another.

    Raises:
        ValueError: two hold for one producer on the same day.
    """
    ordered = sorted(terms, key=lambda one: (one.producer, one.first))
    for before, after in pairwise(ordered):
        if before.producer == after.producer and before.holds_on(after.first):
            raise ValueError(
                f"version {after.version} for {after.producer} begins before version {before.version} ends"
            )


def cut(quarters: range, terms: Iterable[Terms], zone: ZoneInfo) -> list[tuple[range, tuple[Pool, ...]]]:
    """Cut quarter hours at the local midnights at which terms change; return each part with its pools."""
    terms = list(terms)
    if not quarters:
        return []
    first, last = date_of(quarters[0], zone), date_of(quarters[-1], zone)
    ends = (one.last + ONE_DAY for one in terms if one.last and one.last < last)
    changes = {day for day in (*ends, *(one.first for one in terms)) if first < day <= last}
    edges = [quarters.start, *sorted(quarter_of(midnight(day, zone)) for day in changes), quarters.stop]
    return [
        (range(begin, stop), pools(one for one in terms if one.holds_on(date_of(begin, zone))))
        for begin, stop in pairwise(edges)
    ]
