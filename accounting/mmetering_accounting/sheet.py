"""The monthly sheet: the predecessor's columns in their order, which its recipients depend on, and a row of totals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from mmetering_accounting.distribution import Distribution
from mmetering_accounting.flag import Flag
from mmetering_accounting.local_time import printed
from mmetering_accounting.profile import Profile
from mmetering_accounting.sharing import Key
from mmetering_accounting.terms import Terms

TITLE = "Abrechnung"
COLUMNS = (
    *("ID", "Bezug", "SN", "Zaehlerstand", "Uhrzeit", "fehlende Werte"),
    *("Vormonat", "Uhrzeit Vormonat", "Verbrauch", "Anteil Versorger"),
)
TOTAL = "Summe"

Cell = str | int | Decimal | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A point in the sheet.

    Attributes:
        number: the flat's id; those of the predecessor were kept.
        name: of the point.
        serial: of its meter at the end of the month.
        register: of that meter at the end of the month, in Wh; None where it is not known.
        read_at: when that was.
        register_before: of the meter at the begin of the month, in Wh; that of another one after a replacement.
        read_before_at: when that was.
    """

    number: int
    name: str
    serial: str
    register: int | None
    read_at: datetime
    register_before: int | None
    read_before_at: datetime


def terms_of_the_sheet(points: Iterable[str], producers: Iterable[str]) -> tuple[Terms, ...]:
    """Return the terms by which the predecessor shared: all points, all producers in one pool, the dynamic key."""
    parts = dict.fromkeys(sorted(points), 1)
    return tuple(Terms(producer, parts, Key.DYNAMIC) for producer in sorted(producers))


def rows(
    consumers: Iterable[Entry],
    producers: Iterable[Entry],
    profiles: Mapping[str, Profile],
    distribution: Distribution,
    zone: ZoneInfo,
) -> list[tuple[Cell, ...]]:
    """Return head, consumers by name, producers by name, and totals; energies in kWh with three digits.

    Args:
        consumers: points that use energy.
        producers: points that make it.
        profiles: of both, by name, for the month.
        distribution: who got what of whose production in it.
        zone: of the local times.
    """
    makers = sorted(producers, key=lambda one: one.name)
    names = [one.name for one in makers]
    used = [
        _row(one, profiles[one.name], _shares(one, profiles[one.name], distribution, names), zone)
        for one in sorted(consumers, key=lambda one: one.name)
    ]
    made = [_row(one, profiles[one.name], [None] * (1 + len(names)), zone) for one in makers]
    return [(*COLUMNS, *names), *used, *made, _totals(used, len(COLUMNS) + len(names))]


def _shares(entry: Entry, profile: Profile, distribution: Distribution, producers: Sequence[str]) -> list[int | None]:
    """Return the grid share and the share of each producer, in Wh."""
    own = distribution.own.get(entry.name, {})
    parts = [sum(own.get(producer, ())) for producer in producers]
    return [profile.sum.wh - sum(parts), *parts]


def _row(entry: Entry, profile: Profile, shares: Iterable[int | None], zone: ZoneInfo) -> tuple[Cell, ...]:
    return (
        *(entry.number, entry.name, entry.serial, kwh(entry.register), printed(entry.read_at, zone)),
        sum(flag is not Flag.MEASURED for flag in profile.flags),
        *(kwh(entry.register_before), printed(entry.read_before_at, zone), kwh(profile.sum.wh)),
        *map(kwh, shares),
    )


def _totals(rows: Sequence[tuple[Cell, ...]], width: int) -> tuple[Cell, ...]:
    """Return the totals of the consumers; those of counters and times would mean nothing."""
    missing, used = COLUMNS.index("fehlende Werte"), COLUMNS.index("Verbrauch")
    sums = [sum(Decimal(str(row[column])) for row in rows) for column in range(used, width)]
    return (None, TOTAL, *[None] * (missing - 2), sum(int(str(row[missing])) for row in rows), None, None, *sums)


def kwh(wh: int | None) -> Decimal | None:
    """Return an energy in kWh with three digits."""
    return None if wh is None else Decimal(wh).scaleb(-3)
