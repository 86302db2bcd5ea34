"""What keeps a period open. Closing freezes its statements, so all must be known, released and agreed before."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from zoneinfo import ZoneInfo

from mmetering_accounting.anomaly import Anomaly, Kind
from mmetering_accounting.distribution import Distribution
from mmetering_accounting.flag import Flag
from mmetering_accounting.holder import Holding, Use
from mmetering_accounting.profile import Profile
from mmetering_accounting.quarter import QUARTER_MS, ms_of
from mmetering_accounting.tariff import Source, Tariff, uncovered


class Why(StrEnum):
    """Why a period cannot be closed."""

    PROVISIONAL = "provisional"  # a value that sharing rests on is missing
    MISSING = "missing"  # nothing is known of some quarter hours of a point
    ESTIMATED = "estimated"  # estimates that nobody has released
    ANOMALY = "anomaly"  # one that nobody has resolved
    VACANT = "vacant"  # nobody holds the point, not even the owner
    TWICE = "twice"  # two hold the point at once
    TARIFF = "tariff"  # days without a price


@dataclass(frozen=True, slots=True)
class Blocker:
    """What keeps a period open.

    Attributes:
        why: what kind of thing it is.
        subject: the point or meter; empty for the building.
        count: of quarter hours, days or gaps.
        begin: where the first is, in ms.
    """

    why: Why
    subject: str
    count: int
    begin: int


# An anomaly of these kinds is worth a look and keeps nothing open.
HARMLESS = (Kind.REJECTED, Kind.SILENCE, Kind.CALIBRATION)


def of_values(
    profiles: Mapping[str, Profile], distribution: Distribution, released: Mapping[str, Collection[int]]
) -> list[Blocker]:
    """Return what is not known yet.

    Args:
        profiles: of all points, by name.
        distribution: who got what.
        released: the estimated quarter hours that a person has released, by point.
    """
    found = _blockers(Why.PROVISIONAL, "", distribution.provisional)
    for name, profile in profiles.items():
        good = released.get(name, ())
        found += _blockers(Why.MISSING, name, [quarter for quarter, _, flag in profile if flag is Flag.MISSING])
        estimated = [quarter for quarter, _, flag in profile if flag is Flag.ESTIMATED and quarter not in good]
        found += _blockers(Why.ESTIMATED, name, estimated)
    return found


def of_anomalies(anomalies: Iterable[Anomaly]) -> list[Blocker]:
    """Return the anomalies that a person must resolve."""
    unresolved = (one for one in anomalies if not one.resolved and one.kind not in HARMLESS)
    return [Blocker(Why.ANOMALY, one.subject, 1, one.begin) for one in unresolved]


def of_holdings(point: str, holdings: Iterable[Holding], quarters: range) -> list[Blocker]:
    """Return where nobody holds a point in some time, or two do at once."""
    begin, end = quarters.start * QUARTER_MS, quarters.stop * QUARTER_MS
    spans = [(ms_of(one.begin), end if one.end is None else ms_of(one.end)) for one in holdings]
    inside = sorted((max(begin, since), min(end, until)) for since, until in spans if since < end and until > begin)
    held = accumulate((until for _, until in inside), max, initial=begin)  # until when, before each begin
    edges = list(zip(held, [*(since for since, _ in inside), end], strict=True))
    holes = [until for until, since in edges if until < since]
    doubles = [since for until, since in edges[:-1] if until > since]
    found = [Blocker(Why.VACANT, point, len(holes), holes[0])] if holes else []
    return found + ([Blocker(Why.TWICE, point, len(doubles), doubles[0])] if doubles else [])


def of_tariffs(
    point: str, use: Use, tariffs: Sequence[Tariff], sources: Iterable[Source], zone: ZoneInfo
) -> list[Blocker]:
    """Return whether a source that is sold has no price on some days."""
    found = (uncovered(use, tariffs, source, zone) for source in sources)
    return [Blocker(Why.TARIFF, point, len(days), use.begin) for days in found if days]


def _blockers(why: Why, subject: str, quarters: Sequence[int]) -> list[Blocker]:
    return [Blocker(why, subject, len(quarters), quarters[0] * QUARTER_MS)] if quarters else []
