"""Local times without a zone."""

from datetime import UTC, datetime, timedelta

from importer.old_house import BERLIN
from mmetering_importer.dating import Dated, Doubt, Raw, date

OCTOBER, MARCH = datetime(2025, 10, 26), datetime(2025, 3, 30)  # noqa: DTZ001 as the old system writes them


def dated(*times: datetime) -> list[Dated]:
    """Return rows of two meters at each of these times, dated."""
    rows = [
        Raw(n, n % 2, time + timedelta(seconds=n % 2), ())
        for n, time in enumerate(sorted(times * 2, key=times.index), 1)
    ]
    return list(date(rows, BERLIN))


def utc(day: datetime, *clock: tuple[int, int]) -> list[datetime]:
    """Return these times of a day in UTC, each twice, a second apart."""
    return [day.replace(hour=h, minute=m, second=s, tzinfo=UTC) for h, m in clock for s in (1, 0)]


def test_an_october_hour_that_falls_back_is_told() -> None:
    """Rows before the step back are of summer time, those behind it of winter time, for all meters."""
    clocks = [(1, 45), (2, 0), (2, 30), (2, 0), (2, 30), (3, 0)]
    rows = [
        Raw(n, n % 2, OCTOBER.replace(hour=h, minute=m, second=n % 2), ())
        for n, (h, m) in enumerate((clock for clock in clocks for _ in "ab"), 1)
    ]
    found = list(date(rows, BERLIN))
    expected = utc(OCTOBER - timedelta(days=1), (23, 45)) + utc(OCTOBER, (0, 0), (0, 30), (1, 0), (1, 30), (2, 0))
    assert [one.at for one in found] == expected
    assert not any(one.doubt for one in found)
    assert [one.row.id for one in found] == list(range(1, 13))


def test_an_october_hour_without_a_step_back_is_unclear() -> None:
    """With one pass through the hour nobody can tell which it was: summer time, and flagged."""
    found = dated(OCTOBER.replace(hour=2), OCTOBER.replace(hour=2, minute=30), OCTOBER.replace(hour=3))
    assert [one.doubt for one in found] == [Doubt.UNCLEAR] * 4 + [None] * 2
    assert found[0].at.hour == 0


def test_an_october_hour_with_two_steps_back_is_unclear() -> None:
    """Where times fall back twice the clock was set by hand: no row of the hour is certain."""
    rows = [Raw(n, 1, OCTOBER.replace(hour=2, minute=m), ()) for n, m in enumerate((0, 30, 0, 30, 0), 1)]
    assert {one.doubt for one in date(rows, BERLIN)} == {Doubt.UNCLEAR}


def test_the_hour_that_march_has_not_got_is_flagged() -> None:
    """A time that no clock has shown goes on from winter time, and is flagged."""
    found = dated(MARCH.replace(hour=1, minute=45), MARCH.replace(hour=2, minute=15), MARCH.replace(hour=3))
    assert [one.doubt for one in found] == [None] * 2 + [Doubt.MISSING] * 2 + [None] * 2
    assert found[2].at.replace(second=0) == MARCH.replace(hour=1, minute=15, tzinfo=UTC)


def test_octobers_of_two_years_are_told_apart() -> None:
    """Rows of one year's hour that end the data of that year do not mix with the next year's."""
    before = OCTOBER.replace(year=2024, day=27)
    times = [before.replace(hour=2), before.replace(hour=2, minute=30), OCTOBER.replace(hour=2)]
    assert {one.doubt for one in dated(*times)} == {Doubt.UNCLEAR}
