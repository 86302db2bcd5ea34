"""Who listens at the broker in place of ingest: it counts what comes, and gives a receipt for each batch at once."""

import threading
from collections import Counter
from types import TracebackType
from typing import Self

from mmetering_contract.payload import encode
from mmetering_contract.record import Receipt, read_identity
from mmetering_contract.state import GatewayHealth, decode_gateway_health
from mmetering_contract.topic import Site, gateway_of
from mmetering_runtime.config import Broker
from mmetering_runtime.event import Message
from mmetering_runtime.mqtt import Session, Subscription

SITE = Site("home")


class Listener:
    """A connection to the broker, from entering the context until leaving it.

    Attributes:
        seen: messages by topic.
        recorded: readings by gateway that came in batches.
        health: the newest of each gateway.
    """

    def __init__(self, port: int) -> None:
        """Listen to everything on the broker at a port of 127.0.0.1."""
        broker = Broker(SITE, "127.0.0.1", port, "listener", "")
        self._session = Session(broker, "benchmark-listener", subscriptions=(Subscription("#", 1),))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener")
        self.seen: Counter[str] = Counter()
        self.recorded: Counter[str] = Counter()
        self.health: dict[str, GatewayHealth] = {}

    def __enter__(self) -> Self:
        self._session.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._session.stop()

    def count(self, part: str, *without: str) -> int:
        """Return how many messages came on topics with this part and none of the others."""
        seen = self.seen.copy()
        return sum(n for topic, n in seen.items() if part in topic and not any(other in topic for other in without))

    def _run(self) -> None:
        while not self._stopping.is_set():
            event = self._session.next(0.1)
            if isinstance(event, Message) and not event.retained:
                self._take(event)

    def _take(self, message: Message) -> None:
        self.seen[message.topic] += 1
        if message.topic.endswith("/batch"):
            gateway = gateway_of(SITE, message.topic)
            epoch, ranges = read_identity(message.properties)
            self.recorded[gateway] += sum(last - first + 1 for first, last in ranges)
            self._session.publish(SITE.receipt(gateway), encode(Receipt(epoch, stored=ranges)), qos=1)
        elif message.topic.endswith("/health"):
            self.health[gateway_of(SITE, message.topic)] = decode_gateway_health(message.payload)
