"""Statements: what they show, what they add up to, how they are frozen and corrected."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from mmetering_accounting.flag import Flag
from mmetering_accounting.holder import Use, cut, whole
from mmetering_accounting.installation import Installation
from mmetering_accounting.local_time import month
from mmetering_accounting.meter_reading import CheckReading, Reading, meter_lines
from mmetering_accounting.point import MeteredPoint
from mmetering_accounting.profile import Profile
from mmetering_accounting.quarter import QUARTER_MS, ms_of
from mmetering_accounting.reconciliation import Reconciliation
from mmetering_accounting.sample import Sample
from mmetering_accounting.sharing import Key
from mmetering_accounting.statement import Former, Prepayment, Quality, Statement, Vat, correct, state
from mmetering_accounting.tariff import Source, Tariff
from mmetering_accounting.terms import Terms

BERLIN = ZoneInfo("Europe/Berlin")
OCTOBER = month(2026, 10, BERLIN)
TARIFFS = [
    Tariff("Solarstrom", Source.OWN, Decimal("20.5"), Decimal(0), date(2026, 1, 1)),
    Tariff("Netzstrom", Source.GRID, Decimal("32.05"), Decimal(19), date(2026, 1, 1)),
    Tariff("Grundpreis", Source.FIXED, Decimal("33.3"), Decimal(19), date(2026, 1, 1)),
]
TERMS = [
    Terms("pv", {"flat": 1, "other": 1}, Key.DYNAMIC, version=3),
    Terms("pv", {"flat": 1}, Key.EQUAL, last=date(2026, 9, 30), version=2),
    Terms("chp", {"other": 1}),
]
BUILDING = Reconciliation(produced=50_000, shared=30_000, feed_in=20_000, points=90_000, drawn=62_000, delivered=20_500)


def use(flags: tuple[Flag, ...] = ()) -> Use:
    """Return October's use, 10 Wh a quarter hour, of which 4 are own; the first ones flagged so."""
    measured = [Flag.MEASURED] * (len(OCTOBER) - len(flags))
    return whole(Profile(OCTOBER, [10] * len(OCTOBER), [*flags, *measured]), {"pv": [4] * len(OCTOBER)})


def statement(used: Use | None = None, *, supplies_grid: bool = True, holder: str = "Ada") -> Statement:
    """Return a statement for October."""
    return state(
        "flat",
        holder,
        used or use(),
        meters=(),
        terms=TERMS,
        tariffs=TARIFFS,
        building=BUILDING,
        zone=BERLIN,
        supplies_grid=supplies_grid,
        former=Former(used=31_000, own=9_000),
        prepayments=[Prepayment(date(2026, 10, 1), 1500)],
        remarks=["counts each phase by itself"],
    )


def test_a_statement_shows_the_period_in_local_dates() -> None:
    """The first and the last day must be local ones, and instants stand with their offset, which changes here."""
    found = statement()
    assert (found.first, found.last) == (date(2026, 10, 1), date(2026, 10, 31))
    assert (found.begin, found.end) == ("2026-10-01 00:00 +02:00", "2026-11-01 00:00 +01:00")


def test_a_statement_shows_use_own_share_grid_share_and_autarky() -> None:
    """Own and grid share must add up to the use; without any use there is no autarky, not a division by zero."""
    found = statement()
    assert (found.used, found.own_share, found.grid_share) == (29_800, 11_920, 17_880)
    assert found.own == {"pv": 11_920}
    assert found.autarky == Decimal("40.0")
    nothing = whole(Profile(OCTOBER, [0] * len(OCTOBER), [Flag.MEASURED] * len(OCTOBER)), {})
    assert statement(nothing).autarky is None


def test_a_statement_shows_key_and_version() -> None:
    """Only terms that held in the time and that the point took part in may be printed."""
    assert statement().terms == (TERMS[0],)


def test_a_statement_shows_how_the_use_was_obtained() -> None:
    """Quarter hours expected, present and replaced must be told, with the energy that they hold."""
    flags = (Flag.SUBSTITUTE, Flag.SUBSTITUTE, Flag.INTERPOLATED)
    assert statement(use(flags)).quality == Quality(2980, 2977, {"interpolated": (1, 10), "substitute": (2, 20)})


def test_the_total_is_the_sum_of_the_printed_lines() -> None:
    """VAT must be taken per rate on the net sum, and total and balance be sums of what is printed."""
    found = statement()
    assert [line.net for line in found.lines] == [244, 573, 1032]
    assert found.vat == (Vat(Decimal(0), 244, 0), Vat(Decimal(19), 1605, 305))
    assert found.total == 244 + 573 + 1032 + 305
    assert found.balance == found.total - 1500


