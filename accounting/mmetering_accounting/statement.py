"""A statement (Abrechnungsgrundlage): all that is printed for a holder of a point and a period, with its hash.

It is a basis for billing, not an invoice. A closed one never changes: a correction is a new version, which names the
hash of the one that it replaces.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import Decimal
from hashlib import sha256
from zoneinfo import ZoneInfo

from mmetering_accounting.flag import Flag
from mmetering_accounting.holder import Use
from mmetering_accounting.local_time import date_of, printed
from mmetering_accounting.meter_reading import CheckReading, MeterLine
from mmetering_accounting.money import vat
from mmetering_accounting.profile import Profile
from mmetering_accounting.quarter import instant_of
from mmetering_accounting.reconciliation import Reconciliation
from mmetering_accounting.rounding import half_up
from mmetering_accounting.tariff import Line, Source, Tariff, lines
from mmetering_accounting.terms import Terms


@dataclass(frozen=True, slots=True)
class Quality:
    """How the use of a statement was obtained.

    Attributes:
        expected: quarter hours in the time.
        present: of these, how many were measured.
        others: the other ones by flag: how many, and the energy that they hold, in Wh.
    """

    expected: int
    present: int
    others: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Vat:
    """The VAT on all lines of one rate: percent, net sum and tax, both in ct."""

    percent: Decimal
    net: int
    tax: int


@dataclass(frozen=True, slots=True)
class Prepayment:
    """What was paid in advance (Abschlag), in ct."""

    on: date
    paid: int


@dataclass(frozen=True, slots=True)
class Former:
    """The same time of last year, to stand beside: energies in Wh."""

    used: int
    own: int


@dataclass(frozen=True, slots=True)
class Statement:
    """All that is printed.

    Attributes:
        point: what was metered.
        holder: who held it.
        begin: the instant from which on, in local time with its offset.
        end: the instant up to which.
        first: the first local day with any part in it.
        last: the last one.
        meters: with what they showed at both ends.
        used: in Wh.
        own: by producer, in Wh.
        quality: how the use was obtained.
        terms: of sharing that held in the time; key and version are printed.
        lines: of prices.
        building: the building in the whole period.
        former: last year; None when unknown.
        prepayments: deducted from the total.
        checks: check readings, in a dispute.
        remarks: printed as they are, such as that phases are not netted.
        version: 1, and one more for each correction.
        replaces: the hash of the version before; empty in the first one.
    """

    point: str
    holder: str
    begin: str
    end: str
    first: date
    last: date
    meters: tuple[MeterLine, ...]
    used: int
    own: Mapping[str, int]
    quality: Quality
    terms: tuple[Terms, ...]
    lines: tuple[Line, ...]
    building: Reconciliation
    former: Former | None = None
    prepayments: tuple[Prepayment, ...] = ()
    checks: tuple[CheckReading, ...] = ()
    remarks: tuple[str, ...] = ()
    version: int = 1
    replaces: str = ""

    @property
    def own_share(self) -> int:
        """The energy from own production, in Wh."""
        return sum(self.own.values())

    @property
    def grid_share(self) -> int:
        """All other energy, in Wh."""
        return self.used - self.own_share

    @property
    def autarky(self) -> Decimal | None:
        """The own share of the use, in percent with one digit; None without any use."""
        return Decimal(half_up(1000 * self.own_share, self.used)).scaleb(-1) if self.used else None

    @property
    def vat(self) -> tuple[Vat, ...]:
        """The VAT by rate, on the net sum of its lines."""
        rates = sorted({line.vat_percent for line in self.lines})
        nets = [(rate, sum(line.net for line in self.lines if line.vat_percent == rate)) for rate in rates]
        return tuple(Vat(rate, net, vat(net, rate)) for rate, net in nets)

    @property
    def total(self) -> int:
        """What it costs, in ct: the printed lines and the printed VAT."""
        return sum(line.net for line in self.lines) + sum(one.tax for one in self.vat)

    @property
    def balance(self) -> int:
        """What is still to be paid, in ct; negative when it is paid back."""
        return self.total - sum(one.paid for one in self.prepayments)

    @property
    def hash(self) -> str:
        """The SHA-256 of its content: JSON with sorted keys, as text."""
        content = json.dumps(asdict(self), default=str, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        return sha256(content.encode()).hexdigest()


def state(
    point: str,
    holder: str,
    use: Use,
    *,
    meters: Iterable[MeterLine],
    terms: Iterable[Terms],
    tariffs: Iterable[Tariff],
    building: Reconciliation,
    zone: ZoneInfo,
    supplies_grid: bool,
    former: Former | None = None,
    prepayments: Iterable[Prepayment] = (),
    checks: Iterable[CheckReading] = (),
    remarks: Iterable[str] = (),
) -> Statement:
    """Return the first version of a statement.

    Args:
        point: what was metered.
        holder: who held it.
        use: what was used in the time, and the own share of it.
        meters: with what they showed at both ends of the time.
        terms: all of sharing; those that held in the time are printed.
        tariffs: all of the point.
        building: the building in the whole period.
        zone: of local times.
        supplies_grid: whether the house sells the grid share, too; if not, no prices of it are printed.
        former: last year.
        prepayments: in the time.
        checks: check readings.
        remarks: to print.
    """
    quarters = use.profile.quarters
    first, last = date_of(quarters[0], zone), date_of(quarters[-1], zone)
    sold = (one for one in tariffs if supplies_grid or one.source is not Source.GRID)
    held = (one for one in terms if one.first <= last and (one.last is None or one.last >= first))
    return Statement(
        point,
        holder,
        printed(instant_of(use.begin), zone),
        printed(instant_of(use.end), zone),
        first,
        last,
        tuple(meters),
        use.profile.sum.wh,
        {producer: sum(row) for producer, row in use.own.items()},
        quality(use.profile),
        tuple(sorted((one for one in held if point in one.parts), key=lambda one: (one.producer, one.first))),
        lines(use, sold, zone),
        building,
        former,
        tuple(prepayments),
        tuple(checks),
        tuple(remarks),
    )


def quality(profile: Profile) -> Quality:
    """Return how the energies of a profile were obtained."""
    counts = Counter(profile.flags)
    energies: Counter[Flag] = Counter()
    for _, wh, flag in profile:
        energies[flag] += wh or 0
    others = {flag.name.lower(): (counts[flag], energies[flag]) for flag in Flag if flag and counts[flag]}
    return Quality(len(profile.quarters), counts[Flag.MEASURED], others)


def correct(old: Statement, new: Statement) -> Statement:
    """Return a statement computed anew as the version after an older one, which stays as it is.

    Raises:
        ValueError: they are not of the same point, holder and time, or nothing has changed.
    """
    numbered = replace(new, version=old.version + 1, replaces=old.hash)
    if (old.point, old.holder, old.begin, old.end) != (new.point, new.holder, new.begin, new.end):
        raise ValueError(f"{new.holder} from {new.begin} to {new.end} is not what version {old.version} was for")
    if replace(numbered, version=old.version, replaces=old.replaces) == old:
        raise ValueError(f"nothing differs from version {old.version}")
    return numbered
