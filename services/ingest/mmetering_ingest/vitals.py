"""What a copy of ingest tells of itself: its health on the broker and to Prometheus, its pulse, the gateways' clocks.

The pulse beats only while nothing waits that cannot be stored: a copy whose database is away becomes unhealthy,
loses nothing, and is well again with the database.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from mmetering_contract.payload import encode
from mmetering_contract.state import CLOCK_OFF_S, IngestHealth
from mmetering_runtime.heartbeat import Heartbeat
from mmetering_runtime.log import Log
from mmetering_runtime.mqtt import NotConnectedError, Session

from mmetering_ingest.account import Outcome
from mmetering_ingest.clocks import Clocks, is_off
from mmetering_ingest.counts import Counts
from mmetering_ingest.intake import Delivery
from mmetering_ingest.store import AwayError, Store

HEALTH_S = 30.0  # between two messages
REASONS_LOGGED = 1000  # each pair of topic and reason is logged once, for the first so many pairs

log = Log("ingest")


class Vitals:
    """The figures of one copy. For the thread of its loop; `health` for any."""

    def __init__(self, session: Session, topic: str, store: Store, heartbeat: Heartbeat) -> None:
        """Tell the health on this topic."""
        self._session = session
        self._topic = topic
        self._store = store
        self._heartbeat = heartbeat
        self._counts = Counts()
        self._clocks = Clocks()
        self._told_at = time.monotonic()
        self._waiting = 0
        self._database_offset = self._latest_offset = timedelta()
        self._logged: set[tuple[str, str]] = set()

    def now(self) -> datetime:
        """Return the latest time that anybody knows of, UTC: a clock that has fallen back must not refuse readings."""
        return datetime.now(UTC) + self._latest_offset

    def arrived(self, delivery: Delivery) -> None:
        """Note a message that has come."""
        self._waiting += 1
        if delivery.gateway and delivery.epoch:
            self._clocks.note(delivery.gateway, delivery.newest, datetime.now(UTC))
        for refusal in delivery.refusals:
            self._log_once(delivery.topic, refusal.reason)

    def idle(self) -> None:
        """Note that there is nothing to do."""
        self._heartbeat.beat()

    def committed(self, deliveries: Sequence[Delivery], outcome: Outcome, took_s: float) -> None:
        """Note what a commit has done."""
        was_away = self._counts.is_away
        self._waiting = 0
        self._counts.committed(deliveries, outcome, took_s, datetime.now(UTC))
        self._heartbeat.beat()
        if was_away:
            self.tell()

    def away(self, reason: str) -> None:
        """Note that nothing can be stored."""
        was_away = self._counts.is_away
        self._counts.away(reason, datetime.now(UTC))
        if not was_away:
            self.tell()

    def tell(self) -> None:
        """Tell the health, if there is a connection."""
        with suppress(NotConnectedError):
            self._session.publish(self._topic, encode(self.health()))

    def turn(self, *, away: bool = False) -> None:
        """Tell the health when its time has come; the database is asked only while it answers."""
        if time.monotonic() - self._told_at < HEALTH_S:
            return
        self._told_at = time.monotonic()
        self._counts.turn()
        for gateway, offset in self._clocks.turn(datetime.now(UTC)).items():
            event = "gateway_clock_off" if is_off(offset) else "gateway_clock_right"
            log.warning(event, gateway=gateway, offset_s=round(offset, 1))
        if not away:
            self._meet_database()
        self.tell()

    def compare_clocks(self) -> None:
        """Ask the database what time it is.

        Raises:
            AwayError: it cannot be reached.
        """
        theirs, last_batch_at = self._store.now()
        ours = datetime.now(UTC)
        self._database_offset = theirs - ours
        self._latest_offset = max(ours, theirs, last_batch_at or theirs) - ours
        if abs(self._database_offset.total_seconds()) > CLOCK_OFF_S:
            log.warning("database_clock_differs", offset_s=round(self._database_offset.total_seconds(), 1))

    def health(self) -> IngestHealth:
        """Return the figures of now."""
        return self._counts.health(
            datetime.now(UTC),
            waiting=self._waiting,
            waiting_bytes=self._session.waiting_bytes,
            overruns=self._session.overruns,
            database_clock_offset_s=self._database_offset.total_seconds(),
            gateways=self._clocks.gateways,
        )

    def _meet_database(self) -> None:
        self._store.meters.forget()  # people may have given some to other gateways
        try:
            self.compare_clocks()
            self._store.see_gateways(self._clocks.gateways, datetime.now(UTC))
        except AwayError as error:
            log.warning("database_away", reason=error)

    def _log_once(self, topic: str, reason: str) -> None:
        if (topic, reason) not in self._logged and len(self._logged) < REASONS_LOGGED:
            self._logged.add((topic, reason))
            log.error("rejected", topic=topic, reason=reason)
