"""What a batch message brings: readings to store, and what must be refused for good, with its reason. Pure.

A batch with one bad reading loses that reading only. A batch that cannot be read at all still has an identity in
its user properties, so that its gateway learns that it was refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec
from mmetering_contract.errors import ContractError, PayloadError
from mmetering_contract.payload import Epoch, Seq, Slug, decoder_of
from mmetering_contract.reading import Reading
from mmetering_contract.record import Device, Range, check_ranges, decode_batch, read_identity
from mmetering_contract.topic import Site, gateway_of

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What cannot be stored: as it came, why, and the seqs that it stands for; none where nothing tells them."""

    payload: bytes
    reason: str
    seqs: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message, taken apart. Gateway and epoch are empty where the message does not tell them."""

    topic: str
    gateway: str = ""
    epoch: str = ""
    devices: Mapping[str, Device] = field(default_factory=dict)
    readings: tuple[Reading, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    dropped: tuple[Range, ...] = ()


def open_delivery(
    site: Site, topic: str, payload: bytes, properties: Sequence[tuple[str, str]], now: datetime
) -> Delivery:
    """Take a batch message apart.

    Args:
        site: ours.
        topic, payload, properties: the message with its user properties.
        now: the time of its arrival, UTC; readings of before 2000 or more than a day after it are refused.
    """
    try:
        gateway = gateway_of(site, topic)
    except ContractError as error:
        return Delivery(topic, refusals=(Refusal(payload, str(error)),))
    try:
        batch = decode_batch(payload)
    except PayloadError as error:
        whole = Delivery(topic, gateway)
        try:
            return _salvage(whole, payload, now)
        except PayloadError:
            return _refused_whole(whole, payload, properties, str(error))
    delivery = Delivery(topic, gateway, batch.epoch, batch.meters, batch.readings, dropped=batch.dropped)
    return _checked(delivery, now)


def _checked(delivery: Delivery, now: datetime) -> Delivery:
    latest = now + AHEAD
    if all(EARLIEST <= reading.ts <= latest for reading in delivery.readings):
        return delivery
    good = tuple(reading for reading in delivery.readings if EARLIEST <= reading.ts <= latest)
    bad = (reading for reading in delivery.readings if not EARLIEST <= reading.ts <= latest)
    refusals = (refuse(reading, f"ts {reading.ts} cannot be true") for reading in bad)
    return replace(delivery, readings=good, refusals=(*delivery.refusals, *refusals))


def refuse(reading: Reading, reason: str) -> Refusal:
    """Return the refusal of one reading."""
    return Refusal(msgspec.json.encode(reading), reason, ((reading.seq, reading.seq),))


class _Envelope(msgspec.Struct):
    epoch: Epoch
    meters: dict[Slug, Device]
    readings: list[msgspec.Raw]
    dropped: tuple[Range, ...] = ()

    def __post_init__(self) -> None:
        check_ranges(self.dropped)


class _Numbered(msgspec.Struct):
    seq: Seq


_decode_envelope = decoder_of(_Envelope)
_decode_reading = decoder_of(Reading)
_decode_number = decoder_of(_Numbered)


def _salvage(whole: Delivery, payload: bytes, now: datetime) -> Delivery:
    """Return the good readings of a batch that is not all good, and the others refused.

    Raises:
        PayloadError: its readings cannot be told apart.
    """
    envelope = _decode_envelope(payload)
    results = [_reading(bytes(raw), envelope.meters) for raw in envelope.readings]
    delivery = Delivery(
        whole.topic,
        whole.gateway,
        envelope.epoch,
        envelope.meters,
        tuple(result for result in results if isinstance(result, Reading)),
        tuple(result for result in results if isinstance(result, Refusal)),
        envelope.dropped,
    )
    return _checked(delivery, now)


def _reading(payload: bytes, devices: Mapping[str, Device]) -> Reading | Refusal:
    """Return the reading, or its refusal when at least its seq can be read.

    Raises:
        PayloadError: not even that.
    """
    try:
        reading = _decode_reading(payload)
    except PayloadError as error:
        seq = _decode_number(payload).seq
        return Refusal(payload, str(error), ((seq, seq),))
    return reading if reading.meter in devices else refuse(reading, f"`meters` lacks {reading.meter}")


def _refused_whole(whole: Delivery, payload: bytes, properties: Sequence[tuple[str, str]], reason: str) -> Delivery:
    try:
        epoch, seqs = read_identity(properties)
    except PayloadError:
        return replace(whole, refusals=(Refusal(payload, reason),))
    return replace(whole, epoch=epoch, refusals=(Refusal(payload, reason, seqs),))
