"""A counter as it was read: samples, from the rows of `quarter_hour` or from the raw readings.

Only what stands next to a boundary matters, so of each row the first and the last sample suffice. Where a row is in
doubt (see `doubtful`), its raw readings take its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from mmetering_accounting.rating import Rating


class Sample(NamedTuple):
    """A counter at an instant: milliseconds since 1970, and Wh."""

    ms: int
    wh: int


class Row(NamedTuple):
    """A counter in one quarter hour, as in `quarter_hour`: Wh and milliseconds since 1970.

    `suspect` counts readings that are not good; the row was made of them, too.
    """

    quarter: int
    first: int
    first_ms: int
    last: int
    last_ms: int
    minimum: int
    maximum: int
    suspect: int = 0


def samples_of(rows: Iterable[Row], raw: Mapping[int, Sequence[Sample]] | None = None) -> list[Sample]:
    """Return the samples that rows stand for, in their order in time.

    Args:
        rows: of one counter, in any order.
        raw: the good samples of quarter hours that are in doubt, in any order; empty where none was good.
    """
    raw = raw or {}
    found = sorted({sample for quarter in raw for sample in raw[quarter]})
    for _, first, first_ms, last, last_ms, _, _, _ in (row for row in rows if row.quarter not in raw):
        found.append(Sample(first_ms, first))
        if last_ms != first_ms or last != first:
            found.append(Sample(last_ms, last))
    return sorted(found)


def doubtful(rows: Iterable[Row], rating: Rating) -> set[int]:
    """Return the quarter hours that must be read from the raw readings.

    Those are the ones with suspect readings, ones that do not only grow inside, and both sides of every step that the
    counter cannot have made.
    """
    ordered = sorted(rows)
    found = {row.quarter for row in ordered if _in_doubt(row, rating)}
    for before, after in pairwise(ordered):
        if not rating.allows(after.first - before.last, after.first_ms - before.last_ms, before.last):
            found |= {before.quarter, after.quarter}
    return found


def _in_doubt(row: Row, rating: Rating) -> bool:
    return (
        row.suspect > 0
        or row.minimum < row.first
        or row.maximum > row.last
        or not rating.allows(row.last - row.first, row.last_ms - row.first_ms, row.first)
    )
