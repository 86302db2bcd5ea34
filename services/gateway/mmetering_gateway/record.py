"""The record: from the spool in batches to the broker, again and again until a receipt names every reading.

The newest readings go before the oldest, in turns: a long outage does not delay the present.
"""

import msgspec
from mmetering_contract.errors import PayloadError
from mmetering_contract.payload import encode
from mmetering_contract.record import (
    BATCH_BYTES,
    BATCH_READINGS,
    Device,
    Range,
    decode_receipt,
    identity_of,
    ranges_of,
)
from mmetering_contract.topic import Site
from mmetering_runtime.event import Published
from mmetering_runtime.log import Log
from mmetering_runtime.mqtt import NotConnectedError, Session

from mmetering_gateway.outbox import Outbox
from mmetering_gateway.spool import Spool

GATHER_S = 1.0  # so long readings wait for company, unless they fill a batch
DROPPED_RANGES = 100  # at most, in one batch
ENVELOPE_BYTES = 12_288  # of a batch, at most, besides the readings: 200 devices and 100 ranges at 40 bytes

log = Log("gateway.record")


class _Batch(msgspec.Struct, omit_defaults=True):
    """A contract's `Batch` whose readings are JSON already."""

    epoch: str
    meters: dict[str, Device]
    readings: list[msgspec.Raw]
    dropped: tuple[Range, ...] = ()


class Record:
    """The way of one spool's readings to ingest. For one thread; `now` is a steady clock's, in seconds."""

    def __init__(self, session: Session, site: Site, gateway: str, spool: Spool) -> None:
        """Send over this session, which must subscribe to the receipts."""
        self._session = session
        self._topic = site.batch(gateway)
        self._spool = spool
        self._newest_first = True
        self._filled_at = 0.0
        self.outbox = Outbox()

    def receipt(self, payload: bytes) -> None:
        """Take a receipt; a malformed one is logged and forgotten, and the readings are sent again."""
        try:
            receipt = decode_receipt(payload)
        except PayloadError as error:
            log.error("receipt_malformed", reason=error)
            return
        if receipt.epoch == self._spool.epoch:
            self._spool.settle(receipt)
            self.outbox.settle((*receipt.stored, *receipt.rejected))
        if receipt.rejected:
            log.error("readings_rejected", ranges=receipt.rejected)

    def answered(self, published: Published, now: float) -> None:
        """Take the broker's answer to a publication."""
        if not self.outbox.answered(published.token, published.reason, now):
            log.error("batch_refused", topic=self._topic, reason=hex(published.reason))

    def send(self, now: float) -> bool:
        """Send what is due; return whether something was sent."""
        self._fill(now)
        sent = False
        for key, parcel in self.outbox.due(now):
            rows = self._spool.payloads(parcel.seqs)
            self.outbox.settle(ranges_of(parcel.seqs - {seq for seq, _, _ in rows}))  # given up by a full spool
            if not rows:
                continue
            try:
                token = self._publish(rows)
            except NotConnectedError:
                return sent
            self.outbox.sent(key, token, now)
            sent = True
        return sent

    def _fill(self, now: float) -> None:
        """Make new parcels, until the outbox is full or all open readings are under way."""
        ripe = now - self._filled_at >= GATHER_S
        while chosen := self._choose():
            seqs = self._that_fit(chosen)
            if seqs == chosen and len(seqs) < BATCH_READINGS and not ripe:
                return
            self.outbox.add(seqs, now)
            self._filled_at = now
            self._newest_first = not self._newest_first

    def _choose(self) -> frozenset[int]:
        return self.outbox.choose(self._spool.open_seqs(self.outbox.look_back(), newest=self._newest_first))

    def _that_fit(self, seqs: frozenset[int]) -> frozenset[int]:
        """Return as many of the seqs, the oldest first, as one batch can hold."""
        room = BATCH_BYTES - ENVELOPE_BYTES
        fitting = []
        for seq, _, payload in self._spool.payloads(seqs):
            room -= len(payload) + 1
            if room < 0:
                break
            fitting.append(seq)
        return frozenset(fitting)

    def _publish(self, rows: list[tuple[int, str, bytes]]) -> tuple[int, int]:
        devices = self._spool.devices()
        batch = _Batch(
            epoch=self._spool.epoch,
            meters={meter: devices[meter] for meter in sorted({meter for _, meter, _ in rows})},
            readings=[msgspec.Raw(payload) for _, _, payload in rows],
            dropped=self._spool.dropped(DROPPED_RANGES),
        )
        properties = identity_of(self._spool.epoch, [seq for seq, _, _ in rows])
        return self._session.publish(self._topic, encode(batch), qos=1, properties=properties)
