"""What a quarter hour typically holds: the mean of the same local time on the same weekdays, up to four weeks back.

It gives long gaps their shape, and a value to what nobody has measured. Only measured energies count, and only ones
from before the gap; so the same facts give the same figures, from whichever month one looks at a gap.
"""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from mmetering_accounting.local_time import weeks_before
from mmetering_accounting.quarter import WEEK

WEEKS = 4
REACH = WEEKS * WEEK + 4  # quarter hours before a gap that may be looked at; with the hour of a clock change
PARTS = 12  # of a Wh, so that the mean of one to four whole Wh is whole, too

# The measured energy of a quarter hour, in Wh; None where it is not measured.
Measured = Callable[[int], int | None]


class Typical:
    """What quarter hours of one point typically hold."""

    def __init__(self, measured: Measured, zone: ZoneInfo) -> None:
        """Take where to look measured energies up, and the time zone that the people live in."""
        self._measured = measured
        self._zone = zone

    def parts(self, quarter: int, before: int) -> int | None:
        """Return the typical energy of a quarter hour in twelfths of a Wh; None without any like it.

        Args:
            quarter: the one asked for.
            before: the quarter hour in which the gap begins; nothing from there on is looked at.
        """
        nearest = max(1, -(-(quarter - before + 1) // WEEK))
        earlier = (weeks_before(quarter, weeks, self._zone) for weeks in range(nearest, nearest + WEEKS))
        known = [wh for one in earlier if one < before and (wh := self._measured(one)) is not None]
        return PARTS * sum(known) // len(known) if known else None
