"""Which gateway's clock is wrong, told by the times of its newest readings against their arrival. Pure.

What arrives before it was read has a clock that is ahead. What arrives late may just be late: a backlog goes out
beside new readings, so the smallest lag of a while counts, and a clock is behind when that stays the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mmetering_contract.state import CLOCK_OFF_S, SeenGateway

WINDOW = timedelta(seconds=60)


@dataclass(slots=True)
class _Gateway:
    """What is known of one.

    Attributes:
        lag_s: the smallest of this window, None where no batch came in it.
        before_s: likewise of the window before.
    """

    batch_at: datetime
    lag_s: float | None = None
    before_s: float | None = None
    offset_s: float | None = None


class Clocks:
    """The clocks of all gateways that send batches."""

    def __init__(self) -> None:
        """Know no gateway yet."""
        self._gateways: dict[str, _Gateway] = {}
        self._closed_at: datetime | None = None

    def note(self, gateway: str, newest: datetime | None, now: datetime) -> None:
        """Take in a batch.

        Args:
            gateway: who sent it.
            newest: its newest time, UTC; None where it has no time to be judged by.
            now: when it arrived, UTC.
        """
        known = self._gateways.setdefault(gateway, _Gateway(now))
        known.batch_at = now
        if newest:
            lag = (now - newest).total_seconds()
            known.lag_s = lag if known.lag_s is None else min(known.lag_s, lag)

    def turn(self, now: datetime) -> dict[str, float]:
        """Judge, once in a while; return the offsets (s) of clocks that have gone wrong or right since."""
        if self._closed_at and abs(now - self._closed_at) < WINDOW:
            return {}
        self._closed_at = now
        changed = {}
        for name, gateway in self._gateways.items():
            before = gateway.offset_s
            _judge(gateway)
            if gateway.offset_s is not None and is_off(gateway.offset_s) != is_off(before):
                changed[name] = gateway.offset_s
        return changed

    @property
    def gateways(self) -> dict[str, SeenGateway]:
        """Every gateway, by slug."""
        known = list(self._gateways.items())  # at once: other threads ask, too
        return {name: SeenGateway(gateway.batch_at, gateway.offset_s) for name, gateway in known}


def is_off(offset_s: float | None) -> bool:
    """Return whether a clock is so wrong that people should know."""
    return offset_s is not None and abs(offset_s) > CLOCK_OFF_S


def _judge(gateway: _Gateway) -> None:
    lag, before = gateway.lag_s, gateway.before_s
    if lag is not None and (lag <= CLOCK_OFF_S or (before is not None and abs(lag - before) <= CLOCK_OFF_S)):
        gateway.offset_s = -lag
    gateway.before_s, gateway.lag_s = lag, None
