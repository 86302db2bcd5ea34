"""The load of each kind of meter: its mean power in every quarter hour, a pure function of seed, meter and day.

A day is counted from 1970-01-01 in UTC, so that each has 96 quarter hours; what goes by local time
asks the place's zone. Powers are positive here, whichever way they flow.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import assert_never
from zoneinfo import ZoneInfo

import numpy as np

from mmetering_simulator.building import QUARTER_S, Building, Chp, Common, Flat, Meter, Place, Pv
from mmetering_simulator.chance import Numbers, uniform
from mmetering_simulator.profile import EPOCH, QUARTERS, profile
from mmetering_simulator.sun import clear_sky, sun

DAY_S = 86400
AWAY, AWAY_DAYS = 0.25, 0.06  # what a flat uses when nobody is there, and the share of such days
AT_HOME = (1 - AWAY_DAYS * AWAY) / (1 - AWAY_DAYS)  # keeps the year's sum
PERFORMANCE = 0.75  # of a roof: cells, inverter, wires, dirt
COLDEST_DAY = 20  # of the year


@dataclass(frozen=True, slots=True)
class Day:
    """A day in quarter hours: mean active power of L1, L2 and L3 in W, and reactive over active power."""

    watts: Numbers  # (96, 3)
    tangent: Numbers  # (96,)


def load(building: Building, slug: str) -> Callable[[int], Day]:
    """Return the load of a meter: from days since 1970-01-01 to that day."""
    meter = building.meter[slug]
    seed, place = building.seed, building.place

    def day_of(day: int) -> Day:
        total = _total(meter, seed, slug, place, day)
        tangent = _span(uniform(QUARTERS, seed, slug, day, "tangent"), *_tangents(meter))
        return Day(total[:, None] * _split(meter, seed, slug, day), tangent)

    return day_of


def is_producer(meter: Meter) -> bool:
    """Return whether its power flows towards the grid."""
    return isinstance(meter, Pv | Chp)


def _total(meter: Meter, seed: int, slug: str, place: Place, day: int) -> Numbers:
    """Return the mean power of all phases in each quarter hour, in W, (96,)."""
    match meter:
        case Flat():
            return _flat(meter, seed, slug, place, day)
        case Common():
            variation = _span(uniform(QUARTERS, seed, slug, day, "quarter"), 0.8, 1.2)
            return meter.yearly_kwh * profile("G25", place.time_zone, day) * variation
        case Pv():
            return _pv(meter, seed, place, day)
        case Chp():
            return _chp(meter, seed, slug, place, day)
        case _:
            assert_never(meter)


def _flat(meter: Flat, seed: int, slug: str, place: Place, day: int) -> Numbers:
    """People differ from the mean of many by the day (away, at home) and by the quarter hour (the stove is on)."""
    away, mood = map(float, uniform(2, seed, slug, day, "day"))
    of_day = AWAY if away < AWAY_DAYS else AT_HOME * (0.75 + 0.5 * mood)
    of_quarter: Numbers = 0.4 - 0.6 * np.log1p(-uniform(QUARTERS, seed, slug, day, "quarter"))  # mean 1, rarely high
    return np.asarray(meter.yearly_kwh * profile("H25", place.time_zone, day) * of_day * of_quarter)


def _pv(meter: Pv, seed: int, place: Place, day: int) -> Numbers:
    """A roof under a clear sky, less the clouds, which are the same for all roofs of the building."""
    position = sun(_middles(day), place.latitude, place.longitude)
    cover = uniform(1, seed, "clouds", day)[0] ** 0.8
    passing = _span(uniform(QUARTERS, seed, "clouds", day, "quarter"), 0.4, 1.1)
    irradiance = clear_sky(position, meter.slope, meter.direction) * (1 - 0.85 * cover * passing)
    return np.asarray(np.minimum(meter.kw_peak * PERFORMANCE * irradiance, 1000 * meter.kw_peak))


def _chp(meter: Chp, seed: int, slug: str, place: Place, day: int) -> Numbers:
    """On or off: it runs in the quarter hours that need heat most, mornings and evenings, more of them in winter."""
    cold = (1 + np.cos(2 * np.pi * ((EPOCH + timedelta(days=day)).timetuple().tm_yday - COLDEST_DAY) / 365)) / 2
    weather, early, late = uniform(3, seed, slug, day, "day")
    running = round(QUARTERS * (0.12 + 0.5 * cold) * (0.8 + 0.4 * weather))
    hours = _local_hours(place.time_zone, day)
    need = np.exp(-(((hours - 6.5 - early) / 3) ** 2)) + np.exp(-(((hours - 18.5 - late) / 4) ** 2))
    watts = np.zeros(QUARTERS)
    watts[np.argsort(-need, kind="stable")[:running]] = 1000 * meter.kw
    return watts


def _split(meter: Meter, seed: int, slug: str, day: int) -> Numbers:
    """Return the shares of L1, L2 and L3 in each quarter hour, (96, 3); each row sums to 1."""
    if meter.phases == 1:
        return np.tile([1.0, 0.0, 0.0], (QUARTERS, 1))
    if is_producer(meter):
        return np.full((QUARTERS, 3), 1 / 3)
    wired = _span(uniform(3, seed, slug, "wired"), 0.5, 1.5)
    weights = wired * _span(uniform(3 * QUARTERS, seed, slug, day, "split").reshape(QUARTERS, 3), 0.3, 1.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _tangents(meter: Meter) -> tuple[float, float]:
    """Return the least and the greatest of reactive over active power."""
    return (0.02, 0.08) if is_producer(meter) else (0.1, 0.4)


def _span(numbers: Numbers, least: float, greatest: float) -> Numbers:
    """Return numbers of [0, 1) stretched to [least, greatest)."""
    return np.asarray(least + (greatest - least) * numbers)


def _middles(day: int) -> Numbers:
    return np.asarray(day * DAY_S + QUARTER_S * (np.arange(QUARTERS) + 0.5))


@lru_cache(maxsize=8)
def _local_hours(zone: str, day: int) -> Numbers:
    """Return the local hours in the middle of each quarter hour, 0 to 24; clocks change at full hours of UTC."""
    hours = (EPOCH + timedelta(days=day, hours=hour) for hour in range(24))
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() or timedelta() for hour in hours]
    shifts = np.repeat([offset.total_seconds() for offset in offsets], 4)
    return np.asarray((_middles(day) + shifts) % DAY_S / 3600)
