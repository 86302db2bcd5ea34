"""The computer's clocks: what time it is, how long it has been running, and whether the time can be believed.

Once NTP has set the wall clock it counts as good until the next boot, also when NTP's servers are away later on: a
quartz is off by 100 ppm at most, 9 s a day, which is better than no time at all.
"""

import ctypes
import os
import time
from collections.abc import Callable
from pathlib import Path

from mmetering_contract.state import ClockState
from mmetering_runtime.log import Log

from mmetering_gateway.dating import Moment, Uptime

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # random(4)
CHECK_S = 1.0  # the kernel is not asked more often
NS_PER_MS = 1_000_000
AT_ONCE_NS = 100_000  # both clocks are to be read within this; a thread may lose its turn in between
TRIES = 5

# The kernel's word for "nobody knows how far off the clock is": NTP_PHASE_LIMIT in include/linux/timex.h. It says so
# from its boot on, whenever somebody sets the clock by hand, and 9 hours after NTP's daemon has spoken last. The flag
# STA_UNSYNC does not do: chrony leaves it set unless it also cares for the battery's clock. timedatectl asks like this.
UNKNOWN_US = 16_000_000

log = Log("gateway.clock")


class Timex(ctypes.Structure):
    """The begin of `struct timex`, adjtimex(2), and more room than any system needs for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),  # 0: read only, which needs no privilege
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),  # microseconds
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("rest", ctypes.c_byte * 512),
    )


def read_timex() -> Timex:
    """Return what the kernel knows of its clock.

    Raises:
        OSError: it does not tell.
    """
    timex = Timex()
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex)) < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), "adjtimex")
    return timex


def ntp_has_set_it() -> bool:
    """Return whether the kernel knows how far off the wall clock is.

    Raises:
        OSError: it does not tell.
    """
    return int(read_timex().maxerror) < UNKNOWN_US


class Clock:
    """The clocks of this computer. Any thread may use it."""

    def __init__(
        self,
        is_set: Callable[[], bool] | None,
        *,
        good_boot: str | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Look at the clocks.

        Args:
            is_set: tells whether the wall clock is right at this moment; None where it always is. An OSError means no.
            good_boot: a boot in which it was found to be right before, in another process.
            wall_ns: the wall clock, in ns since 1970.
        """
        self.boot = BOOT_ID.read_text(encoding="ascii").strip()
        self._is_set = is_set
        self._wall_ns = wall_ns
        self._good = is_set is None or self.boot == good_boot
        self._set = self._refused = False
        self._ask_at = 0.0

    def state(self) -> ClockState:
        """Return how far the wall clock can be believed."""
        if self._is_set is None:
            return "trusted"
        if (now := time.monotonic()) >= self._ask_at:
            self._ask_at = now + CHECK_S
            self._set = self._ask(self._is_set)
            self._good = self._good or self._set
        if self._set:
            return "synchronised"
        return "holdover" if self._good else "unsynchronised"

    def _ask(self, is_set: Callable[[], bool]) -> bool:
        try:
            return is_set()
        except OSError as error:
            if not self._refused:
                log.error("clock_unknown", reason=error)
            self._refused = True
            return False

    def now(self) -> Moment:
        """Return the present moment."""
        good = self.state() != "unsynchronised"  # first: a clock that is good now was not before
        for _ in range(TRIES):
            uptime_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            wall_ns = self._wall_ns()
            if time.clock_gettime_ns(time.CLOCK_BOOTTIME) - uptime_ns < AT_ONCE_NS:
                break
        return Moment(wall_ns // NS_PER_MS, Uptime(self.boot, uptime_ns // NS_PER_MS), good)
