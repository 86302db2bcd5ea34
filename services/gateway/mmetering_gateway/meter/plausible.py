"""Which values cannot be true. Pure. They are marked and kept: a value that was smoothed or dropped is a lie too.

Bounds are what physics and the meter's build allow, not what is usual: a usual bound would hide the very faults
that people want to see. The step of a float32 counter above 131 072 kWh is more than its last digit, and no anomaly.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from mmetering_contract.quantity import BY_NAME, QUANTITIES, Kind

from mmetering_gateway.models.registers import PER_KILO

# A grid is cut off below 47.5 and above 51.5 Hz (VDE-AR-N 4105), a generator on its own strays a little further.
FREQUENCY_HZ = (45.0, 65.0)
NOMINAL_V = 230.0
# With a broken neutral a phase shows the 400 V between two phases; EN 50160 knows 15 % more at worst.
HIGHEST_V = 460.0
# Between two phases there are at most as many volts as those to neutral give at 120 degrees.
HIGHEST_LINE_V = HIGHEST_V * math.sqrt(3)
# A float32 may show a little more than the 1 that it was computed to.
HIGHEST_FACTOR = 1.001
HIGHEST_ANGLE = 360.0  # degrees; manuals do not say from where to where they count
# Distortion is a share of the fundamental, of which a phase without load has next to nothing.
HIGHEST_PERCENT = 10_000.0
# Meters show up to 1.2 times the rated current; beyond twice it the fuse before them has long gone.
OVERLOAD = 2.0
# The rated power with its tolerance of voltage, and the seconds by which a reply may come sooner or later.
MARGIN, JITTER_S = 1.5, 2.0
PHASES = 3
BETWEEN_PHASES = ("voltage_l1_l2", "voltage_l2_l3", "voltage_l3_l1", "voltage_line_average")
# Their sum, and a neutral that gets it all because their loads draw at the same instants.
OF_ALL_PHASES = ("current_sum", "current_neutral", "current_neutral_demand", "current_neutral_demand_maximum")
MANTISSA = 24  # bits of a float32
COUNTERS = frozenset(quantity.name for quantity in QUANTITIES if quantity.kind is Kind.COUNTER)


@dataclass(frozen=True, slots=True)
class Known:
    """The counters that a meter told last, and when each was, in seconds of a monotonic clock."""

    values: Mapping[str, int | float]
    at: Mapping[str, float]

    def updated(self, values: Mapping[str, int | float], now: float) -> "Known":
        """Return what is known after a reading at `now`."""
        counters = {name: value for name, value in values.items() if name in COUNTERS}
        if not counters:
            return self
        return Known({**self.values, **counters}, {**self.at, **dict.fromkeys(counters, now)})


UNKNOWN = Known({}, {})


@dataclass(frozen=True, slots=True)
class Rating:
    """How a meter is built.

    Attributes:
        current_a: what it carries on each phase, in A.
        phases: how many it measures, 1 or 3.
        factor: what its counters are multiplied with, 1000 where they are in M: so much coarser are their steps.
    """

    current_a: float
    phases: int = PHASES
    factor: int = 1


def suspects(values: Mapping[str, int | float], known: Known, now: float, rating: Rating) -> tuple[str, ...]:
    """Return the names of the values that cannot be true.

    Args:
        values: of one reading, by quantity, in its unit.
        known: what the meter told before.
        now: when this reading came, in seconds of the same clock.
        rating: how the meter is built.
    """
    bounds = _bounds_of(rating)
    return tuple(
        name
        for name, value in values.items()
        if not bounds[name][0] <= value <= bounds[name][1]
        or (name in known.values and not _follows(name, value, known, now, rating))
    )


@cache
def _bounds_of(rating: Rating) -> dict[str, tuple[float, float]]:
    """Return the lowest and the highest that each quantity can be."""
    return {name: _bounds(name, rating) for name in BY_NAME}


def _bounds(name: str, rating: Rating) -> tuple[float, float]:
    quantity = BY_NAME[name]
    if quantity.kind is Kind.COUNTER:
        return 0, math.inf
    if quantity.kind is Kind.BALANCE:  # firmware differs in what it adds and subtracts, and people may set some back
        return -math.inf, math.inf
    current_a = OVERLOAD * rating.current_a
    power = _phases(name, rating) * current_a * HIGHEST_V
    amps = current_a * (PHASES if name in OF_ALL_PHASES else 1)
    return {
        "Hz": FREQUENCY_HZ,
        "V": (0.0, HIGHEST_LINE_V if name in BETWEEN_PHASES else HIGHEST_V),
        "A": (-amps, amps),
        "W": (-power, power),
        "VA": (-power, power),
        "var": (-power, power),
        "°": (-HIGHEST_ANGLE, HIGHEST_ANGLE),
        "%": (0.0, HIGHEST_PERCENT),
        "": (-HIGHEST_FACTOR, HIGHEST_FACTOR),
    }[quantity.unit]


def _follows(name: str, value: float, known: Known, now: float, rating: Rating) -> bool:
    """Return whether a counter can have come to this value since it was read last."""
    before = known.values[name]
    hours = (now - known.at[name] + JITTER_S) / 3600
    hourly = rating.current_a * (PER_KILO if name == "charge" else NOMINAL_V)  # in mAh, or else in Wh
    most = MARGIN * _phases(name, rating) * hourly * hours
    return before <= value <= before + most + 2 * step(value, rating.factor)


def step(value: float, factor: int = 1) -> float:
    """Return by how much a float32 counter of this many Wh moves at once, at least its last digit of 0.01 kWh.

    Args:
        value: that it shows, in Wh.
        factor: 1000 where it counts in MWh.
    """
    return max(10.0 * factor, PER_KILO * 2.0 ** (math.frexp(value / PER_KILO)[1] - MANTISSA))


def _phases(name: str, rating: Rating) -> int:
    return 1 if name.endswith(("_l1", "_l2", "_l3")) else rating.phases
