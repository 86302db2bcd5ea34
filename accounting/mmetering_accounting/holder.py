"""What each holder of a point used: people move in and out at an instant, often in the middle of a quarter hour.

The quarter hour of a move is cut where the counter says, and else in proportion to time; the own share follows the
use. Both parts add up to the quarter hour, so that nothing is billed twice or to nobody.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mmetering_accounting.distribution import Row
from mmetering_accounting.flag import Flag
from mmetering_accounting.profile import Profile
from mmetering_accounting.quarter import QUARTER_MS
from mmetering_accounting.rounding import largest_remainder

# The energy from one instant to another one, both in ms, in Wh; None where it was not measured.
Counted = Callable[[int, int], int | None]


@dataclass(frozen=True, slots=True)
class Holding:
    """Who holds a point, from an instant to an instant, or still. A vacant flat is held by its owner."""

    holder: str
    begin: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.begin:
            raise ValueError(f"{self.holder} moves out at {self.end}, in at {self.begin}")


@dataclass(frozen=True, slots=True)
class Use:
    """What was used from an instant to an instant, and how much of it was the house's own production.

    Attributes:
        begin: in ms.
        end: in ms.
        profile: of all quarter hours that have any part in the time: what was used in that part.
        own: by producer, for each of these quarter hours, in Wh; at most what was used.
    """

    begin: int
    end: int
    profile: Profile
    own: Mapping[str, Row]

    def own_wh(self) -> Row:
        """Return the own share of each quarter hour, of all producers together, in Wh."""
        return [sum(part) for part in zip(*self.own.values(), strict=True)] if self.own else [0] * len(self.profile.wh)


def whole(profile: Profile, own: Mapping[str, Row]) -> Use:
    """Return the use in whole quarter hours."""
    return Use(profile.quarters.start * QUARTER_MS, profile.quarters.stop * QUARTER_MS, profile, own)


def cut(use: Use, moves: Iterable[int], counted: Counted) -> list[Use]:
    """Cut a use at the instants, in ms, at which people moved; return the parts in order of time.

    Raises:
        ValueError: a move lies outside.
    """
    parts: list[Use] = []
    for move in sorted(set(moves)):
        before, use = _cut_once(use, move, counted)
        parts.append(before)
    return [*parts, use]


def _cut_once(use: Use, move: int, counted: Counted) -> tuple[Use, Use]:
    if not use.begin < move < use.end:
        raise ValueError(f"a move at {move} is not within {use.begin} to {use.end}")
    quarters = use.profile.quarters
    quarter, within = divmod(move, QUARTER_MS)
    early = use.profile.part(range(quarters.start, quarter + 1 if within else quarter))
    late = use.profile.part(range(quarter, quarters.stop))
    own_early = {name: row[: len(early.quarters)] for name, row in use.own.items()}
    own_late = {name: row[quarter - quarters.start :] for name, row in use.own.items()}
    if within and late.wh[0] is not None:
        until, flag = _until(use, move, late.wh[0], counted)
        flag = max(flag, late.flags[0])
        got = largest_remainder(_share(own_late, until, late.wh[0]), [row[0] for row in own_late.values()], quarter)
        early = Profile(early.quarters, [*early.wh[:-1], until], [*early.flags[:-1], flag])
        late = Profile(late.quarters, [late.wh[0] - until, *late.wh[1:]], [flag, *late.flags[1:]])
        for name, part in zip(own_late, got, strict=True):
            own_early[name][-1] = part
            own_late[name][0] -= part
    return Use(use.begin, move, early, own_early), Use(move, use.end, late, own_late)


def _until(use: Use, move: int, wh: int, counted: Counted) -> tuple[int, Flag]:
    """Return how much of what was used in the quarter hour of a move came before it, and how that was obtained."""
    quarter = move // QUARTER_MS
    begin, end = max(use.begin, quarter * QUARTER_MS), min(use.end, (quarter + 1) * QUARTER_MS)
    measured = counted(begin, move)
    if measured is None:
        return wh * (move - begin) // (end - begin), Flag.INTERPOLATED
    return min(measured, wh), Flag.MEASURED


def _share(own: Mapping[str, Row], until: int, wh: int) -> int:
    """Return how much of the own share in the first quarter hour goes with so much of its use."""
    return sum(row[0] for row in own.values()) * until // wh if wh else 0
