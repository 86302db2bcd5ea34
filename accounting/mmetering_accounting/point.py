"""A point's quarter hours, from what its meters counted one after the other.

A point outlives its meters. The quarter hour of a replacement is the old meter's part plus the new meter's part plus
an estimate for the dark minutes between, and carries its flag. What came before the first meter is missing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

from mmetering_accounting.flag import Flag
from mmetering_accounting.gap import estimated, pieces
from mmetering_accounting.installation import Installation
from mmetering_accounting.profile import Profile
from mmetering_accounting.quarter import QUARTER_MS, ms_of
from mmetering_accounting.sample import Sample
from mmetering_accounting.stretch import NEAR_MS, Stretch
from mmetering_accounting.trust import Trusted
from mmetering_accounting.typical import Typical


@dataclass(frozen=True, slots=True)
class Dark:
    """A time in which no meter counted, in ms; without an end it goes on.

    Attributes:
        broken: whether a break lies at its begin: then it is not even estimated, until a person says what happened.
    """

    begin: int
    end: int | None
    broken: bool = False


class MeteredPoint:
    """A point with its installations, one after the other, and what is trusted of the samples of each.

    To compute quarter hours it takes the samples of these, the next one behind them, the last one before them however
    long ago, and for the shape of gaps those of `typical.REACH` quarter hours before that last one.
    """

    def __init__(self, installations: Sequence[tuple[Installation, Trusted]], zone: ZoneInfo) -> None:
        """Take the installations in order of time, and the time zone that the people live in.

        Raises:
            ValueError: there is none, or one begins before the one before it ends.
        """
        _check_order([installation for installation, _ in installations])
        self.begin = ms_of(installations[0][0].begin)
        last = installations[-1][0].end
        self.end = None if last is None else ms_of(last)
        self.counting: list[tuple[Installation, Stretch]] = []
        self.darks: list[Dark] = []
        self._lay_out(installations, Typical(self.energy, zone))

    def _lay_out(self, installations: Sequence[tuple[Installation, Trusted]], typical: Typical) -> None:
        known, broken = self.begin, False
        for installation, trusted in installations:
            is_open = installation.end is None and not trusted.stopped
            for part in trusted.parts:
                self._add_dark(known, part[0].ms, broken=broken)
                samples = _multiplied(part, installation.factor)
                stretch = Stretch(samples, typical, open=is_open and part is trusted.parts[-1])
                self.counting.append((installation, stretch))
                known, broken = part[-1].ms, False
            broken = broken or trusted.stopped
        if not (self.counting and self.counting[-1][1].open):
            self._add_dark(known, self.end, broken=broken)
        self._typical = typical

    def _add_dark(self, begin: int, end: int | None, *, broken: bool) -> None:
        if broken or end is None or end - begin > NEAR_MS:
            self.darks.append(Dark(begin, end, broken))

    def energy(self, quarter: int) -> int | None:
        """Return the energy of a quarter hour, in Wh, where one meter measured it whole; else None."""
        return self.counted(quarter * QUARTER_MS, (quarter + 1) * QUARTER_MS)

    def counted(self, begin: int, end: int) -> int | None:
        """Return the energy from one instant to another, both in ms, in Wh, where one meter measured both ends."""
        for _, stretch in self.counting:
            if stretch.first.ms <= begin and (stretch.open or end <= stretch.last.ms):
                before, after = stretch.measured(begin), stretch.measured(end)
                return None if before is None or after is None else after - before
        return None

    def profile(self, quarters: range) -> Profile:
        """Return the energy of quarter hours, with how it was obtained."""
        wh: list[int | None] = [0] * len(quarters)
        flags = [Flag.MEASURED] * len(quarters)
        for quarter, part, flag in self._parts(quarters):
            index = quarter - quarters.start
            old = wh[index]
            wh[index] = None if old is None or part is None else old + part
            flags[index] = max(flags[index], flag)
        return Profile(quarters, wh, flags)

    def _parts(self, quarters: range) -> Iterator[tuple[int, int | None, Flag]]:
        """Give what each stretch and each dark time adds to quarter hours."""
        for _, stretch in self.counting:
            yield from _counted(
                stretch, _overlap(quarters, stretch.first.ms, None if stretch.open else stretch.last.ms)
            )
        for dark in self.darks:
            if covered := _overlap(quarters, dark.begin, dark.end):
                yield from self._guessed(dark, covered)
        for quarter in quarters:
            if (quarter + 1) * QUARTER_MS <= self.begin or (self.end is not None and quarter * QUARTER_MS >= self.end):
                yield quarter, None, Flag.MISSING

    def _guessed(self, dark: Dark, quarters: range) -> Iterator[tuple[int, int | None, Flag]]:
        end = quarters.stop * QUARTER_MS if dark.end is None else dark.end
        curve = {} if dark.broken else estimated(Sample(dark.begin, 0), end, self._typical)
        curve[dark.begin // QUARTER_MS] = 0
        for quarter, _ in pieces(dark.begin, end):
            if quarter not in quarters:
                continue
            if quarter + 1 in curve:
                yield quarter, curve[quarter + 1] - curve[quarter], Flag.ESTIMATED
            else:
                yield quarter, None, Flag.MISSING


def _multiplied(samples: Sequence[Sample], factor: int) -> Sequence[Sample]:
    return samples if factor == 1 else [Sample(ms, wh * factor) for ms, wh in samples]


def _counted(stretch: Stretch, quarters: range) -> Iterator[tuple[int, int | None, Flag]]:
    registers = stretch.registers(range(quarters.start, quarters.stop + 1))
    for quarter, begin, end in zip(quarters, registers, registers[1:], strict=False):
        if begin is None or end is None:
            yield quarter, None, Flag.MISSING
        else:
            yield quarter, end.wh - begin.wh, max(begin.flag, end.flag)


def _overlap(quarters: range, begin: int, end: int | None) -> range:
    """Return the quarter hours that have any part between two instants, in ms; without an end to the last."""
    first = max(quarters.start, begin // QUARTER_MS)
    stop = quarters.stop if end is None else min(quarters.stop, -(-end // QUARTER_MS))
    return range(first, max(first, stop))


def _check_order(installations: Sequence[Installation]) -> None:
    if not installations:
        raise ValueError("a point without any installation")
    for before, after in pairwise(installations):
        if before.end is None or after.begin < before.end:
            raise ValueError(f"{after.meter} begins before {before.meter} ends")
