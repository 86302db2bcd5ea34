"""Parcels to the broker as batches of a gateway, again and again until a receipt of ingest names every reading."""

import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from mmetering_contract.errors import PayloadError
from mmetering_contract.record import decode_receipt, identity_of
from mmetering_contract.state import ONLINE
from mmetering_runtime.config import Broker
from mmetering_runtime.event import Connected, Event, Message, Published
from mmetering_runtime.log import Log
from mmetering_runtime.mqtt import NotConnectedError, Session, Subscription

from mmetering_importer.parcel import Parcel, Window

TICK_S = 0.2
REFUSED = 0x80  # MQTT 5.0, table 2-6: and above

log = Log("import")


class RefusedError(Exception):
    """The broker does not take batches of this login; only a person can mend it."""


class Sender:
    """A session that sends parcels. Use it as a context.

    Attributes:
        stored: readings that have a receipt.
        rejected: of those, how many ingest has refused.
        through: up to which seq everything has a receipt.
    """

    def __init__(self, broker: Broker, epoch: str, through: int) -> None:
        """Send as the gateway that has the login's name.

        Args:
            broker: where, and as whom.
            epoch: of the source.
            through: up to which seq everything has a receipt already.
        """
        self._topic = broker.site.batch(broker.username)
        self._receipts = broker.site.receipt(broker.username)
        self._epoch = epoch
        self._window = Window()
        self._last = through
        self.stored = self.rejected = 0
        self._session = Session(
            broker,
            client_id=f"mmetering-gateway-{broker.username}",
            subscriptions=(Subscription(self._receipts, 1), Subscription(broker.site.service_status("ingest"), 1)),
        )

    def __enter__(self) -> Self:
        self._session.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.stop()

    @property
    def through(self) -> int:
        """Up to which seq everything has a receipt."""
        oldest = self._window.oldest()
        return self._last if oldest is None else oldest - 1

    def send(self, parcels: Iterator[Parcel], tell: Callable[[], None]) -> None:
        """Send all parcels, which come in the order of their seqs; `tell` is called whenever something may have moved.

        Raises:
            RefusedError: the broker refuses them.
        """
        while self._fill(parcels):
            now = time.monotonic()
            self._post(now)
            event = self._session.next(TICK_S)
            while event:
                self._take(event, time.monotonic())
                event = self._session.next(0)
            tell()

    def _fill(self, parcels: Iterator[Parcel]) -> bool:
        """Take as many parcels as there is room for; return whether anything is left to do."""
        while not self._window.full and (parcel := next(parcels, None)):
            self._window.add(parcel, time.monotonic())
            self._last = parcel.seqs[-1]
        return len(self._window) > 0

    def _post(self, now: float) -> None:
        for parcel in self._window.due(now):
            properties = identity_of(self._epoch, parcel.seqs)
            try:
                token = self._session.publish(self._topic, parcel.payload, qos=1, properties=properties)
            except NotConnectedError:
                return
            self._window.sent(parcel, token, now)

    def _take(self, event: Event, now: float) -> None:
        match event:
            case Connected():
                self._window.hurry(now)
            case Published(token, reason) if reason < REFUSED:
                self._window.answered(token, reason, now)
            case Published(_, reason):
                raise RefusedError(f"the broker refuses what is sent to {self._topic} (reason {reason:#x})")
            case Message(topic, payload) if topic == self._receipts:
                self._settle(payload)
            case Message(payload=payload) if payload == ONLINE:
                self._window.hurry(now)  # an ingest has come

    def _settle(self, payload: bytes) -> None:
        try:
            receipt = decode_receipt(payload)
        except PayloadError as error:
            log.error("receipt_malformed", reason=error)
            return
        if receipt.epoch == self._epoch:
            self.stored += self._window.settle(receipt.stored)
            self.rejected += self._window.settle(receipt.rejected)
