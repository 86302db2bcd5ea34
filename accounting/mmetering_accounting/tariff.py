"""Tariffs and the lines that they make: one for each tariff segment and source.

A tariff holds from a local day to a local day. Its price is fixed, or one for each quarter hour (ct/kWh); that of a
fixed charge is in ct a day, and a day is paid by whoever holds the point when it begins.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from mmetering_accounting.holder import Use
from mmetering_accounting.local_time import date_of, days, each_day, midnight
from mmetering_accounting.money import cents, for_energy
from mmetering_accounting.quarter import ms_of


class Source(StrEnum):
    """What a tariff is for."""

    OWN = "own"  # energy of the house's own production
    GRID = "grid"  # all other energy
    FIXED = "fixed"  # each day


@dataclass(frozen=True, slots=True)
class Tariff:
    """A price with its validity.

    Attributes:
        name: printed.
        source: what it is for.
        price: in ct/kWh, or in ct a day for FIXED; net.
        vat_percent: of the VAT on it; 0 for a small operator (§ 19 UStG).
        first: the first local day.
        last: the last one; None while it holds.
        by_quarter: prices of single quarter hours, in ct/kWh; where there is none, `price`.
    """

    name: str
    source: Source
    price: Decimal
    vat_percent: Decimal
    first: date
    last: date | None = None
    by_quarter: Mapping[int, Decimal] | None = None

    def holds_on(self, day: date) -> bool:
        """Return whether it holds on a local day."""
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a statement.

    Attributes:
        name: of the tariff.
        source: what it is for.
        first: the first local day.
        last: the last one.
        amount: Wh, or days for FIXED.
        price: in ct/kWh, or in ct a day; None with a price for each quarter hour.
        vat_percent: of the VAT that comes on top.
        net: in ct, rounded half up.
    """

    name: str
    source: Source
    first: date
    last: date
    amount: int
    price: Decimal | None
    vat_percent: Decimal
    net: int


def lines(use: Use, tariffs: Iterable[Tariff], zone: ZoneInfo) -> tuple[Line, ...]:
    """Return the lines for a use, in order of source and time.

    Raises:
        ValueError: two tariffs hold for one source on the same day.
    """
    ordered = sorted(tariffs, key=lambda one: (list(Source).index(one.source), one.first))
    for before, after in pairwise(ordered):
        if before.source is after.source and before.holds_on(after.first):
            raise ValueError(f"{after.name} begins before {before.name} ends")
    quarters = use.profile.quarters
    first, last = date_of(quarters[0], zone), date_of(quarters[-1], zone)
    found = []
    for tariff in ordered:
        begin, end = max(first, tariff.first), last if tariff.last is None else min(last, tariff.last)
        if begin <= end:
            found.append(_line(use, tariff, begin, end, zone))
    return tuple(found)


def uncovered(use: Use, tariffs: Sequence[Tariff], source: Source, zone: ZoneInfo) -> list[date]:
    """Return the local days of a use on which no tariff holds for a source."""
    quarters = use.profile.quarters
    first, last = date_of(quarters[0], zone), date_of(quarters[-1], zone)
    priced = [one for one in tariffs if one.source is source]
    return [day for day in each_day(first, last) if not any(one.holds_on(day) for one in priced)]


def _line(use: Use, tariff: Tariff, first: date, last: date, zone: ZoneInfo) -> Line:
    if tariff.source is Source.FIXED:
        amount = _days_begun(use, first, last, zone)
        net = amount * Fraction(tariff.price)
    else:
        energies = _energies(use, tariff.source, days(first, last, zone))
        amount = sum(energies.values())
        net = _cost(energies, tariff)
    price = None if tariff.by_quarter else tariff.price
    return Line(tariff.name, tariff.source, first, last, amount, price, tariff.vat_percent, cents(net))


def _cost(energies: Mapping[int, int], tariff: Tariff) -> Fraction:
    if not tariff.by_quarter:
        return for_energy(sum(energies.values()), tariff.price)
    prices = ((wh, tariff.by_quarter.get(quarter, tariff.price)) for quarter, wh in energies.items())
    return sum((for_energy(wh, price) for wh, price in prices), Fraction(0))


def _energies(use: Use, source: Source, quarters: range) -> dict[int, int]:
    """Return the energy from a source in each of some quarter hours, in Wh; what is missing counts as 0."""
    found = {}
    for (quarter, wh, _), own in zip(use.profile, use.own_wh(), strict=True):
        if quarter in quarters:
            found[quarter] = own if source is Source.OWN else (wh or 0) - own
    return found


def _days_begun(use: Use, first: date, last: date, zone: ZoneInfo) -> int:
    """Return on how many local days the point was held when they began."""
    return sum(use.begin <= ms_of(midnight(day, zone)) < use.end for day in each_day(first, last))
