"""Points and their installations over time (rule 5)."""

from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from accounting.readings import Q0, QUARTER, T0, at, growing
from hypothesis import given, settings
from hypothesis import strategies as st
from mmetering_accounting.flag import Flag
from mmetering_accounting.installation import Installation
from mmetering_accounting.point import MeteredPoint
from mmetering_accounting.profile import Energy, Profile
from mmetering_accounting.quarter import instant_of, ms_of
from mmetering_accounting.sample import Sample
from mmetering_accounting.trust import Cause, Resolution
from mmetering_accounting.typical import REACH

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = 7 * 24 * 60


def minute(minutes: float) -> datetime:
    """Return the instant so many minutes behind T0."""
    return instant_of(T0) + timedelta(minutes=minutes)


def point(*installations: tuple[Installation, list[Sample]]) -> MeteredPoint:
    """Return the point with what is trusted of these samples."""
    return MeteredPoint([(one, one.trusted(samples)) for one, samples in installations], BERLIN)


def installation(begin: float, end: float | None = None, **more: object) -> Installation:
    """Return an installation from and to these minutes behind T0."""
    return Installation("m", "123", minute(begin), None if end is None else minute(end), **more)  # type: ignore[arg-type]


def energies(point: MeteredPoint, quarters: int) -> list[tuple[int | None, Flag]]:
    """Return the quarter hours from T0 on."""
    return [(wh, flag) for _, wh, flag in point.profile(range(Q0, Q0 + quarters))]


STEADY = [at(minutes, 1000 + 10 * minutes) for minutes in range(0, 61, 5)]


def test_before_its_first_meter_a_point_is_missing() -> None:
    """What came before the first installation must be missing, not 0 and not the whole counter."""
    found = energies(point((installation(20, begin_wh=1200), STEADY)), 4)
    assert found == [(None, Flag.MISSING), (100, Flag.MEASURED), (150, Flag.MEASURED), (150, Flag.MEASURED)]


def test_samples_from_outside_do_not_count() -> None:
    """What a meter counted elsewhere, before it was put in or after it was taken out, must not be the point's."""
    found = energies(point((installation(15, 45, begin_wh=1150, end_wh=1450), STEADY)), 4)
    assert found == [(None, Flag.MISSING), (150, Flag.MEASURED), (150, Flag.MEASURED), (None, Flag.MISSING)]


def test_the_factor_multiplies_the_register() -> None:
    """Behind a current transformer the energy must be the register's times the factor, to the Wh."""
    assert energies(point((installation(0, factor=40), STEADY)), 2) == [(6000, Flag.MEASURED)] * 2


def test_a_replacement_within_a_quarter_hour_is_both_parts() -> None:
    """Rule 5: the old meter's part and the new one's must add up, and without dark minutes nothing is estimated."""
    old = installation(0, 20, end_wh=1200)
    new = installation(20, begin_wh=7_000_000)
    later = [at(minutes, 7_000_000 + 20 * (minutes - 20)) for minutes in range(25, 61, 5)]
    found = energies(point((old, STEADY), (new, later)), 4)
    assert found == [(150, Flag.MEASURED), (50 + 200, Flag.MEASURED), (300, Flag.MEASURED), (300, Flag.MEASURED)]


def test_dark_minutes_are_estimated_and_flagged() -> None:
    """Rule 5: for the minutes between two meters the same weekday before must be the estimate, and carry its flag."""
    before = [at(minutes - WEEK, 100 + 6 * minutes) for minutes in range(0, 61, 5)]
    first = before[-1].wh
    old = installation(-WEEK, 20, end_wh=first + 200)
    new = installation(25, begin_wh=50)
    later = [at(minutes, 50 + 10 * (minutes - 25)) for minutes in range(30, 61, 5)]
    steady = [at(minutes, first + 10 * minutes) for minutes in range(0, 21, 5)]
    found = energies(point((old, before + steady), (new, later)), 3)
    assert found == [(150, Flag.MEASURED), (50 + 30 + 50, Flag.ESTIMATED), (150, Flag.MEASURED)]


def test_dark_minutes_without_any_like_them_are_missing() -> None:
    """Without the same weekday before, nothing may be invented for the dark minutes: a person must say."""
    found = energies(point((installation(0, 20), STEADY), (installation(35), STEADY)), 4)
    assert [flag for _, flag in found] == [Flag.MEASURED, Flag.MISSING, Flag.MISSING, Flag.MEASURED]


def test_a_minute_between_the_ends_and_the_samples_is_nothing() -> None:
    """Rule 2: one sample within 60 s of the end of an installation stands for it."""
    old, new = [*STEADY[:6], at(29.8, 1296)], [at(30.7, 5), *(at(minutes, 5 * minutes) for minutes in (35, 40, 45))]
    found = energies(point((installation(0, 30), old), (installation(30), new)), 3)
    assert found[1:] == [(146, Flag.MEASURED), (220, Flag.MEASURED)]


