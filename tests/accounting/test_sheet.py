"""The monthly sheet of the predecessor."""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from random import Random
from zoneinfo import ZoneInfo

from mmetering_accounting.distribution import distribute
from mmetering_accounting.flag import Flag
from mmetering_accounting.local_time import month
from mmetering_accounting.profile import Profile
from mmetering_accounting.sheet import Entry, rows, terms_of_the_sheet

BERLIN = ZoneInfo("Europe/Berlin")
OCTOBER = month(2026, 10, BERLIN)
BEGIN, END = datetime(2026, 10, 1, tzinfo=BERLIN), datetime(2026, 11, 1, tzinfo=BERLIN)
dice = Random(630)


def profile(most: int) -> Profile:
    """Return a month of random use, nothing at all in some quarter hours."""
    wh = [dice.randrange(most) if index % 7 else 0 for index in range(len(OCTOBER))]
    flags = [Flag.INTERPOLATED, *[Flag.MEASURED] * (len(OCTOBER) - 1)]
    return Profile(OCTOBER, wh, flags)


USED = {"Wohnung 2": profile(300), "Wohnung 1": profile(200), "Allgemeinstrom": profile(50)}
MADE = {"PV": profile(700), "BHKW": profile(90)}


def entry(number: int, name: str) -> Entry:
    """Return a point with its registers."""
    return Entry(number, name, f"SN{number}", 2_000_000, END, 1_234_567, BEGIN)


def sheet() -> list[tuple[object, ...]]:
    """Return the sheet of the month."""
    shared = distribute(USED, MADE, terms_of_the_sheet(USED, MADE), BERLIN)
    users = [entry(number, name) for number, name in enumerate(USED, start=1)]
    makers = [entry(number, name) for number, name in enumerate(MADE, start=8)]
    return list(rows(users, makers, {**USED, **MADE}, shared, BERLIN))


def test_its_columns_are_the_predecessors() -> None:
    """The recipients depend on the names and the order; one column for each producer stands at the end."""
    assert sheet()[0] == (
        *("ID", "Bezug", "SN", "Zaehlerstand", "Uhrzeit", "fehlende Werte", "Vormonat", "Uhrzeit Vormonat"),
        *("Verbrauch", "Anteil Versorger", "BHKW", "PV"),
    )


def test_consumers_come_by_name_then_producers_then_totals() -> None:
    """Each row must hold id, serial, registers in kWh with their local times, and what was not measured."""
    found = sheet()
    assert [row[1] for row in found[1:]] == ["Allgemeinstrom", "Wohnung 1", "Wohnung 2", "BHKW", "PV", "Summe"]
    assert found[2][:9] == (
        *(2, "Wohnung 1", "SN2", Decimal("2000.000"), "2026-11-01 00:00 +01:00", 1),
        *(Decimal("1234.567"), "2026-10-01 00:00 +02:00", Decimal(USED["Wohnung 1"].sum.wh).scaleb(-3)),
    )
    assert found[4][9:] == (None, None, None)


def test_shares_are_those_of_the_predecessors_formula() -> None:
    """The sum over quarter hours of c_f/C * p_k * min(1, C/P) must come out, but for each quarter hour's rounding."""
    found = {row[1]: row for row in sheet()}
    for flat in USED:
        for column, producer in ((10, "BHKW"), (11, "PV")):
            exact = Fraction(0)
            for index in range(len(OCTOBER)):
                used = [USED[name].wh[index] or 0 for name in USED]
                made = [MADE[name].wh[index] or 0 for name in MADE]
                if sum(used) and sum(made):
                    own = Fraction((USED[flat].wh[index] or 0) * (MADE[producer].wh[index] or 0), sum(used))
                    exact += own * min(Fraction(1), Fraction(sum(used), sum(made)))
            share = found[flat][column]
            assert isinstance(share, Decimal)
            assert abs(1000 * Fraction(share) - exact) < 100  # of 2980 quarter hours, each off by a Wh at most


def test_the_totals_are_those_of_the_consumers() -> None:
    """Use must be grid share and producers' shares, in each row and in the totals; registers are not added up."""
    found = sheet()
    total = found[-1]
    for row in [*found[1:4], total]:
        use, *parts = (Decimal(str(cell)) for cell in row[8:])
        assert use == sum(parts)
    assert total[8] == Decimal(sum(one.sum.wh for one in USED.values())).scaleb(-3)
    assert total[:8] == (None, "Summe", None, None, None, 3, None, None)


def test_a_sheet_of_nobody_has_a_head_and_totals() -> None:
    """A building without any point must not break the mail on the 1st."""
    shared = distribute({}, MADE, [], BERLIN)
    assert len(rows([], [], {}, shared, BERLIN)) == 2
