"""Power and counters of any load: one is the other's integral."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmetering_simulator.building import load_building
from mmetering_simulator.energy import Energy
from mmetering_simulator.load import Day, load

BUILDING = load_building()
INSTALLED = BUILDING.installed.timestamp()
SLUGS = ("flat-01", "pv", "chp")


@cache
def _energy(slug: str) -> Energy:
    return Energy(
        load(BUILDING, slug),
        installed=INSTALLED,
        start=np.zeros(3),
        swing=0.6,
        balanced=False,
        key=(BUILDING.seed, slug),
    )


@pytest.mark.parametrize("slug", SLUGS)
@settings(deadline=None, max_examples=25)
@given(quarter=st.integers(0, 30000), ends=st.tuples(st.floats(0, 900), st.floats(0, 900)))
def test_the_counter_is_the_integral_of_the_power(slug: str, quarter: int, ends: tuple[float, float]) -> None:
    """What a counter gains must be the power summed over the time, for active, reactive and apparent alike."""
    energy, begin, length = _energy(slug), INSTALLED + 900 * quarter + min(ends), max(ends) - min(ends)
    steps = 1000
    middles = begin + length * (np.arange(steps) + 0.5) / steps
    summed = sum(energy.at(float(now)).power for now in middles) * length / steps / 3600
    gained = energy.at(begin + length).energy - energy.at(begin).energy
    assert gained == pytest.approx(summed, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("slug", SLUGS)
@settings(deadline=None)
@given(quarter=st.integers(1, 30000))
def test_quarter_hours_join_without_a_step(slug: str, quarter: int) -> None:
    """At a quarter hour's end the counter must be where the next one begins, and the swing must have cancelled out."""
    boundary = INSTALLED + 900 * quarter
    energy = _energy(slug)
    assert energy.at(boundary - 1e-6).energy == pytest.approx(energy.at(boundary).energy, abs=1e-4)
    day, second = divmod(int(boundary), 86400)
    watts = load(BUILDING, slug)(day).watts[second // 900]
    gained = energy.at(boundary + 900).energy[0] - energy.at(boundary).energy[0]
    assert gained == pytest.approx(watts / 4, abs=1e-6)


@settings(deadline=None)
@given(now=st.floats(INSTALLED, INSTALLED + 3e7), swing=st.floats(0, 0.99))
def test_power_is_never_negative(now: float, swing: float) -> None:
    """However far the power swings below one, it must not turn around."""
    energy = Energy(
        lambda _: Day(np.full((96, 3), 100.0), np.full(96, 0.2)),
        installed=now - 1800 - now % 900,
        start=np.zeros(3),
        swing=swing,
        balanced=True,
        key=(1, "steady"),
    )
    power = energy.at(now).power
    assert (power[0] >= 100 * (1 - swing) - 1e-9).all()
    assert (power[0] <= 100 * (1 + swing) + 1e-9).all()
    assert power[0] == pytest.approx(power[0, 0])


def test_the_order_of_questions_does_not_matter() -> None:
    """A late question first must not change what an early one is answered."""
    late_first = Energy(
        load(BUILDING, "pv"),
        installed=INSTALLED,
        start=np.zeros(3),
        swing=0.6,
        balanced=False,
        key=(BUILDING.seed, "pv"),
    )
    late_first.at(INSTALLED + 1e7)
    for now in (INSTALLED, INSTALLED + 4e6, INSTALLED + 4.1e6):
        assert (late_first.at(now).energy == _energy("pv").at(now).energy).all()


def test_power_moves_within_seconds() -> None:
    """Two polls ten seconds apart must differ, or a dashboard would look dead."""
    powers = [_energy("flat-01").at(INSTALLED + 1e6 + 10 * poll).power.sum() for poll in range(90)]
    assert len(set(powers)) == 90
    assert max(powers) > 1.02 * min(powers)