def test_a_display_cuts_digits_off() -> None:
    """A register read from the display a last digit below what the meter said before must not be a break."""
    meter = installation(0, 20, end_wh=1191)
    samples = [*STEADY[:4], at(19.9, 1200)]
    assert not meter.trusted(samples).stopped
    assert installation(0, 20, end_wh=1140).trusted(samples).stopped


WEEK_BEFORE = [at(minutes - WEEK, 10 * minutes) for minutes in range(0, 61, 5)]  # by which one could estimate


def test_an_unresolved_break_is_missing_until_the_next_meter() -> None:
    """Rule 4: energy must stop at the last good reading, and go on with a meter that was put in later."""
    broken = [*WEEK_BEFORE, *STEADY[:4], at(20, 3), at(25, 5), at(30, 6)]
    old, new = installation(-WEEK, 30), installation(30, begin_wh=1300)
    assert old.trusted(broken).stopped
    found = energies(point((old, broken), (new, STEADY)), 4)
    assert [flag for _, flag in found] == [Flag.MEASURED, Flag.MISSING, Flag.MEASURED, Flag.MEASURED]


def test_an_unresolved_break_of_the_present_meter_is_missing_for_ever() -> None:
    """Rule 4: without a person's word not even an estimate may stand behind a break; with it energy goes on."""
    broken = [*WEEK_BEFORE, *STEADY[:4], at(20, 3), at(35, 5), at(60, 9)]
    meter = installation(-WEEK)
    found = energies(point((meter, broken)), 4)
    assert [wh for wh, _ in found] == [150, None, None, None]
    word = Resolution(Cause.RESET, ms_of(minute(17)), before=1160, after=0)
    resolved = MeteredPoint([(meter, meter.trusted(broken, [word]))], BERLIN)
    assert [wh for wh, _ in energies(resolved, 2)] == [150, 10 + 4]


def test_a_meter_that_never_spoke_is_missing() -> None:
    """An installation without any reading must be missing, not 0."""
    assert energies(point((installation(0), [])), 1) == [(None, Flag.MISSING)]


def test_readings_by_hand_are_samples() -> None:
    """A meter that is not ours: what it counted between two readings must come out whole, flagged as spread."""
    hand = [at(0, 5_000_000), at(30 * 24 * 60, 5_400_000)]
    found = point((Installation("utility", "99", minute(0)), hand)).profile(range(Q0, Q0 + 30 * 96))
    assert found.sum == Energy(400_000, Flag.SUBSTITUTE, 400_000, 0)


def test_a_gap_has_its_shape_from_no_further_back_than_told() -> None:
    """With samples from `REACH` before the last one before the gap, figures must be those of all samples."""
    dice, counter, samples = Random(630), 0, []
    for quarter in range(-6 * WEEK // 15, 2 * 96):
        if not 96 <= quarter <= 150:
            samples.append(at(15 * quarter, counter))
        counter += dice.randrange(1000)
    meter = installation(-6 * WEEK)
    wanted = range(Q0 + 100, Q0 + 130)

    def profile(reach: int) -> Profile:
        since = T0 + (95 - reach) * QUARTER
        return point((meter, [sample for sample in samples if sample.ms >= since])).profile(wanted)

    everything = point((meter, samples)).profile(wanted)
    assert everything.sum.flag is Flag.SUBSTITUTE
    assert profile(REACH) == everything
    assert profile(REACH - 2) != everything


def test_installations_follow_one_another() -> None:
    """Two meters on one point at a time, or no installation at all, must be refused."""
    with pytest.raises(ValueError, match="begins before"):
        point((installation(0, 30), STEADY), (installation(29), STEADY))
    with pytest.raises(ValueError, match="begins before"):
        point((installation(0), STEADY), (installation(29), STEADY))
    with pytest.raises(ValueError, match="without any"):
        point()
    with pytest.raises(ValueError, match="ends at"):
        installation(30, 30)
    with pytest.raises(ValueError, match="factor 0"):
        installation(30, factor=0)


@settings(max_examples=50)
@given(growing(), st.data())
def test_quarter_hours_add_up_over_replacements(samples: list[Sample], data: st.DataObject) -> None:
    """Rules 2 and 5: with meters swapped at any instants, all quarter hours must add up to what all counted."""
    last = max(samples[-1].ms, T0 + QUARTER) + 1
    swaps = sorted(set(data.draw(st.lists(st.integers(T0 + 1, last - 1), max_size=4))))
    edges = [T0 - 1, *swaps, last]
    parts, total = [], 0
    for begin, end in pairwise(edges):
        inside = [sample for sample in samples if begin <= sample.ms < end]
        low, high = (inside[0].wh, inside[-1].wh) if inside else (70, 70)
        factor = data.draw(st.sampled_from([1, 40]))
        meter = Installation("m", "1", instant_of(begin), instant_of(end), begin_wh=low, end_wh=high, factor=factor)
        parts.append((meter, inside))
        total += factor * (high - low)
    found = point(*parts).profile(range((T0 - 1) // QUARTER, last // QUARTER + 1))
    assert found.sum.wh == total
    assert found.sum.missing == 0
    assert min(wh for wh in found.wh if wh is not None) >= 0
