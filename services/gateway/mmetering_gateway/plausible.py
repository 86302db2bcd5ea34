"""Which values cannot be true. Pure. They are marked and kept: a value that was smoothed or dropped is a lie too.

Bounds are what physics and the meter's build allow, not what is usual: a usual bound would hide the very faults
that people want to see. The step of a float32 counter above 131 072 kWh is more than its last digit, and no anomaly.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mmetering_contract.quantity import BY_NAME, Kind

# A grid is cut off below 47.5 and above 51.5 Hz (VDE-AR-N 4105), a generator on its own strays a little further.
FREQUENCY_HZ = (45.0, 65.0)
NOMINAL_V = 230.0
# With a broken neutral a phase shows the 400 V between two phases; EN 50160 knows 15 % more at worst.
HIGHEST_V = 460.0
# Meters show up to 1.2 times the rated current; beyond twice it the fuse before them has long gone.
OVERLOAD = 2.0
# The rated power with its tolerance of voltage, and the seconds by which a reply may come sooner or later.
MARGIN, JITTER_S = 1.5, 2.0
PHASES = 3
MANTISSA = 24  # bits of a float32


@dataclass(frozen=True, slots=True)
class Known:
    """The counters that a meter told last, and when each was, in seconds of a monotonic clock."""

    values: Mapping[str, int | float]
    at: Mapping[str, float]

    def updated(self, values: Mapping[str, int | float], now: float) -> "Known":
        """Return what is known after a reading at `now`."""
        counters = {name: value for name, value in values.items() if BY_NAME[name].kind is Kind.COUNTER}
        return Known({**self.values, **counters}, {**self.at, **dict.fromkeys(counters, now)})


UNKNOWN = Known({}, {})


def suspects(values: Mapping[str, int | float], known: Known, now: float, rated_current_a: float) -> tuple[str, ...]:
    """Return the names of the values that cannot be true.

    Args:
        values: of one reading, by quantity, in its unit.
        known: what the meter told before.
        now: when this reading came, in seconds of the same clock.
        rated_current_a: what the meter carries on each phase, in A.
    """
    return tuple(
        name
        for name, value in values.items()
        if not _possible(name, value, rated_current_a)
        or (name in known.values and not _follows(name, value, known, now, rated_current_a))
    )


def _possible(name: str, value: float, rated_current_a: float) -> bool:
    quantity = BY_NAME[name]
    if quantity.kind is Kind.COUNTER:
        return value >= 0
    current_a = OVERLOAD * rated_current_a
    lowest, highest = {
        "Hz": FREQUENCY_HZ,
        "V": (0.0, HIGHEST_V),
        "A": (-current_a, current_a),
        "W": (-_phases(name) * current_a * HIGHEST_V, _phases(name) * current_a * HIGHEST_V),
    }.get(quantity.unit, (-math.inf, math.inf))
    return lowest <= value <= highest


def _follows(name: str, value: float, known: Known, now: float, rated_current_a: float) -> bool:
    """Return whether a counter can have come to this value since it was read last."""
    before = known.values[name]
    hours = (now - known.at[name] + JITTER_S) / 3600
    most = MARGIN * _phases(name) * rated_current_a * NOMINAL_V * hours
    return before <= value <= before + most + 2 * step(value)


def step(value: float) -> float:
    """Return by how much a float32 counter of this many Wh moves at once, at least its last digit of 0.01 kWh."""
    return max(10.0, 1000 * 2.0 ** (math.frexp(value / 1000)[1] - MANTISSA))


def _phases(name: str) -> int:
    return 1 if name.endswith(("_l1", "_l2", "_l3")) else PHASES
