"""Counters that fall or leap (rule 4), and the rows in doubt (rule 2)."""

import pytest
from accounting.readings import MINUTE, Q0, QUARTER, T0, at, growing, rows
from hypothesis import given
from hypothesis import strategies as st
from mmetering_accounting.rating import Rating, step
from mmetering_accounting.sample import Sample, doubtful, samples_of
from mmetering_accounting.trust import Break, Cause, Resolution, trust

RATING = Rating()
START = [at(0, 1000), at(1, 1010), at(2, 1020)]


def test_100_a_carry_17_25_kwh_in_a_quarter_hour() -> None:
    """Rule 4: the limit must follow from the rated current, on each of the phases."""
    assert RATING.allows(17_250, QUARTER, 0)
    assert not RATING.allows(17_350, QUARTER, 0)
    assert not Rating(phases=1).allows(6_000, QUARTER, 0)
    assert not RATING.allows(-1, QUARTER, 0)


def test_float32_steps_are_no_leap() -> None:
    """Rule 4: a counter of 100 MWh moves in steps of 8 Wh, one of 1 GWh of 63 Wh, in however short a time."""
    assert step(100_000_000) == 10
    assert 60 <= step(1_000_000_000) <= 63
    assert Rating(current_a=1, phases=1).allows(8, 100, 100_000_000)
    assert Rating(current_a=1, phases=1).allows(63, 100, 1_000_000_000)
    assert not Rating(current_a=1, phases=1).allows(63, 100, 100_000_000)


@pytest.mark.parametrize("off", [0, 900, 1_000_000])
def test_one_sample_off_and_back_again_is_rejected(off: int) -> None:
    """Rule 4: a single sample that cannot be, high or low, must be counted and change nothing."""
    found = trust([*START, at(3, off), at(4, 1030), at(5, 1040)], RATING)
    assert found.parts == ((*START, at(4, 1030), at(5, 1040)),)
    assert found.rejected == (at(3, off),)
    assert not found.breaks


def test_a_sample_a_little_high_is_the_one_that_is_off() -> None:
    """Rule 4: a sample which the meter could have reached, but fell from again, must be rejected, not those behind."""
    found = trust([*START, at(3, 1500), at(4, 1030), at(5, 1040)], RATING)
    assert found.parts == ((*START, at(4, 1030), at(5, 1040)),)
    assert found.rejected == (at(3, 1500),)


@pytest.mark.parametrize("off", [0, 5_000_000])
def test_a_counter_that_stays_off_stops_the_energy(off: int) -> None:
    """Rule 4: what falls or leaps and stays must be a break with its evidence, however much time goes by."""
    later = [at(3, off), at(4, off + 10), at(60 * 24 * 30, off + 20)]
    found = trust([*START, *later], RATING)
    assert found.parts == (tuple(START),)
    assert found.breaks == (Break(START[-1], later[0]),)
    assert found.breaks[0].falls is (off == 0)
    assert found.stopped


NEW = [at(3, 50), at(4, 60), at(5, 70)]


@pytest.mark.parametrize("cause", [Cause.RESET, Cause.REPLACED])
def test_a_reset_goes_on_from_what_the_counter_said_first(cause: Cause) -> None:
    """Rule 4: after a person's word energy goes on from the first new sample; nobody assumes that it began at 0."""
    word = Resolution(cause, T0 + 3 * MINUTE)
    found = trust([*START, *NEW], RATING, [word])
    assert found.parts == (tuple(START), tuple(NEW))
    assert found.breaks == (Break(START[-1], NEW[0], word),)
    assert not found.stopped


def test_a_reset_with_its_registers_is_without_hole() -> None:
    """Rule 5: with the registers at both ends told, they must end the old counting and begin the new one."""
    at_ms = T0 + 5 * MINUTE // 2
    found = trust([*START, *NEW], RATING, [Resolution(Cause.RESET, at_ms, before=1025, after=40)])
    assert found.parts == ((*START, Sample(at_ms, 1025)), (Sample(at_ms, 40), *NEW))


