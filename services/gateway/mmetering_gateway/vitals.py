"""How the gateway as a whole is doing: what its parts count, put together for the broker and for Prometheus."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from mmetering_contract.state import GatewayHealth

from mmetering_gateway.clock import Clock
from mmetering_gateway.plant.desired import Desired
from mmetering_gateway.poll import Poller
from mmetering_gateway.publish.record import Record
from mmetering_gateway.spool.spool import Spool


class Vitals:
    """The health of one gateway. `health` may be called from any thread."""

    def __init__(self, pollers: Sequence[Poller], spool: Spool, record: Record, desired: Desired, clock: Clock) -> None:
        """Look at these parts."""
        self._pollers = pollers
        self._spool = spool
        self._record = record
        self._desired = desired
        self._clock = clock
        self._loads: dict[str, float] = {}
        self._busy_s: dict[str, float] = {}
        self._measured_at = time.monotonic()

    def measure(self, now: float) -> None:
        """Take the load of each bus since the last call, at `now` in seconds of a monotonic clock."""
        elapsed_s, self._measured_at = now - self._measured_at, now
        before, self._busy_s = self._busy_s, {poller.bus: poller.busy_s for poller in self._pollers}
        self._loads = {bus: (busy_s - before.get(bus, 0.0)) / elapsed_s for bus, busy_s in self._busy_s.items()}

    def health(self) -> GatewayHealth:
        """Return how everything is doing at this moment; loads are those that were measured last."""
        count, oldest = self._spool.depth()
        return GatewayHealth(
            at=datetime.now(UTC),
            spooled=count,
            oldest_s=None if oldest is None else max(0.0, time.time() - oldest),
            outstanding=len(self._record.outbox),
            repeats=self._record.outbox.repeats,
            buses={poller.bus: poller.bus_health(self._loads.get(poller.bus, 0.0)) for poller in self._pollers},
            meters={slug: meter for poller in self._pollers for slug, meter in poller.health().items()},
            dropped=self._spool.dropped_count(),
            archived=self._spool.archived(),
            plant_revision=self._desired.revision,
            plant_error=self._desired.error,
            clock=self._clock.state(),
            undated=self._spool.undated(),
        )
