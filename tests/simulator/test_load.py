"""The load: standard profiles, the sun, and what a year of each kind comes to."""

from datetime import UTC, date, datetime
from typing import Literal

import numpy as np
import pytest
from mmetering_simulator.building import load_building
from mmetering_simulator.chance import uniform
from mmetering_simulator.load import load
from mmetering_simulator.profile import profile
from mmetering_simulator.sun import clear_sky, sun

BUILDING = load_building()
ZONE = "Europe/Berlin"


def _day(year: int, month: int, day: int) -> int:
    return (date(year, month, day) - date(1970, 1, 1)).days


def _kwh(slug: str, first: int, days: int) -> float:
    return sum(float(load(BUILDING, slug)(day).watts.sum()) / 4000 for day in range(first, first + days))


@pytest.mark.parametrize("slug", ["flat-01", "flat-03", "flat-07", "common"])
def test_a_year_comes_to_what_the_file_says(slug: str) -> None:
    """A year's quarter hours must sum to the yearly kWh, within what chance and the profile's own sum take."""
    expected = BUILDING.meter[slug].yearly_kwh  # type: ignore[union-attr]  # only consumers stand above
    assert _kwh(slug, _day(2026, 1, 1), 365) == pytest.approx(expected, rel=0.04)


def test_flats_together_follow_the_household_profile() -> None:
    """The mean flat over a winter's weekdays must have the household profile's shape: chance evens out."""
    days = range(_day(2026, 1, 1), _day(2026, 3, 1))
    flats = [slug for slug in BUILDING.meter if slug.startswith("flat")]
    mean = np.mean([load(BUILDING, slug)(day).watts.sum(axis=1) for slug in flats for day in days], axis=0)
    shape = np.mean([profile("H25", ZONE, day) for day in days], axis=0)
    assert np.corrcoef(mean, shape)[0, 1] > 0.97


@pytest.mark.parametrize("name", ["H25", "G25"])
@pytest.mark.parametrize("year", [2026, 2028])
def test_a_profile_is_one_kwh_a_year(name: Literal["H25", "G25"], year: int) -> None:
    """A profile in W for each yearly kWh must sum to about one kWh, in leap years too."""
    days = range(_day(year, 1, 1), _day(year + 1, 1, 1))
    total = sum(float(profile(name, ZONE, day).sum()) / 4000 for day in days)
    assert total == pytest.approx(1, rel=0.03)


@pytest.mark.parametrize(
    ("before", "after", "hours"),
    [((2026, 3, 22), (2026, 3, 29), 1), ((2026, 10, 18), (2026, 10, 25), -1)],
)
def test_profiles_follow_the_clock_on_the_wall(
    before: tuple[int, int, int], after: tuple[int, int, int], hours: int
) -> None:
    """On the Sunday of a clock change noon must come an hour earlier or later in UTC than the Sunday before."""
    last = profile("G25", ZONE, _day(*before))
    changed = profile("G25", ZONE, _day(*after))
    noon = slice(40, 80)
    assert changed[noon] == pytest.approx(np.roll(last, -4 * hours)[noon])
    assert changed[noon] != pytest.approx(last[noon])


def test_pv_rests_at_night_and_works_by_day() -> None:
    """A roof must give nothing while the sun is down, something while it is well up, and never more than its peak."""
    for month in range(1, 13):
        watts = load(BUILDING, "pv")(_day(2026, month, 15)).watts.sum(axis=1)
        assert (watts[:12] == 0).all()  # before 3 h UTC
        assert (watts[82:] == 0).all()  # after 20:30 h UTC
        assert (watts[40:52] > 0).all()
        assert watts.max() <= 9900


def test_pv_comes_to_what_roofs_in_bavaria_give() -> None:
    """A roof to the south must give 950 to 1150 kWh for each kW in a year, most of it in summer."""
    june, december = _kwh("pv", _day(2026, 6, 1), 30), _kwh("pv", _day(2026, 12, 1), 31)
    assert 950 < _kwh("pv", _day(2026, 1, 1), 365) / 9.9 < 1150
    assert june > 2.5 * december


def test_chp_runs_in_blocks_and_more_in_winter() -> None:
    """A cogeneration unit must be on or off, start at most a few times a day, and run longest in the cold."""
    winter, summer = load(BUILDING, "chp")(_day(2026, 1, 20)).watts, load(BUILDING, "chp")(_day(2026, 7, 20)).watts
    for watts in (winter, summer):
        on = watts.sum(axis=1) > 0
        assert watts.sum(axis=1)[on] == pytest.approx(5500)
        assert 1 <= np.count_nonzero(on[1:] & ~on[:-1]) <= 3
    assert (winter > 0).sum() > 2 * (summer > 0).sum()


def test_chp_follows_the_clock_on_the_wall() -> None:
    """In July a cogeneration unit's morning must centre on 7 h on the wall, which is 5 h UTC."""
    hours = (np.arange(96) + 0.5) / 4
    days = range(_day(2026, 7, 1), _day(2026, 8, 1))
    mornings = [hours[(load(BUILDING, "chp")(day).watts[:, 0] > 0) & (hours < 12)].mean() for day in days]
    assert np.mean(mornings) == pytest.approx(5, abs=0.3)


def test_the_sun_stands_where_almanacs_say() -> None:
    """In Munich the June noon must come at 11:15 h UTC, 65.3 degrees high in the south; equinox sunrise in the east."""
    noon = np.array([datetime(2026, 6, 21, 11, 15, tzinfo=UTC).timestamp()])
    high = sun(noon, 48.1, 11.6)
    assert np.degrees(high.elevation) == pytest.approx([65.33], abs=0.2)
    assert np.degrees(high.azimuth) == pytest.approx([180], abs=1)
    minutes = datetime(2026, 3, 20, 5, tzinfo=UTC).timestamp() + 60 * np.arange(60.0)
    morning = sun(minutes, 48.1, 11.6)
    rise = int(np.argmax(morning.elevation > 0))
    assert np.degrees(morning.azimuth[rise]) == pytest.approx(90, abs=1)
    assert 17 <= rise <= 25  # 5:22 h UTC without refraction; half a degree of the sun's place is 2 minutes


@pytest.mark.parametrize(("direction", "best"), [(90.0, "morning"), (270.0, "evening")])
def test_a_roof_likes_the_sun_that_it_looks_at(direction: float, best: str) -> None:
    """A roof to the east must get more in the morning, one to the west more in the evening."""
    hours = datetime(2026, 6, 21, tzinfo=UTC).timestamp() + 3600 * np.array([6.0, 16.5])
    morning, evening = clear_sky(sun(hours, 48.1, 11.6), 30, direction)
    assert (morning > evening) == (best == "morning")
    assert 0 < min(morning, evening) < max(morning, evening) < 1200


def test_chance_is_what_shake256_says() -> None:
    """The numbers of a key must be those of SHAKE256 for ever."""
    assert uniform(3, 630, "flat-03", 20454) == pytest.approx(
        [0.35848227007487354, 0.42157379394391703, 0.504885435736036], abs=1e-15
    )
    many = uniform(10000, "spread")
    assert many.min() >= 0
    assert many.max() < 1
    assert many.mean() == pytest.approx(0.5, abs=0.01)
