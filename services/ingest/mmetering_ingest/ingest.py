"""The loop of ingest: gather batches, commit them, send the receipts, and only then acknowledge.

While the database is away the same batches are tried again, nothing is acknowledged, and no more are asked for: the
broker gives them to other copies of ingest, or the gateways keep them in their spools.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from secrets import token_hex

from mmetering_contract.payload import encode
from mmetering_contract.record import Receipt
from mmetering_contract.state import OFFLINE, ONLINE
from mmetering_runtime.event import Connected, Message
from mmetering_runtime.heartbeat import Heartbeat
from mmetering_runtime.log import Log
from mmetering_runtime.metrics import served
from mmetering_runtime.mqtt import NotConnectedError, Presence, Session, Subscription

from mmetering_ingest.account import Outcome
from mmetering_ingest.config import Config
from mmetering_ingest.intake import Delivery, open_delivery
from mmetering_ingest.metrics import HealthCollector
from mmetering_ingest.schema.migrate import newest_version
from mmetering_ingest.store import AwayError, Store
from mmetering_ingest.vitals import Vitals

COMMIT_READINGS = 1000
GATHER_S = 0.15  # so long a commit waits for more
TURN_S = 1.0
RECEIVE_MAXIMUM = 200  # batches: two commits' worth of those with ten readings
BACKOFF_S = (0.5, 30.0)

log = Log("ingest")


class Ingest:
    """One copy of ingest. `run` returns when `stopping` is set."""

    def __init__(self, config: Config, stopping: threading.Event) -> None:
        """Wire it up; nothing is opened yet."""
        self._config = config
        self._site = config.broker.site
        self._status = self._site.service_status("ingest", config.copy)
        self._stopping = stopping
        self._store = Store(config.database)
        self._session = Session(
            config.broker,
            # Another copy may have the same name, and two sessions of one id would end each other for ever.
            client_id=f"mmetering-ingest-{config.copy}-{token_hex(4)}",
            presence=Presence(self._status, ONLINE, OFFLINE, farewell=b"" if config.is_passing else None),
            subscriptions=(Subscription(f"$share/ingest/{self._site.batch()}", 1), Subscription(self._status, 0)),
            receive_maximum=RECEIVE_MAXIMUM,
        )
        health = self._site.service_health("ingest", config.copy)
        self._vitals = Vitals(self._session, health, self._store, Heartbeat(config.heartbeat))

    def run(self) -> None:
        """Wait for the schema, then store until stopped.

        Raises:
            ConfigError: metrics cannot be served where they are wanted.
            SessionDeadError: the network thread has ended; only a restart helps.
        """
        with served(self._config.metrics, HealthCollector(self._config.copy, self._vitals.health)):
            self._await_schema()
            self._session.start()
            try:
                while not self._stopping.is_set():
                    self._turn()
            finally:
                self._session.stop()
                self._store.close()

    def _turn(self) -> None:
        messages, deliveries = self._gather()
        if not messages:
            self._vitals.idle()
        elif outcome := self._commit(deliveries):
            self._send(outcome.receipts)
            for message in messages:
                self._session.acknowledge(message)
        self._vitals.turn()

    def _gather(self) -> tuple[list[Message], list[Delivery]]:
        """Return the messages of one commit: what came within GATHER_S after the first, or enough of it."""
        messages: list[Message] = []
        deliveries: list[Delivery] = []
        readings = 0
        deadline = time.monotonic() + TURN_S
        while readings < COMMIT_READINGS and len(messages) < RECEIVE_MAXIMUM:
            if (left := deadline - time.monotonic()) <= 0:
                break
            event = self._session.next(left)
            if isinstance(event, Connected):
                self._vitals.tell()
            if not isinstance(event, Message):
                continue
            if event.topic == self._status:
                self._assert_presence(event.payload)
                continue
            if not messages:
                deadline = time.monotonic() + GATHER_S
            messages.append(event)
            deliveries.append(self._open(event))
            readings += len(deliveries[-1].readings)
        return messages, deliveries

    def _open(self, message: Message) -> Delivery:
        delivery = open_delivery(self._site, message.topic, message.payload, message.properties, self._vitals.now())
        self._vitals.arrived(delivery)
        return delivery

    def _assert_presence(self, status: bytes) -> None:
        """Contradict who says that we are gone: the will of an earlier process, or of another copy of our name."""
        if status != ONLINE:
            try:
                self._session.publish(self._status, ONLINE, qos=1, retain=True)
            except NotConnectedError:
                return  # the next connection says so

    def _commit(self, deliveries: Sequence[Delivery]) -> Outcome | None:
        """Store the deliveries, however long it takes; None when stopped before."""
        wait, paused = BACKOFF_S[0], False
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                outcome = self._store.commit(deliveries)
            except AwayError as error:
                log.warning("database_away", reason=error, retry_s=wait)
                self._vitals.away(str(error))
            else:
                self._vitals.committed(deliveries, outcome, time.monotonic() - began)
                if paused:
                    self._session.resume()
                return outcome
            if self._stopping.wait(wait):
                break
            if not paused and wait > BACKOFF_S[0]:
                paused = True
                self._session.pause()
            self._vitals.turn(away=True)
            wait = min(wait * 2, BACKOFF_S[1])
        return None

    def _send(self, receipts: Mapping[str, Sequence[Receipt]]) -> None:
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
                if version and version >= needed:
                    self._vitals.compare_clocks()
                    return
            except AwayError as error:
                log.warning("database_away", reason=error)
            else:
                log.info("waiting_for_migration", version=version, needed=needed)
            self._stopping.wait(1.0)
