"""What a meter can carry, and so by how much its counter can have grown. A counter never falls."""

import math
from dataclasses import dataclass

from mmetering_accounting.quarter import HOUR_MS

NOMINAL_V = 230
JITTER_MS = 2_000  # by which a reply may come sooner or later than the value in it
MANTISSA = 24  # bits of a float32, in which SDM meters give kWh
DIGIT_WH = 10  # the last digit of their display, 0.01 kWh


@dataclass(frozen=True, slots=True)
class Rating:
    """How a meter is built: rated current of each phase, in A, and phases. 100 A x 3 are 17.25 kWh a quarter hour."""

    current_a: int = 100
    phases: int = 3

    def allows(self, wh: int, ms: int, counter: int) -> bool:
        """Return whether a counter can have grown so far in so long.

        Args:
            wh: by how much it grew.
            ms: in which time.
            counter: where it stood before, in Wh: the steps of a large float32 are large.
        """
        if wh < 0:
            return False
        watts = self.current_a * self.phases * NOMINAL_V
        return wh * HOUR_MS <= watts * ms or (wh - 2 * step(counter)) * HOUR_MS <= watts * (ms + JITTER_MS)


def step(counter: int) -> int:
    """Return by how much a float32 counter of so many Wh grows at once: 8 Wh at 100 MWh, at least its last digit."""
    return max(DIGIT_WH, math.ceil(math.ldexp(1000, math.frexp(counter / 1000)[1] - MANTISSA)))
