"""Prices and lines (the rules of money)."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_accounting.flag import Flag
from mmetering_accounting.holder import Use, cut, whole
from mmetering_accounting.local_time import days, month
from mmetering_accounting.money import cents, euros, for_energy, vat
from mmetering_accounting.profile import Profile
from mmetering_accounting.quarter import ms_of
from mmetering_accounting.tariff import Line, Source, Tariff, lines, uncovered

BERLIN = ZoneInfo("Europe/Berlin")
OCTOBER = month(2026, 10, BERLIN)
NONE, FULL = Decimal(0), Decimal(19)


def use(wh: int = 10, own: int = 4, quarters: range = OCTOBER) -> Use:
    """Return a use of the same energy in each quarter hour."""
    profile = Profile(quarters, [wh] * len(quarters), [Flag.MEASURED] * len(quarters))
    return whole(profile, {"pv": [own] * len(quarters)})


def tariff(source: Source, price: str, first: date = date(2020, 1, 1), last: date | None = None) -> Tariff:
    """Return a tariff without VAT."""
    return Tariff(f"{source} {price}", source, Decimal(price), NONE, first, last)


@pytest.mark.parametrize(("exact", "printed"), [("0.5", 1), ("1.5", 2), ("2.4999", 2), ("-0.5", 0), ("-0.51", -1)])
def test_amounts_are_rounded_half_up(exact: str, printed: int) -> None:
    """Half a cent must go up, not to the even cent, whatever Decimal's context says."""
    assert cents(Fraction(exact)) == printed


def test_energy_and_prices_are_exact() -> None:
    """1 Wh at 0.1 ct/kWh must be exactly 0.0001 ct, and 24.9 ct/kWh no binary fraction."""
    assert for_energy(1, Decimal("0.1")) == Fraction(1, 10_000)
    assert for_energy(1000, Decimal("24.9")) == Fraction(249, 10)
    assert vat(1050, Decimal(19)) == 200
    assert euros(-205) == Decimal("-2.05")


def test_there_is_one_line_for_each_segment_and_source() -> None:
    """A price that changes must make two lines, each with the energy of its own days, clock change or not."""
    tariffs = [
        tariff(Source.GRID, "32.5"),
        tariff(Source.OWN, "20", last=date(2026, 10, 25)),
        tariff(Source.OWN, "21.5", first=date(2026, 10, 26)),
        tariff(Source.FIXED, "33.3"),
    ]
    early, late = 25 * 96 + 4, 6 * 96
    first, last = date(2026, 10, 1), date(2026, 10, 31)
    assert lines(use(), tariffs, BERLIN) == (
        Line("own 20", Source.OWN, first, date(2026, 10, 25), 4 * early, Decimal(20), NONE, 192),
        Line("own 21.5", Source.OWN, date(2026, 10, 26), last, 4 * late, Decimal("21.5"), NONE, 50),
        Line("grid 32.5", Source.GRID, first, last, 6 * (early + late), Decimal("32.5"), NONE, 581),
        Line("fixed 33.3", Source.FIXED, first, last, 31, Decimal("33.3"), NONE, 1032),
    )


def test_a_line_is_rounded_once() -> None:
    """Prices for each quarter hour must be added up exactly and rounded at the end, not one by one."""
    prices = dict.fromkeys(OCTOBER, Decimal("0.6"))
    spot = Tariff("spot", Source.GRID, Decimal(99), NONE, date(2026, 1, 1), by_quarter=prices)
    (line,) = lines(use(), [spot], BERLIN)
    assert line.net == 11  # 2980 quarter hours x 6 Wh x 0.6 ct/kWh = 10.728 ct, and each by itself 0.0036 ct
    assert line.price is None


def test_a_quarter_hour_without_price_of_its_own_has_the_usual_one() -> None:
    """With prices for some quarter hours only, the others must cost what the tariff says."""
    some = Tariff("spot", Source.OWN, Decimal(1000), NONE, date(2026, 1, 1), by_quarter={OCTOBER[0]: Decimal(0)})
    (line,) = lines(use(), [some], BERLIN)
    assert line.net == (len(OCTOBER) - 1) * 4


def test_two_prices_on_one_day_are_refused() -> None:
    """Overlapping tariffs of one source must be refused; of different sources they are ordinary."""
    double = [tariff(Source.OWN, "20", last=date(2026, 10, 5)), tariff(Source.OWN, "21", first=date(2026, 10, 5))]
    with pytest.raises(ValueError, match="own 21 begins before own 20 ends"):
        lines(use(), double, BERLIN)


def test_days_without_price_are_found() -> None:
    """A hole between two tariffs must be named, day by day."""
    holey = [tariff(Source.OWN, "20", last=date(2026, 10, 5)), tariff(Source.OWN, "21", first=date(2026, 10, 8))]
    assert uncovered(use(), holey, Source.OWN, BERLIN) == [date(2026, 10, 6), date(2026, 10, 7)]
    assert len(uncovered(use(), holey, Source.GRID, BERLIN)) == 31


def test_a_day_is_paid_by_whoever_holds_the_point_when_it_begins() -> None:
    """When people move within a day, its fixed charge must be paid once: by who moves out."""
    move = ms_of(datetime(2026, 10, 10, 14, 7, tzinfo=BERLIN))
    both = [lines(part, [tariff(Source.FIXED, "100")], BERLIN)[0] for part in cut(use(), [move], lambda *_: None)]
    assert [line.amount for line in both] == [10, 21]


PRICES = st.decimals(-50, 100, places=4)


@given(st.lists(st.tuples(st.integers(1, 10), PRICES), min_size=1, max_size=4), st.integers(0, 300), st.data())
def test_lines_hold_all_energy_exactly(segments: list[tuple[int, Decimal]], wh: int, data: st.DataObject) -> None:
    """However tariffs cut the time, all energy must be on exactly one line, each rounded by at most half a cent."""
    own = data.draw(st.integers(0, wh))
    first, tariffs, price_on = date(2026, 10, 20), [], dict[date, Decimal]()
    for length, price in segments:
        last = first + timedelta(days=length - 1)
        tariffs.append(Tariff("own", Source.OWN, price, FULL, first, last))
        price_on |= {first + timedelta(days=number): price for number in range(length)}
        first = last + timedelta(days=1)
    used = use(wh, own, days(date(2026, 10, 20), first - timedelta(days=1), BERLIN))
    found = lines(used, data.draw(st.permutations(tariffs)), BERLIN)
    assert sum(line.amount for line in found) == sum(used.own_wh())
    for line, (_, price) in zip(found, segments, strict=True):
        assert abs(line.net - line.amount * Fraction(price) / 1000) <= Fraction(1, 2)
    assert sum((exact(day, price, own) for day, price in price_on.items()), Fraction(0)) == sum(
        (line.amount * Fraction(price) / 1000 for line, (_, price) in zip(found, segments, strict=True)), Fraction(0)
    )


def exact(day: date, price: Decimal, wh: int) -> Fraction:
    """Return what a day costs with the same energy in each of its quarter hours."""
    return len(days(day, day, BERLIN)) * wh * Fraction(price) / 1000
