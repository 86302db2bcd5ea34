"""Says how far the wall clock can be believed, and gives readings their time as soon as it can. For one thread."""

from mmetering_contract.state import ClockState
from mmetering_runtime.log import Log

from mmetering_gateway.clock import Clock
from mmetering_gateway.spool.spool import Spool

log = Log("gateway.clock")


class Dater:
    """The clock and the spool of one gateway."""

    def __init__(self, clock: Clock, spool: Spool) -> None:
        """Begin with nothing said."""
        self._clock = clock
        self._spool = spool
        self._told: ClockState = "trusted"
        self._dated = self._guessed = 0

    def turn(self) -> bool:
        """Date some readings if the clock is good; return whether it is.

        Until then nothing at all should go to the database: on the same computer it has the same clock, and would
        refuse as yet to come what was read before the boot.
        """
        state = self._clock.state()
        if state != self._told:
            self._told = state
            self._tell(state)
        now = self._clock.now()
        count, guessed = self._spool.date(now) if now.good else (0, 0)
        self._dated += count
        self._guessed += guessed
        if self._dated and not count:
            log.info("readings_dated", count=self._dated, guessed=self._guessed)
            self._dated = self._guessed = 0
        return now.good

    def _tell(self, state: ClockState) -> None:
        undated = self._spool.undated()
        if state == "synchronised":
            self._spool.note_good(self._clock.boot)
            log.info("clock_synchronised", undated=undated)
        elif state == "holdover":
            log.warning(
                "clock_holdover", reason="NTP is silent; it has set the clock since the boot, and that is used on"
            )
        else:
            log.warning(
                "clock_unsynchronised",
                undated=undated,
                reason="NTP has not set the clock since the boot: readings wait in the spool until it has",
                without_ntp="set MMETERING_CLOCK=trusted if this computer's clock is right without NTP",
            )
