"""The counter within a gap between two samples, or behind the last one: by boundary of the grid, in Wh.

A missing boundary never changes a total. What the counter grew by across the gap is known and is only spread; only
behind the last sample is it estimated.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from mmetering_accounting.quarter import QUARTER_MS
from mmetering_accounting.rounding import half_up
from mmetering_accounting.sample import Sample
from mmetering_accounting.typical import PARTS, Typical


def evenly(before: Sample, after: Sample) -> dict[int, int]:
    """Return the counter at the boundaries between two samples, its energy spread evenly in time."""
    return _spread(before, after, [ms for _, ms in pieces(before.ms, after.ms)])


def shaped(before: Sample, after: Sample, typical: Typical) -> dict[int, int]:
    """Return the counter at the boundaries between two samples, its energy spread like typical quarter hours.

    A quarter hour without any like it weighs as much as the others do in the mean. Evenly, when none has any.
    """
    cut = list(pieces(before.ms, after.ms))
    found = [typical.parts(quarter, cut[0][0]) for quarter, _ in cut]
    known = [parts for parts in found if parts is not None]
    mean = sum(known) // len(known) if known else 0
    weights = [(mean if parts is None else parts) * ms for parts, (_, ms) in zip(found, cut, strict=True)]
    return _spread(before, after, weights) if any(weights) else evenly(before, after)


def estimated(before: Sample, end: int, typical: Typical) -> dict[int, int]:
    """Return the counter at the boundaries behind a sample up to an instant, as it typically goes on.

    It ends where no quarter hour like the next one is known.
    """
    curve, grown = {}, 0
    cut = list(pieces(before.ms, end))
    for quarter, ms in cut:
        parts = typical.parts(quarter, cut[0][0])
        if parts is None:
            break
        grown += parts * ms
        curve[quarter + 1] = before.wh + half_up(grown, PARTS * QUARTER_MS)
    return curve


def pieces(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a time at the boundaries of the grid: give each quarter hour and how many ms of it are covered."""
    while begin < end:
        quarter = begin // QUARTER_MS
        until = min(end, (quarter + 1) * QUARTER_MS)
        yield quarter, until - begin
        begin = until


def _spread(before: Sample, after: Sample, weights: Sequence[int]) -> dict[int, int]:
    first = before.ms // QUARTER_MS
    whole, energy = sum(weights), after.wh - before.wh
    return {
        first + number: before.wh + half_up(energy * weight, whole)
        for number, weight in enumerate(accumulate(weights), start=1)
    }
