"""The thread that feeds the live state from the broker, and publishes the labels of the meters."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime

from mmetering_contract.errors import ContractError
from mmetering_contract.label import Label
from mmetering_contract.payload import encode
from mmetering_contract.state import OFFLINE, ONLINE
from mmetering_runtime.config import Broker
from mmetering_runtime.event import Connected, Disconnected, Message
from mmetering_runtime.log import Log
from mmetering_runtime.mqtt import NotConnectedError, Presence, Session, SessionDeadError, Subscription

from mmetering_web.live import Live

LOGGED_TOPICS = 1000  # a bad message is logged once for each of so many topics

log = Log("web.mqtt")


class Feed:
    """The broker's side of the web. `away_since` is None while the connection stands."""

    def __init__(self, broker: Broker, copy: str, live: Live) -> None:
        """Prepare to feed `live`; `start` connects."""
        site = broker.site
        topics = (
            site.gateway_status(),
            site.meter_status(),
            site.meter_info(),
            site.live(),
            site.label(),
            site.alert(),
        )
        status = site.service_status("web", copy)
        self._site = site
        self._live = live
        self._session = Session(
            broker,
            f"mmetering-web-{copy}",
            subscriptions=[Subscription(topic, 1) for topic in topics],
            presence=Presence(status, ONLINE, OFFLINE),
        )
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._stopping = threading.Event()
        self._logged: set[str] = set()
        self.rejected = 0
        self.away_since: datetime | None = None

    def start(self) -> None:
        """Connect, and go on for as long as the process lives."""
        self.away_since = datetime.now(UTC)
        self._session.start()
        self._thread.start()

    def stop(self) -> None:
        """Disconnect."""
        self._stopping.set()
        self._session.stop()
        if self._thread.ident:
            self._thread.join(timeout=10)

    @property
    def is_alive(self) -> bool:
        """Whether the thread still does its work."""
        return self._thread.is_alive()

    def publish_labels(self, changes: Mapping[str, Label | None]) -> None:
        """Publish labels, retained; None takes a label back. Without a connection nothing happens."""
        try:
            for meter, label in changes.items():
                self._session.publish(self._site.label(meter), encode(label) if label else b"", qos=1, retain=True)
        except NotConnectedError:
            return

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._turn()
        except SessionDeadError:
            log.error("mqtt_dead")

    def _turn(self) -> None:
        match self._session.next(timeout=1):
            case Connected():
                self._live.forget_retained()
                self.away_since = None
            case Disconnected():
                self.away_since = datetime.now(UTC)
            case Message() as message:
                self._take(message)

    def _take(self, message: Message) -> None:
        topic = message.topic
        try:
            self._live.apply(topic, message.payload, datetime.now(UTC), retained=message.retained)
        except ContractError as error:
            self.rejected += 1
            if topic not in self._logged and len(self._logged) < LOGGED_TOPICS:
                self._logged.add(topic)
                log.warning("message_rejected", topic=topic, reason=error)
