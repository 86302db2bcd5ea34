"""From the old system's local times, which know no zone, to UTC. Pure.

In October an hour comes twice. All rows were written in one sequence, so where their times fall back once, the rows
before are of summer time and those behind of winter time. Where they do not, or more often, nobody can tell: such
rows count as of summer time and are flagged, like those of the hour that March has not got.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

BACK = timedelta(minutes=5)  # meters that are read at once are written some seconds out of order


class Doubt(StrEnum):
    """Why a time may be another one."""

    UNCLEAR = "unclear"  # an hour that came twice
    MISSING = "missing"  # an hour that never was


@dataclass(frozen=True, slots=True)
class Raw:
    """A row of the old readings: energies in Wh, by the old column's name; `local` as it was written."""

    id: int
    meter: int
    local: datetime
    energies: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Dated:
    """A row with its instant in UTC, and what speaks against that."""

    row: Raw
    at: datetime
    doubt: Doubt | None = None


def date(rows: Iterable[Raw], zone: ZoneInfo) -> Iterator[Dated]:
    """Date rows, which are in the order of their ids."""
    doubled: list[Raw] = []  # of one hour that came twice
    for row in rows:
        first, second = (row.local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        if first.utcoffset() == second.utcoffset():
            yield from _hour(doubled, zone)
            doubled = []
            yield Dated(row, first.astimezone(UTC))
        elif _is_missing(first):
            yield Dated(row, first.astimezone(UTC), Doubt.MISSING)
        else:
            if doubled and doubled[-1].local.date() != row.local.date():
                yield from _hour(doubled, zone)
                doubled = []
            doubled.append(row)
    yield from _hour(doubled, zone)


def _is_missing(time: datetime) -> bool:
    """Return whether a clock never showed this time, going by what it shows at that instant."""
    return time.astimezone(UTC).astimezone(time.tzinfo).replace(tzinfo=None) != time.replace(tzinfo=None)


def _hour(rows: Sequence[Raw], zone: ZoneInfo) -> Iterator[Dated]:
    backs = [row.id for before, row in pairwise(rows) if before.local - row.local >= BACK]
    for row in rows:
        fold = int(len(backs) == 1 and row.id >= backs[0])
        at = row.local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        yield Dated(row, at, None if len(backs) == 1 else Doubt.UNCLEAR)
