"""Power and counters at any instant, as a pure function of the load: a restart neither leaps nor falls.

Within a quarter hour the power swings around its mean by sines that fit a whole number of times
into it, so their integral over it is zero, a counter has a closed form, and sums stay exact.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mmetering_simulator.building import QUARTER_S
from mmetering_simulator.chance import Numbers, uniform
from mmetering_simulator.demand import HOUR_S, Demand, demands
from mmetering_simulator.load import DAY_S, Day
from mmetering_simulator.profile import QUARTERS

WAVES = 2 * np.pi / QUARTER_S * np.array([1, 3, 8, 19, 45])  # rad/s; the shortest lasts 20 s
WH = 1 / 3600  # Ws to Wh
IMPORT = np.ones(3)


@dataclass(frozen=True, slots=True)
class Flow:
    """What flows through a meter, whichever way: rows active, reactive, apparent; columns L1, L2, L3; none negative."""

    power: Numbers  # W, var, VA
    energy: Numbers  # Wh, varh, VAh since the installation


class Energy:
    """The flow through one meter at any time.

    Args:
        load: from days since 1970-01-01 to the load of that day.
        installed: POSIX time in s, a full quarter hour; before it nothing flows.
        start: what the active counters of L1, L2, L3 stood at then, in Wh.
        swing: how far the power may swing around its mean, 0 to below 1.
        balanced: whether the three phases swing together.
        key: seed and name of the meter.
        signs: of the power that the meter sees in L1, L2, L3: 1 is import, -1 is export.
    """

    def __init__(
        self,
        load: Callable[[int], Day],
        *,
        installed: float,
        start: Numbers,
        swing: float,
        balanced: bool,
        key: tuple[int, str],
        signs: Numbers = IMPORT,
    ) -> None:
        self._load = load
        self._installed = installed
        self._swing = swing
        self._balanced = balanced
        self._key = key
        self._signs = signs
        self._first_day = int(installed // DAY_S)
        self._until = [np.stack([start, np.zeros(3), start])]  # Wh at the start of each day from the first on
        self._highest = [np.zeros(7)]  # demand until the start of each day from the first on
        self._quarters = lru_cache(maxsize=2)(self._quarters_of)
        self._waves = lru_cache(maxsize=2)(self._waves_of)
        self._demand = lru_cache(maxsize=2)(self._demand_until)

    def at(self, now: float) -> Flow:
        """Return the flow at a POSIX time in s."""
        day, second = divmod(now, DAY_S)
        quarter, second = divmod(second, QUARTER_S)
        means, sums = self._quarters(int(day))
        mean = means[int(quarter)]
        ripple, integral = self._swings(int(now // QUARTER_S), second)
        part = np.minimum(mean * (second + integral), mean * QUARTER_S) * WH
        return Flow(mean * (1 + ripple), self._energy_until(int(day)) + sums[int(quarter)] + part)

    def demand(self, now: float) -> Demand:
        """Return the demand of the last hour that is full at a POSIX time in s, and the highest until then."""
        return self._demand(int(now // HOUR_S))

    def _demand_until(self, hour: int) -> Demand:
        """Return the demand of the hour before one that is counted since 1970."""
        day, full = divmod(hour, 24)
        today = demands(_hours(self._quarters(day)[0]), self._signs)
        last = today[full - 1] if full else demands(_hours(self._quarters_of(day - 1)[0]), self._signs)[-1]
        self._energy_until(day)
        before = self._highest[max(0, day - self._first_day)]
        return Demand(last, np.concatenate([before[None], today[:full], last[None]]).max(axis=0))

    def _energy_until(self, day: int) -> Numbers:
        """Return the energy at the start of a day, in Wh, from sums that are kept, as the highest demand is."""
        while len(self._until) <= day - self._first_day:
            means, sums = self._quarters_of(self._first_day + len(self._until) - 1)
            self._until.append(self._until[-1] + sums[-1])
            highest = demands(_hours(means), self._signs).max(axis=0)
            self._highest.append(np.maximum(self._highest[-1], highest))
        return self._until[max(0, day - self._first_day)]

    def _quarters_of(self, day: int) -> tuple[Numbers, Numbers]:
        """Return a day's mean flow in each quarter hour, (96, 3, 3), and its energy up to each, and all, (97, 3, 3)."""
        load = self._load(day)
        starts = day * DAY_S + QUARTER_S * np.arange(QUARTERS)
        watts = np.where((starts >= self._installed)[:, None], load.watts, 0.0)
        kinds = np.stack([np.ones(QUARTERS), load.tangent, np.hypot(1, load.tangent)], axis=1)
        means = kinds[:, :, None] * watts[:, None, :]
        sums = np.concatenate([np.zeros((1, 3, 3)), np.cumsum(means * QUARTER_S * WH, axis=0)])
        return means, sums

    def _swings(self, quarter: int, second: float) -> tuple[Numbers, Numbers]:
        """Return for L1 to L3 the swing as a share of the mean, and its integral since the quarter hour began."""
        heights, phases = self._waves(quarter)
        angles = WAVES[:, None] * second + phases
        integrals = (np.cos(phases) - np.cos(angles)) / WAVES[:, None]
        return (heights * np.sin(angles)).sum(axis=0), (heights * integrals).sum(axis=0)

    def _waves_of(self, quarter: int) -> tuple[Numbers, Numbers]:
        """Return heights, (waves, 1), and phases in rad, (waves, 1 or 3), of a quarter hour since 1970-01-01."""
        count = len(WAVES)
        numbers = uniform(4 * count, *self._key, quarter, "waves")
        heights = self._swing * numbers[:count, None] / count
        phases = 2 * np.pi * numbers[count:].reshape(count, 3)
        return heights, phases[:, :1] if self._balanced else phases


def _hours(means: Numbers) -> Numbers:
    """Return the mean of each hour of a day, (24, 3, 3), from that of its quarter hours."""
    return np.asarray(means.reshape(24, 4, 3, 3).mean(axis=1))
