"""What the topics say of ingest: whether its copies can store, and how they find the gateways' clocks. Pure.

A retained `online` promises nothing: only a health message, which comes every 30 s and is not retained, is a sign of
life. Copies come and go under ever new names, so one that is offline is forgotten.
"""

from dataclasses import dataclass, field
from datetime import datetime

from mmetering_contract.state import IngestHealth, SeenGateway

from mmetering_alerter.moment import Moment


@dataclass(slots=True)
class Copy:
    """A copy of ingest that is online.

    Attributes:
        awaited: since when a health message of it could have come.
        heard: when its newest health message came, None before the first.
        away_since: since when it cannot store, UTC; None while it can.
        away_reason: what the database says to that.
    """

    awaited: Moment
    heard: Moment | None = None
    away_since: datetime | None = None
    away_reason: str = ""

    @property
    def failing(self) -> bool:
        """Whether it says so itself."""
        return self.away_since is not None


@dataclass(frozen=True, slots=True)
class Clock:
    """A gateway's clock as ingest sees it, and since when it is as right or wrong as it is, UTC."""

    seen: SeenGateway
    since: datetime


@dataclass(slots=True)
class Ingest:
    """What is known of ingest.

    Attributes:
        copies: those that are online, by name.
        clocks: of the gateways, by slug.
        left: when a copy went offline before our eyes, the last time, UTC.
    """

    copies: dict[str, Copy] = field(default_factory=dict)
    clocks: dict[str, Clock] = field(default_factory=dict)
    left: datetime | None = None

    def take_status(self, copy: str, now: Moment, *, online: bool) -> None:
        """Take in that a copy is there, or not."""
        if online:
            self.copies.setdefault(copy, Copy(now))
        elif self.copies.pop(copy, None):
            self.left = now.utc

    def take_health(self, copy: str, health: IngestHealth, now: Moment) -> None:
        """Take in what a copy tells now."""
        known = self.copies.setdefault(copy, Copy(now))
        known.heard = now
        known.away_since = health.away_since and min(health.away_since, now.utc)
        known.away_reason = health.away_reason
        for gateway, seen in health.gateways.items():
            self._take_clock(gateway, seen, now)

    def _take_clock(self, gateway: str, seen: SeenGateway, now: Moment) -> None:
        """Believe the copy that had the newest batch of this gateway."""
        before = self.clocks.get(gateway)
        if seen.clock_offset_s is None or (before and before.seen.batch_at > seen.batch_at):
            return
        same = before is not None and before.seen.clock_is_off == seen.clock_is_off
        self.clocks[gateway] = Clock(seen, before.since if before and same else now.utc)
