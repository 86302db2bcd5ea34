"""The rules once more, slow and obvious: fractions, no search, no arrays; to compare with."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from mmetering_accounting.quarter import begin_of, quarter_of
from mmetering_accounting.sample import Sample

QUARTER = 15 * 60 * 1000
MINUTE = 60 * 1000

Known = Callable[[int], int | None]


def rounded(number: Fraction) -> int:
    """Round half up."""
    return (number + Fraction(1, 2)).__floor__()


def typical(quarter: int, gap: int, known: Known, zone: ZoneInfo) -> Fraction | None:
    """Return the mean of the same local times of the nearest four weeks before the gap."""
    local = begin_of(quarter).astimezone(zone).replace(tzinfo=None)
    weeks = 1
    while quarter - weeks * 672 >= gap:
        weeks += 1
    found = []
    for week in range(weeks, weeks + 4):
        earlier = quarter_of((local - timedelta(days=7 * week)).replace(tzinfo=zone))
        energy = known(earlier)
        if earlier < gap and energy is not None:
            found.append(energy)
    return Fraction(sum(found), len(found)) if found else None


def register(  # noqa: PLR0911 - one line for each case of the rules
    samples: Sequence[Sample], boundary: int, known: Known, zone: ZoneInfo
) -> tuple[int, str] | None:
    """Return R at a boundary of the grid and how it was obtained; behind the last sample None if nothing is near."""
    at = boundary * QUARTER
    before = [sample for sample in samples if sample.ms < at]
    after = [sample for sample in samples if sample.ms >= at]
    if not before:
        return after[0].wh, "measured"
    if not after:
        return (before[-1].wh, "measured") if at - before[-1].ms <= MINUTE else None
    left, right = before[-1], after[0]
    if right.ms == at or right.wh == left.wh:
        return right.wh, "measured"
    even = rounded(left.wh + Fraction((right.wh - left.wh) * (at - left.ms), right.ms - left.ms))
    if right.ms - left.ms <= 5 * MINUTE:
        return even, "measured"
    if right.ms - at <= MINUTE:
        return right.wh, "measured"
    if at - left.ms <= MINUTE:
        return left.wh, "measured"
    if right.ms - left.ms <= 120 * MINUTE:
        return even, "interpolated"
    return _in_shape(left, right, at, lambda quarter: typical(quarter, left.ms // QUARTER, known, zone)), "substitute"


def _in_shape(left: Sample, right: Sample, at: int, usual: Callable[[int], Fraction | None]) -> int:
    covered = {}  # how much of each quarter hour lies in the gap
    for quarter in range(left.ms // QUARTER, right.ms // QUARTER + 1):
        begin, end = max(left.ms, quarter * QUARTER), min(right.ms, (quarter + 1) * QUARTER)
        if begin < end:
            covered[quarter] = Fraction(end - begin, QUARTER)
    found = {quarter: usual(quarter) for quarter in covered}
    parts = [Fraction(int(12 * part)) for part in found.values() if part is not None]
    mean = Fraction(int(sum(parts) / len(parts))) if parts else Fraction(0)
    weight = {quarter: (mean if (part := found[quarter]) is None else 12 * part) for quarter in covered}
    if not any(weight.values()):
        weight = dict.fromkeys(covered, Fraction(1))
    whole = sum((weight[quarter] * covered[quarter] for quarter in covered), Fraction(0))
    past = sum(
        (weight[quarter] * covered[quarter] for quarter in covered if (quarter + 1) * QUARTER <= at), Fraction(0)
    )
    return rounded(left.wh + (right.wh - left.wh) * past / whole)


def dynamic(produced: int, uses: dict[str, int], quarter: int) -> dict[str, int]:
    """Share in proportion to use: each rounded down, then one Wh after the other to whom lacks most."""
    names = sorted(uses)
    pool, whole = min(produced, sum(uses.values())), sum(uses.values())
    if whole == 0:
        return dict.fromkeys(names, 0)
    fair = {name: Fraction(pool * uses[name], whole) for name in names}
    shares = {name: fair[name].__floor__() for name in names}
    turn = quarter % len(names)
    served: set[str] = set()
    for _ in range(pool - sum(shares.values())):
        waiting = [name for name in names[turn:] + names[:turn] if name not in served]
        most = max(fair[name] - shares[name] for name in waiting)
        winner = next(name for name in waiting if fair[name] - shares[name] == most)
        shares[winner] += 1
        served.add(winner)
    return shares


def fair(produced: int, uses: dict[str, int]) -> dict[str, int]:
    """Share Wh by Wh: the next always to one of those who have least and still use more."""
    shares = dict.fromkeys(uses, 0)
    for _ in range(min(produced, sum(uses.values()))):
        hungry = [name for name in sorted(uses) if shares[name] < uses[name]]
        least = min(hungry, key=lambda name: shares[name])
        shares[least] += 1
    return shares
