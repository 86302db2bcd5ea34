"""Readings and deliveries for the tests of ingest."""

from datetime import UTC, datetime, timedelta

from mmetering_contract.payload import encode
from mmetering_contract.reading import Reading
from mmetering_contract.record import Batch, Device, identity_of
from mmetering_ingest.intake import Delivery

EPOCH = "0123456789abcdef"
T0 = datetime(2026, 11, 23, 2, 45, tzinfo=UTC)
SDM630 = Device("sdm630", "23040107")


def reading(seq: int, *, meter: str = "flat-07", ts: datetime | None = None, **values: float) -> Reading:
    """Return a reading; without `ts`, ten seconds after the one before it."""
    return Reading(
        meter=meter,
        ts=ts or T0 + timedelta(seconds=10 * seq),
        seq=seq,
        group="live",
        values=values or {"power_total": 371.5, "energy_import": 1000 + seq},
        span_ms=146,
        quality="good",
    )


def delivery(*readings: Reading, gateway: str = "main", epoch: str = EPOCH) -> Delivery:
    """Return readings as a message brought them."""
    topic = f"mmetering/v1/home/gateway/{gateway}/batch"
    return Delivery(topic, gateway, epoch, {r.meter: SDM630 for r in readings}, readings)


def batch(*readings: Reading, epoch: str = EPOCH) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """Return payload and user properties of a batch."""
    payload = encode(Batch(epoch, {r.meter: SDM630 for r in readings}, readings))
    return payload, identity_of(epoch, [r.seq for r in readings])
