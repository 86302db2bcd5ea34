"""The record: from the spool in batches to the broker, again and again until a receipt names every reading.

The newest readings go before the oldest, in turns: a long outage does not delay the present.
"""

import math

import msgspec
from mmetering_contract.errors import PayloadError
from mmetering_contract.payload import encode
from mmetering_contract.record import (
    BATCH_BYTES,
    BATCH_READINGS,
    PackedBatch,
    decode_receipt,
    identity_of,
    ranges_of,
)
from mmetering_contract.topic import Site
from mmetering_runtime.event import Published
from mmetering_runtime.log import Log
from mmetering_runtime.mqtt import NotConnectedError, Session

from mmetering_gateway.publish.outbox import Outbox
from mmetering_gateway.spool.spool import Spool

GATHER_S = 1.0  # so long fewer readings than a batch holds wait for company
LOOK_S = 0.1  # at least, between two looks for new readings, unless a receipt has made room
DROPPED_RANGES = 100  # at most, in one batch
ENVELOPE_BYTES = 12_288  # of a batch, at most, besides the readings: 200 devices and 100 ranges at 40 bytes

Row = tuple[int, str, bytes]  # seq, meter, reading as JSON

log = Log("gateway.record")


class Record:
    """The way of one spool's readings to ingest. For one thread; `now` is a steady clock's, in seconds."""

    def __init__(self, session: Session, site: Site, gateway: str, spool: Spool) -> None:
        """Send over this session, which must subscribe to the receipts."""
        self._session = session
        self._topic = site.batch(gateway)
        self._spool = spool
        self._newest_first = True
        self._filled_at = self._looked_at = -math.inf
        self._has_room = False  # since the last look: a receipt has made some
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
            self._has_room = True
        if receipt.rejected:
            log.error("readings_rejected", ranges=receipt.rejected)

    def answered(self, published: Published, now: float) -> None:
        """Take the broker's answer to a publication."""
        if not self.outbox.answered(published.token, published.reason, now):
            log.error("batch_refused", topic=self._topic, reason=hex(published.reason))

    def send(self, now: float) -> bool:
        """Send what is new, and what is due again; return whether something was sent."""
        if not self._session.connected:
            return False
        sent = self._send_new(now)
        for key, parcel in self.outbox.due(now):
            rows = self._spool.payloads(parcel.seqs)
            self.outbox.settle(ranges_of(parcel.seqs - {seq for seq, _, _ in rows}))  # given up by a full spool
            if not rows:
                continue
            if not self._post(key, rows, now):
                break
            sent = True
        return sent

    def _send_new(self, now: float) -> bool:
        """Make new parcels and send them, until the outbox is full or what is left can wait for company."""
        if not self._has_room and now - self._looked_at < LOOK_S:
            return False
        self._looked_at, self._has_room = now, False
        ripe = now - self._filled_at >= GATHER_S
        sent = False
        while (chosen := self._choose()) and (ripe or len(chosen) == BATCH_READINGS):
            rows = self._that_fit(chosen)
            if not rows:  # given up by a full spool
                break
            key = self.outbox.add(frozenset(seq for seq, _, _ in rows), now)
            self._filled_at = now
            self._newest_first = not self._newest_first
            if not self._post(key, rows, now):
                break
            sent = True
        return sent

    def _choose(self) -> frozenset[int]:
        if self.outbox.full:
            return frozenset()
        return self.outbox.choose(self._spool.open_seqs(self.outbox.look_back(), newest=self._newest_first))

    def _that_fit(self, seqs: frozenset[int]) -> list[Row]:
        """Return the rows of as many of the seqs, the oldest first, as one batch can hold."""
        room = BATCH_BYTES - ENVELOPE_BYTES
        fitting = []
        for row in self._spool.payloads(seqs):
            room -= len(row[2]) + 1
            if room < 0:
                break
            fitting.append(row)
        return fitting

    def _post(self, key: int, rows: list[Row], now: float) -> bool:
        """Hand a parcel to the broker; return False where there is no connection."""
        try:
            token = self._publish(rows)
        except NotConnectedError:
            return False
        self.outbox.sent(key, token, now)
        return True

    def _publish(self, rows: list[Row]) -> tuple[int, int]:
        devices = self._spool.devices()
        batch = PackedBatch(
            epoch=self._spool.epoch,
            meters={meter: devices[meter] for meter in sorted({meter for _, meter, _ in rows})},
            readings=[msgspec.Raw(payload) for _, _, payload in rows],
            dropped=self._spool.dropped(DROPPED_RANGES),
        )
        properties = identity_of(self._spool.epoch, [seq for seq, _, _ in rows])
        return self._session.publish(self._topic, encode(batch), qos=1, properties=properties)
