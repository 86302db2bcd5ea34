"""When a reading was taken, although the wall clock was wrong then: reckoned back from a moment that is known. Pure.

A computer without a battery for its clock knows after a boot only how long it has been running. Once the time is known,
so is that of every reading of this boot; one of an earlier boot keeps a guess, and says so.
"""

from datetime import UTC, datetime

import msgspec
from mmetering_contract.reading import Reading

EARLIEST_MS = 1_767_225_600_000  # 2026-01-01T00:00Z in ms since 1970: no reading is older than this software


class Uptime(msgspec.Struct, frozen=True):
    """How long a computer had been running at some instant.

    Attributes:
        boot: the kernel's name for that boot.
        ms: since the boot, sleep included.
    """

    boot: str
    ms: int


class Moment(msgspec.Struct, frozen=True):
    """One instant by both clocks.

    Attributes:
        wall_ms: since 1970, UTC, as the wall clock says.
        uptime: at the same instant.
        good: whether the wall clock is known to be right.
    """

    wall_ms: int
    uptime: Uptime
    good: bool

    @property
    def ts(self) -> datetime:
        """The instant, UTC, by the wall clock."""
        return instant(self.wall_ms)

    @property
    def booted_ms(self) -> int:
        """When the computer booted, since 1970."""
        return self.wall_ms - self.uptime.ms


def dated(reading: Reading, taken: Uptime, now: Moment, after_ms: int) -> Reading:
    """Return the reading with its true time, or with the best guess where that will never be known.

    Args:
        reading: with the time that the wall clock showed.
        taken: when it was taken.
        now: a moment whose wall clock is good.
        after_ms: when the reading before it was taken, since 1970: a guess lies between that and the present boot.
    """
    if taken.boot == now.uptime.boot:
        return msgspec.structs.replace(reading, ts=instant(now.booted_ms + taken.ms), clock_synced=True)
    guess = min(max(ms_of(reading), after_ms), now.booted_ms)
    return msgspec.structs.replace(reading, ts=instant(guess), clock_synced=False)


def ms_of(reading: Reading) -> int:
    """Return the time of a reading in ms since 1970."""
    return round(reading.ts.timestamp() * 1000)


def instant(ms: int) -> datetime:
    """Return an instant, UTC, from ms since 1970."""
    return datetime.fromtimestamp(ms / 1000, UTC)
