"""Who got what of whose production, in each quarter hour of a time.

Energies add up: shares and feed-in to what was produced, own and grid share to what was used, over points, times and
producers in any order. A quarter hour in which a value is missing is provisional: it counts as 0 until it comes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import sub
from zoneinfo import ZoneInfo

from mmetering_accounting.flag import Flag
from mmetering_accounting.profile import Profile
from mmetering_accounting.sharing import share, split
from mmetering_accounting.terms import Pool, Terms, check, cut

Row = list[int]  # an energy for each quarter hour, in Wh


@dataclass(frozen=True, slots=True)
class Distribution:
    """What each point got of each producer.

    Attributes:
        quarters: which.
        own: by point and producer, for each quarter hour, in Wh; points that never take part are not in it.
        feed_in: by producer, what nobody of the house used, for each quarter hour, in Wh.
        flags: for each quarter hour the worst of all values that the sharing rests on.
    """

    quarters: range
    own: Mapping[str, Mapping[str, Row]]
    feed_in: Mapping[str, Row]
    flags: Sequence[Flag]

    @property
    def provisional(self) -> list[int]:
        """The quarter hours in which a value is missing."""
        return [quarter for quarter, flag in zip(self.quarters, self.flags, strict=True) if flag is Flag.MISSING]

    def own_of(self, point: str) -> Row:
        """Return the own share of a point, of all producers together, for each quarter hour, in Wh."""
        rows = self.own.get(point, {}).values()
        return [sum(part) for part in zip(*rows, strict=True)] if rows else [0] * len(self.quarters)


def distribute(
    used: Mapping[str, Profile], produced: Mapping[str, Profile], terms: Iterable[Terms], zone: ZoneInfo
) -> Distribution:
    """Share all production as agreed.

    Args:
        used: by point; all profiles are of the same quarter hours.
        produced: by producer.
        terms: what is agreed; a producer without any is fed in.
        zone: in which days begin.

    Raises:
        ValueError: terms contradict one another or name what has no profile, or profiles differ in their quarter hours.
    """
    terms = tuple(terms)
    check(terms)
    named = {name for one in terms for name in (one.producer, *one.parts)}
    if unknown := named - used.keys() - produced.keys():
        raise ValueError(f"no profile of {', '.join(sorted(unknown))}")
    work = _Work(used, produced, terms)
    for part, pools in cut(work.quarters, terms, zone):
        for pool in pools:
            if pool.points:
                work.share(pool, part)
    return Distribution(work.quarters, work.own, work.rest, work.flags)


class _Work:
    """What has been shared, what each point still uses and what each producer still has."""

    def __init__(self, used: Mapping[str, Profile], produced: Mapping[str, Profile], terms: Iterable[Terms]) -> None:
        self._profiles = {**used, **produced}
        self.quarters = _same_quarters(self._profiles)
        self._uses = {name: [wh or 0 for wh in profile.wh] for name, profile in used.items()}
        self.rest = {name: [wh or 0 for wh in profile.wh] for name, profile in produced.items()}
        self.flags = [Flag.MEASURED] * len(self.quarters)
        self.own: dict[str, dict[str, Row]] = {}
        for one in terms:
            for point in one.parts:
                self.own.setdefault(point, {})[one.producer] = [0] * len(self.quarters)

    def share(self, pool: Pool, quarters: range) -> None:
        """Share what the producers of a pool have in some quarter hours."""
        part = slice(quarters.start - self.quarters.start, quarters.stop - self.quarters.start)
        uses = zip(*(self._uses[point][part] for point in pool.points), strict=True)
        made = zip(*(self.rest[producer][part] for producer in pool.producers), strict=True)
        tables = [
            split(share(pool.key, sum(produced), used, pool.parts, quarter), produced, quarter)
            for quarter, used, produced in zip(quarters, uses, made, strict=True)
        ]
        for row, point in enumerate(pool.points):
            for column, producer in enumerate(pool.producers):
                got = [table[column][row] for table in tables]
                self.own[point][producer][part] = got
                self._uses[point][part] = map(sub, self._uses[point][part], got)
                self.rest[producer][part] = map(sub, self.rest[producer][part], got)
        flags = (self._profiles[name].flags[part] for name in (*pool.points, *pool.producers))
        self.flags[part] = map(max, self.flags[part], *flags)


def _same_quarters(profiles: Mapping[str, Profile]) -> range:
    found = {profile.quarters for profile in profiles.values()}
    if len(found) != 1:
        raise ValueError(f"profiles of {len(found)} different times")
    return found.pop()
