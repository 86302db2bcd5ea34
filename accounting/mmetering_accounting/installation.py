"""An installation: a meter on a point from an instant to an instant, with its register at both ends."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from operator import attrgetter

from mmetering_accounting.quarter import ms_of
from mmetering_accounting.rating import DIGIT_WH, Rating
from mmetering_accounting.sample import Sample
from mmetering_accounting.trust import Resolution, Trusted, trust


class Counter(StrEnum):
    """Which register of the meter counts."""

    IMPORT = "import"
    EXPORT = "export"


class CountingMode(StrEnum):
    """How a meter adds its phases up. SDM meters count each by itself, so that import and export can both grow."""

    BY_PHASE = "by phase"
    NETTED = "netted"


@dataclass(frozen=True, slots=True)
class Installation:
    """A meter on a point.

    Attributes:
        meter: its name.
        serial: as it stands on it; printed.
        counter: which register is the use, or the production, of the point.
        begin: when it was put in.
        end: when it was taken out; None while it is there.
        begin_wh: what its register showed then; None for what it said first itself.
        end_wh: likewise at the end.
        factor: by which its registers are multiplied, as with current transformers; registers are kept without it.
        rating: what it can carry.
        counting_mode: a property of the meter; printed.
        calibrated: the year of its calibration; None when unknown.
        entered_by: who says so.
    """

    meter: str
    serial: str
    begin: datetime
    end: datetime | None = None
    counter: Counter = Counter.IMPORT
    begin_wh: int | None = None
    end_wh: int | None = None
    factor: int = 1
    rating: Rating = field(default_factory=Rating)
    counting_mode: CountingMode = CountingMode.BY_PHASE
    calibrated: int | None = None
    entered_by: str = ""

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.begin:
            raise ValueError(f"{self.meter} ends at {self.end} and begins at {self.begin}")
        if self.factor < 1:
            raise ValueError(f"{self.meter} has the factor {self.factor}")

    def trusted(self, samples: Sequence[Sample], resolutions: Iterable[Resolution] = ()) -> Trusted:
        """Return what to trust of the meter's samples, those from outside left out and the registers at the ends added.

        Args:
            samples: of the meter's register, in order of time.
            resolutions: what a person has said about its breaks.
        """
        begin, end = ms_of(self.begin), None if self.end is None else ms_of(self.end)
        first = bisect_left(samples, begin, key=_when)
        within = list(samples[first : None if end is None else bisect_right(samples, end, key=_when)])
        if self.begin_wh is not None:
            within.insert(0, Sample(begin, self.begin_wh))
        if end is not None and self.end_wh is not None:
            within.append(Sample(end, _at_end(self.end_wh, within)))
        return trust(within, self.rating, resolutions)


_when = attrgetter("ms")


def _at_end(shown: int, before: Sequence[Sample]) -> int:
    """Return a register read from a display, which cuts digits off: the meter may have said a little more before."""
    last = before[-1].wh if before else shown
    return last if shown < last < shown + DIGIT_WH else shown
