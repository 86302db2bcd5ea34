"""The counter at boundaries and the gaps between samples (rules 1, 2 and 3)."""

from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from accounting.readings import MINUTE, Q0, QUARTER, T0, at, growing
from hypothesis import given, settings
from hypothesis import strategies as st
from mmetering_accounting.flag import Flag
from mmetering_accounting.sample import Sample
from mmetering_accounting.stretch import Register, Stretch
from mmetering_accounting.typical import Typical

from accounting import slow

UTC = ZoneInfo("UTC")
WEEK = 7 * 24 * 60  # minutes


def nothing(_: int) -> None:
    """Know no energy of any quarter hour."""


def registers(*samples: Sample, quarters: int = 8, known: slow.Known = nothing) -> list[tuple[int, Flag] | None]:
    """Return R at the boundaries from T0 on."""
    return list(Stretch(samples, Typical(known, UTC)).registers(range(Q0, Q0 + quarters + 1)))


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([at(12.5, 100), at(17.5, 200)], (150, Flag.MEASURED)),
        ([at(14, 100), at(18, 201)], (125, Flag.MEASURED)),
        ([at(14, 100), at(16, 101)], (101, Flag.MEASURED)),
        ([at(12, 100), at(17.1, 200)], (159, Flag.INTERPOLATED)),
        ([at(5, 100), at(16, 200)], (200, Flag.MEASURED)),
        ([at(14, 100), at(25, 200)], (100, Flag.MEASURED)),
        ([at(15, 170), at(25, 200)], (170, Flag.MEASURED)),
        ([at(5, 100), at(16.1, 200)], (190, Flag.INTERPOLATED)),
    ],
)
def test_a_boundary_is_measured_between_close_samples_or_near_one(
    samples: list[Sample], expected: tuple[int, Flag]
) -> None:
    """Rule 2: samples at most 5 minutes apart are interpolated, one within 60 s is taken; rounded half up."""
    assert registers(*samples)[1] == expected


def test_up_to_two_hours_are_spread_evenly() -> None:
    """Rule 3: a gap of up to 2 hours must be linear and flagged interpolated, a longer one must not."""
    assert registers(at(0, 0), at(120, 800)) == [
        (0, Flag.MEASURED),
        *((100 * quarter, Flag.INTERPOLATED) for quarter in range(1, 8)),
        (800, Flag.MEASURED),
    ]
    assert registers(at(0, 0), at(120.1, 800))[1] == (100, Flag.SUBSTITUTE)


def test_a_counter_that_did_not_move_is_in_no_doubt() -> None:
    """Rule 3: across a gap of any length in which the counter stood still, zero is measured."""
    assert registers(at(0, 500), at(4 * WEEK, 500)) == [(500, Flag.MEASURED)] * 9


def test_a_long_gap_has_the_shape_of_the_same_weekdays_before() -> None:
    """Rule 3: the known total must be spread like the same quarter hours of the weeks before, and stay the total."""
    before = {Q0 - 672 + 1: 30, Q0 - 2 * 672 + 1: 10, Q0 - 672 + 4: 60, Q0 - 672 + 10: 20}
    found = registers(
        at(0, 1000),
        at(180, 1900),
        quarters=12,
        known=lambda quarter: before.get(quarter, None if quarter < Q0 - 2 * 672 else 0),
    )
    # The mean of two weeks: quarter hour 1 weighs (30 + 10) / 2, 4 weighs 60 / 2, 10 weighs 20 / 2, the others nothing.
    assert [register and register[0] for register in found] == [*[1000] * 2, *[1300] * 3, *[1750] * 6, *[1900] * 2]
    assert {register[1] for register in found[1:-1] if register} == {Flag.SUBSTITUTE}
    assert registers(at(0, 0), at(180, 1200), quarters=12) == [
        (0, Flag.MEASURED),
        *((100 * quarter, Flag.SUBSTITUTE) for quarter in range(1, 12)),
        (1200, Flag.MEASURED),
    ]


def test_behind_the_last_sample_it_is_estimated() -> None:
    """Rule 3: with no later reading the same weekdays before are the estimate; without these nothing is known."""
    found = registers(at(10, 1000), quarters=3, known={Q0 - 672: 60, Q0 - 671: 60}.get)
    assert found == [(1000, Flag.MEASURED), (1020, Flag.ESTIMATED), (1080, Flag.ESTIMATED), None]
    assert registers(at(14.5, 7))[:3] == [(7, Flag.MEASURED), (7, Flag.MEASURED), None]


def test_an_ended_stretch_rests() -> None:
    """A meter that was taken away must count nothing more."""
    stretch = Stretch([at(0, 10), at(20, 30)], Typical(nothing, UTC), open=False)
    assert stretch.registers(range(Q0 + 2, Q0 + 4)) == [Register(30, Flag.MEASURED)] * 2


KNOWN = st.dictionaries(st.integers(Q0 - 5 * 672, Q0 + 2000), st.integers(0, 500), max_size=40)


@settings(max_examples=40)
@given(growing(), KNOWN, st.integers(0, 60), st.none() | st.integers(1, 9))
def test_registers_are_those_of_the_slow_rules(
    samples: list[Sample], known: dict[int, int], skip: int, usual: int | None
) -> None:
    """Whatever was read when, every R and flag must be what the rules say when followed step by step."""

    def energy(quarter: int) -> int | None:
        return known.get(quarter, usual and quarter % 11 * usual)

    last = min(samples[-1].ms // QUARTER, Q0 + skip + 50)
    boundaries = range(Q0 + min(skip, last - Q0), last + 1)
    found = Stretch(samples, Typical(energy, UTC)).registers(boundaries)
    expected = [slow.register(samples, boundary, energy, UTC) for boundary in boundaries]
    assert [register and (register.wh, register.flag.name.lower()) for register in found] == expected


@given(growing(), st.lists(st.integers(0, 5000), max_size=6))
def test_quarter_hours_add_up_to_the_counter(samples: list[Sample], cuts: list[int]) -> None:
    """Rules 2 and 3: all quarter hours must add up to the counter's difference exactly, in whatever parts computed."""
    first, last = samples[0].ms // QUARTER, -(-samples[-1].ms // QUARTER)
    stretch = Stretch(samples, Typical(nothing, UTC), open=False)
    edges = sorted({first, last, *(first + cut for cut in cuts if first + cut < last)})
    energies = []
    for begin, end in pairwise(edges):
        part = [register.wh for register in stretch.registers(range(begin, end + 1)) if register]
        assert len(part) == end + 1 - begin
        energies += [after - before for before, after in pairwise(part)]
    assert sum(energies) == samples[-1].wh - samples[0].wh
    assert min(energies, default=0) >= 0


def test_an_instant_within_a_quarter_hour_can_be_measured() -> None:
    """People move at an instant: the counter must be known between boundaries, too, where it is measured."""
    stretch = Stretch([at(0, 0), at(4, 80), at(30, 100)], Typical(nothing, UTC))
    assert stretch.measured(T0 + 2 * MINUTE) == 40
    assert stretch.measured(T0 + 17 * MINUTE) is None
