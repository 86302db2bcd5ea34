"""R: the counter at an instant, and how it was obtained. One whole number per boundary of the grid.

Measured with good samples on both sides at most 5 minutes apart, or one within 60 s. In a gap the energy is known and
only has to be spread: evenly up to 2 hours, then in the shape of the same weekdays before; a counter that did not move
is in no doubt. R is rounded, never a difference, so quarter hours add up to the counter's difference exactly.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from mmetering_accounting.flag import Flag
from mmetering_accounting.gap import estimated, evenly, shaped
from mmetering_accounting.quarter import HOUR_MS, MINUTE_MS, QUARTER_MS
from mmetering_accounting.rounding import half_up
from mmetering_accounting.sample import Sample
from mmetering_accounting.typical import Typical

CLOSE_MS = 5 * MINUTE_MS  # between samples on both sides of a boundary
NEAR_MS = MINUTE_MS  # of one sample to a boundary
SHORT_MS = 2 * HOUR_MS  # a gap in which use is taken to be even


class Register(NamedTuple):
    """The counter at an instant, in Wh, and how it was obtained."""

    wh: int
    flag: Flag


@dataclass(frozen=True)
class Stretch:
    """A counter over a time in which it only grew. Before its first sample it rests, and so it does behind its last.

    Attributes:
        samples: at least one, in order of time, none lower than the one before.
        typical: the shape of long gaps, and of what is not known yet.
        open: whether more is to come, so that what is behind the last sample is estimated.
    """

    samples: Sequence[Sample]
    typical: Typical
    open: bool = True
    _times: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_times", [sample.ms for sample in self.samples])

    @property
    def first(self) -> Sample:
        """Where it begins."""
        return self.samples[0]

    @property
    def last(self) -> Sample:
        """Where it ends, or what is known last."""
        return self.samples[-1]

    def measured(self, ms: int) -> int | None:
        """Return the counter at an instant where it is measured, in Wh; else None."""
        index = bisect_left(self._times, ms)
        if index == 0:
            return self.samples[0].wh
        before_ms, before = self.samples[index - 1]
        if index == len(self._times):
            return before if not self.open or ms - before_ms <= NEAR_MS else None
        after_ms, after = self.samples[index]
        if after_ms == ms or after == before:
            return after
        if after_ms - before_ms <= CLOSE_MS:
            return before + half_up((after - before) * (ms - before_ms), after_ms - before_ms)
        if after_ms - ms <= NEAR_MS:
            return after
        return before if ms - before_ms <= NEAR_MS else None

    def at(self, ms: int) -> Register | None:
        """Return R at any instant: where it is not measured, between both boundaries in proportion to time."""
        wh = self.measured(ms)
        if wh is not None:
            return Register(wh, Flag.MEASURED)
        quarter, within = divmod(ms, QUARTER_MS)
        before, after = self.registers(range(quarter, quarter + 2))
        if before is None or after is None:
            return None
        flag = max(before.flag, after.flag, Flag.INTERPOLATED)
        return Register(before.wh + (after.wh - before.wh) * within // QUARTER_MS, flag)

    def registers(self, boundaries: range) -> list[Register | None]:
        """Return R at boundaries of the grid; None where nothing is known by which to estimate."""
        measured = [self.measured(boundary * QUARTER_MS) for boundary in boundaries]
        found = [None if wh is None else Register(wh, Flag.MEASURED) for wh in measured]
        unmeasured = (boundary for boundary, wh in zip(boundaries, measured, strict=True) if wh is None)
        for index, gap in groupby(unmeasured, lambda boundary: bisect_left(self._times, boundary * QUARTER_MS)):
            for boundary, register in self._fill(index, list(gap)):
                found[boundary - boundaries.start] = register
        return found

    def _fill(self, index: int, boundaries: Sequence[int]) -> Iterator[tuple[int, Register]]:
        """Give R at unmeasured boundaries before the sample of this index, or behind the last."""
        before = self.samples[index - 1]
        if index == len(self.samples):
            curve, flag = estimated(before, boundaries[-1] * QUARTER_MS, self.typical), Flag.ESTIMATED
        else:
            after = self.samples[index]
            if after.ms - before.ms <= SHORT_MS:
                curve, flag = evenly(before, after), Flag.INTERPOLATED
            else:
                curve, flag = shaped(before, after, self.typical), Flag.SUBSTITUTE
        return ((boundary, Register(curve[boundary], flag)) for boundary in boundaries if boundary in curve)
