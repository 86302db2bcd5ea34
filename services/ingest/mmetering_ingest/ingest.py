"""The loop of ingest: gather batches, commit them, send the receipts, and only then acknowledge.

While the database is away the same batches are tried again and nothing is acknowledged: the broker sends no more
than RECEIVE_MAXIMUM of them, and the rest waits in the gateways' spools.
"""

import threading
import time
from datetime import UTC, datetime

from mmetering_contract.payload import encode
from mmetering_contract.record import Receipt
from mmetering_contract.state import OFFLINE, ONLINE
from mmetering_runtime.event import Message
from mmetering_runtime.heartbeat import Heartbeat
from mmetering_runtime.log import Log
from mmetering_runtime.mqtt import NotConnectedError, Presence, Session, Subscription

from mmetering_ingest.config import Config
from mmetering_ingest.intake import Delivery, open_delivery
from mmetering_ingest.migrate import newest_version
from mmetering_ingest.store import AwayError, Store

COMMIT_READINGS = 1000
GATHER_S = 0.15
RECEIVE_MAXIMUM = 20  # batches: two commits' worth and more
BACKOFF_S = (0.5, 30.0)
REASONS_LOGGED = 1000  # each pair of topic and reason is logged once, for the first so many pairs

log = Log("ingest")


class Ingest:
    """One copy of ingest. `run` returns when `stopping` is set."""

    def __init__(self, config: Config, stopping: threading.Event) -> None:
        """Wire it up; nothing is opened yet."""
        self._site = config.broker.site
        self._stopping = stopping
        self._store = Store(config.database)
        self._heartbeat = Heartbeat(config.heartbeat)
        self._logged: set[tuple[str, str]] = set()
        self._session = Session(
            config.broker,
            client_id=f"mmetering-ingest-{config.copy}",
            presence=Presence(self._site.service_status("ingest", config.copy), ONLINE, OFFLINE),
            subscriptions=(Subscription(f"$share/ingest/{self._site.batch()}", 1),),
            receive_maximum=RECEIVE_MAXIMUM,
        )

    def run(self) -> None:
        """Wait for the schema, then store until stopped."""
        self._await_schema()
        self._session.start()
        try:
            while not self._stopping.is_set():
                self._turn()
        finally:
            self._session.stop()
            self._store.close()

    def _turn(self) -> None:
        self._heartbeat.beat()
        messages = self._gather()
        if not messages:
            return
        now = datetime.now(UTC)
        deliveries = [self._open(message, now) for message in messages]
        receipts = self._commit(deliveries)
        if receipts is None:
            return  # stopped: neither stored nor acknowledged
        self._send(receipts)
        for message in messages:
            self._session.acknowledge(message)

    def _gather(self) -> list[Message]:
        """Return the messages of one commit: what came within GATHER_S after the first, or enough of it."""
        messages: list[Message] = []
        deadline = time.monotonic() + 1.0
        while (left := deadline - time.monotonic()) > 0 and len(messages) < RECEIVE_MAXIMUM:
            event = self._session.next(left)
            if isinstance(event, Message):
                if not messages:
                    deadline = time.monotonic() + GATHER_S
                messages.append(event)
        return messages

    def _open(self, message: Message, now: datetime) -> Delivery:
        delivery = open_delivery(self._site, message.topic, message.payload, message.properties, now)
        for refusal in delivery.refusals:
            key = delivery.topic, refusal.reason
            if key not in self._logged and len(self._logged) < REASONS_LOGGED:
                self._logged.add(key)
                log.error("rejected", topic=delivery.topic, reason=refusal.reason)
        return delivery

    def _commit(self, deliveries: list[Delivery]) -> dict[str, list[Receipt]] | None:
        """Store the deliveries, however long it takes; None when stopped before."""
        wait = BACKOFF_S[0]
        while not self._stopping.is_set():
            try:
                return self._store.commit(deliveries)
            except AwayError as error:
                log.warning("database_away", reason=error, retry_s=wait)
            self._heartbeat.beat()
            self._stopping.wait(wait)
            wait = min(wait * 2, BACKOFF_S[1])
        return None

    def _send(self, receipts: dict[str, list[Receipt]]) -> None:
        for gateway, of_gateway in receipts.items():
            for receipt in of_gateway:
                try:
                    self._session.publish(self._site.receipt(gateway), encode(receipt), qos=1)
                except NotConnectedError:
                    return  # the gateway sends the batch again and gets a receipt then

    def _await_schema(self) -> None:
        """Wait until the migrations of this release have run."""
        needed = newest_version()
        while not self._stopping.is_set():
            try:
                version = self._store.version()
            except AwayError as error:
                log.warning("database_away", reason=error)
            else:
                if version and version >= needed:
                    return
                log.info("waiting_for_migration", version=version, needed=needed)
            self._heartbeat.beat()
            self._stopping.wait(1.0)