def test_without_supplying_it_no_grid_prices_are_printed() -> None:
    """Where tenants buy the grid share elsewhere, no line of it may stand there; the energy still does."""
    found = statement(supplies_grid=False)
    assert [line.source for line in found.lines] == [Source.OWN, Source.FIXED]
    assert found.grid_share == 17_880


def test_moving_makes_two_statements_that_add_up() -> None:
    """Who moves in the middle of a quarter hour and who follows must together have used what the point did."""
    parts = cut(use(), [ms_of(datetime(2026, 10, 10, 14, 7, tzinfo=BERLIN))], lambda _, __: None)
    early, late = (statement(part, holder=holder) for part, holder in zip(parts, ("Ada", "Bob"), strict=True))
    assert early.end == late.begin == "2026-10-10 14:07 +02:00"
    assert early.last == late.first == date(2026, 10, 10)
    assert early.used + late.used == statement().used
    assert early.own_share + late.own_share == statement().own_share


def test_the_hash_follows_the_content() -> None:
    """The same content must have the same hash, and any change another one."""
    assert statement().hash == statement().hash
    changes = [
        statement(holder="Bob"),
        statement(use((Flag.SUBSTITUTE,))),
        replace(statement(), remarks=()),
        replace(statement(), version=2),
        replace(statement(), building=replace(BUILDING, feed_in=1)),
    ]
    assert len({statement().hash, *(change.hash for change in changes)}) == 1 + len(changes)


def test_the_hash_does_not_follow_the_order_of_computing() -> None:
    """Producers that came in another order must give the same hash."""
    forth, back = ({name: len(name) for name in names} for names in (("chp", "pv"), ("pv", "chp")))
    assert replace(statement(), own=forth).hash == replace(statement(), own=back).hash


def test_a_correction_is_a_new_version() -> None:
    """It must carry the next number and the hash of the one before, which stays as it was."""
    old = statement()
    new = correct(old, statement(use((Flag.CORRECTED,))))
    assert (new.version, new.replaces, old.version) == (2, old.hash, 1)
    assert correct(new, statement()).version == 3
    with pytest.raises(ValueError, match="nothing differs"):
        correct(old, statement())
    with pytest.raises(ValueError, match="nothing differs"):
        correct(new, statement(use((Flag.CORRECTED,))))
    with pytest.raises(ValueError, match="is not what version 1 was for"):
        correct(old, statement(holder="Bob"))


def test_a_statement_shows_all_meters_with_their_registers() -> None:
    """After a replacement both meters must stand there, with serial, calibration year, registers and their flags."""
    begin, swap, end = (ms_of(datetime(2026, 10, day, 12, tzinfo=BERLIN)) for day in (1, 10, 20))
    old = Installation("a", "111", datetime(2026, 9, 1, tzinfo=BERLIN), datetime(2026, 10, 10, 12, tzinfo=BERLIN),
                       end_wh=500, calibrated=2019)  # fmt: skip
    new = Installation("b", "222", datetime(2026, 10, 10, 12, tzinfo=BERLIN), begin_wh=7, calibrated=2026, factor=40)
    read_old = [Sample(begin - 60 * QUARTER_MS, 90), Sample(begin, 100), Sample(begin + QUARTER_MS, 110)]
    read_new = [Sample(end - QUARTER_MS, 1000), Sample(end + QUARTER_MS, 1010)]
    point = MeteredPoint([(old, old.trusted(read_old)), (new, new.trusted(read_new))], BERLIN)
    first, second = meter_lines(point, begin, end)
    assert (first.serial, first.calibrated, second.serial, second.factor) == ("111", 2019, "222", 40)
    assert (first.begin, first.end) == (Reading(begin, 100, Flag.MEASURED), Reading(swap, 500, Flag.MEASURED))
    assert (second.begin, second.end) == (Reading(swap, 7, Flag.MEASURED), Reading(end, 1005, Flag.INTERPOLATED))
    assert meter_lines(point, begin, swap) == (first,)
    within = meter_lines(point, begin, swap + 500 * QUARTER_MS + 100_000)[1].end
    assert within.flag is Flag.SUBSTITUTE
    assert 7 < (within.wh or 0) < 1000


def test_a_check_reading_is_set_against_the_counter() -> None:
    """What a person reads from the display must be comparable with what the meter said for that instant."""
    counted = Reading(ms_of(datetime(2026, 10, 1, tzinfo=BERLIN)), 1000, Flag.MEASURED)
    assert CheckReading(counted.at, 990, counted).difference_wh == -10
    assert CheckReading(counted.at, 990, Reading(counted.at, None, Flag.MISSING)).difference_wh is None