@pytest.mark.parametrize(
    "word",
    [
        Resolution(Cause.RESET, T0 + 2 * MINUTE),
        Resolution(Cause.RESET, T0 + 3 * MINUTE + 1),
        Resolution(Cause.RESET, T0 + 3 * MINUTE, before=1000),
        Resolution(Cause.RESET, T0 + 3 * MINUTE, after=60),
        Resolution(Cause.IGNORE, T0 + 3 * MINUTE, until=T0 + 3 * MINUTE),
    ],
)
def test_a_word_that_does_not_fit_changes_nothing(word: Resolution) -> None:
    """A resolution for another time, or with registers that cannot be, must leave the break open."""
    assert trust([*START, *NEW], RATING, [word]).breaks == (Break(START[-1], NEW[0]),)


def test_ignored_samples_are_left_out_until_the_time_told() -> None:
    """Rule 4: with `ignore` the energy must go on with what follows the last good sample, behind the time told."""
    word = Resolution(Cause.IGNORE, T0 + 3 * MINUTE, until=T0 + 6 * MINUTE)
    found = trust([*START, *NEW, at(6, 1040), at(7, 1050)], RATING, [word])
    assert found.parts == ((*START, at(6, 1040), at(7, 1050)),)
    assert not found.stopped
    again = trust([*START, *NEW, at(6, 80), at(7, 90)], RATING, [word])
    assert again.breaks[1:] == (Break(START[-1], at(6, 80)),)


def test_a_second_break_stands_for_itself() -> None:
    """Rule 4: one word must not resolve another break."""
    word = Resolution(Cause.RESET, T0 + 3 * MINUTE)
    found = trust([*START, *NEW, at(6, 5), at(7, 6)], RATING, [word])
    assert [one.resolution for one in found.breaks] == [word, None]
    assert found.parts == (tuple(START), tuple(NEW))


def test_nothing_read_is_nothing_trusted() -> None:
    """A meter that never spoke must have no part at all."""
    assert trust([], RATING).parts == ()


@given(growing())
def test_a_counter_that_only_grows_is_trusted_whole(samples: list[Sample]) -> None:
    """Rule 4: none of its samples must be lost."""
    assert trust(samples, RATING).parts == (tuple(samples),)


@given(growing(), st.data())
def test_what_is_trusted_never_falls(samples: list[Sample], data: st.DataObject) -> None:
    """Rule 4: with some samples moved anywhere, each part must still grow, and all are accounted for up to a break."""
    moved = data.draw(st.lists(st.integers(-2000, 10**7), min_size=len(samples), max_size=len(samples)))
    off = [
        Sample(ms, abs(wh + by)) if by % 3 == 0 else Sample(ms, wh) for (ms, wh), by in zip(samples, moved, strict=True)
    ]
    found = trust(off, RATING)
    kept = [sample for part in found.parts for sample in part]
    assert [sample.wh for sample in kept] == sorted(sample.wh for sample in kept)
    if not found.stopped:
        assert sorted([*kept, *found.rejected]) == sorted(off)


def test_rows_give_their_first_and_last_samples() -> None:
    """Rule 2: of rows that are in no doubt, first and last must serve; one sample alone counts once."""
    samples = [at(0, 10), at(7, 20), at(14, 30), at(20, 40)]
    assert samples_of(rows(samples)) == [at(0, 10), at(14, 30), at(20, 40)]
    assert not doubtful(rows(samples), RATING)
    assert samples_of(rows([at(0, 10), at(0, 11)])) == [at(0, 10), at(0, 11)]


def test_a_row_in_doubt_is_read_from_the_raw_readings() -> None:
    """Rule 2: suspect readings, an inside that does not only grow, and steps that cannot be are in doubt."""
    fine = [at(0, 10), at(14, 30), at(16, 40), at(29, 60)]
    assert doubtful(rows(fine, suspect=[Q0 + 1]), RATING) == {Q0 + 1}
    assert doubtful(rows([*fine, at(20, 5)]), RATING) == {Q0 + 1}
    assert doubtful(rows([*fine, at(20, 99)]), RATING) == {Q0 + 1}
    assert doubtful(rows([*fine, at(31, 50_000), at(32, 50_010)]), RATING) == {Q0 + 1, Q0 + 2}
    raw = {Q0 + 1: [at(17, 42), at(28, 58)]}
    assert samples_of(rows(fine, suspect=[Q0 + 1]), raw) == [at(0, 10), at(14, 30), at(17, 42), at(28, 58)]
    assert samples_of(rows(fine), {Q0 + 1: []}) == [at(0, 10), at(14, 30)]
