"""What the meters of a point showed at the begin and the end of a time, as a statement prints it."""

from collections.abc import Iterator
from dataclasses import dataclass

from mmetering_accounting.flag import Flag
from mmetering_accounting.installation import CountingMode, Installation
from mmetering_accounting.point import MeteredPoint
from mmetering_accounting.rounding import half_up
from mmetering_accounting.stretch import Stretch


@dataclass(frozen=True, slots=True)
class Reading:
    """What a register showed.

    Attributes:
        at: in ms.
        wh: without the factor, as on the display; None where nothing is known.
        flag: how it was obtained.
    """

    at: int
    wh: int | None
    flag: Flag


@dataclass(frozen=True, slots=True)
class MeterLine:
    """A meter on a statement; a replacement or a reset within the time makes two lines."""

    serial: str
    calibrated: int | None
    counting_mode: CountingMode
    factor: int
    begin: Reading
    end: Reading


@dataclass(frozen=True, slots=True)
class CheckReading:
    """What a person read from the display, set against what was counted.

    Attributes:
        at: in ms.
        shown_wh: on the display.
        counted: what the meter had said for that instant.
        photo: where the photo is kept; empty without one.
    """

    at: int
    shown_wh: int
    counted: Reading
    photo: str = ""

    @property
    def difference_wh(self) -> int | None:
        """By how much the display showed more."""
        return None if self.counted.wh is None else self.shown_wh - self.counted.wh


def meter_lines(point: MeteredPoint, begin: int, end: int) -> tuple[MeterLine, ...]:
    """Return the meters of a point between two instants, in ms, with what they showed at both ends."""
    return tuple(
        MeterLine(
            installation.serial,
            installation.calibrated,
            installation.counting_mode,
            installation.factor,
            _reading(installation, stretch, since),
            _reading(installation, stretch, until),
        )
        for installation, stretch, since, until in _within(point, begin, end)
    )


def _within(point: MeteredPoint, begin: int, end: int) -> Iterator[tuple[Installation, Stretch, int, int]]:
    for installation, stretch in point.counting:
        since = max(begin, stretch.first.ms)
        until = end if stretch.open else min(end, stretch.last.ms)
        if since < until:
            yield installation, stretch, since, until


def _reading(installation: Installation, stretch: Stretch, ms: int) -> Reading:
    register = stretch.at(ms)
    if register is None:
        return Reading(ms, None, Flag.MISSING)
    return Reading(ms, half_up(register.wh, installation.factor), register.flag)
