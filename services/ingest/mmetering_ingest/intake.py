"""What a batch message brings: readings to store, and what must be refused for good, with its reason. Pure.

A batch with one bad reading loses that reading only. A batch that cannot be read at all still has an identity in
its user properties, so that its gateway learns that it was refused.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec
from mmetering_contract.errors import ContractError, MalformedError, PayloadError
from mmetering_contract.payload import Epoch, Seq, Slug, decoder_of
from mmetering_contract.reading import Reading
from mmetering_contract.record import BATCH_BYTES, Device, Range, check_ranges, read_identity
from mmetering_contract.topic import ROOT, Site, gateway_of

from mmetering_ingest.newer import decode_newer, decode_plain_batch
from mmetering_ingest.refusal import Kind, Refusal, refuse

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
OVERSIZE = 4 * BATCH_BYTES  # as much as our broker lets pass; nobody who keeps to the contract comes near it

_NOT_A_NUMBER = re.compile(rb"[:,\[]\s*[-+]?(NaN|Infinity)\b")


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """One message, taken apart. Gateway and epoch are empty where the message does not tell them.

    Attributes:
        newest: the newest time in it that its gateway's clock is sure of, also of what is refused; None without any.
    """

    topic: str
    gateway: str = ""
    epoch: str = ""
    devices: Mapping[str, Device] = field(default_factory=dict)
    readings: tuple[Reading, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    dropped: tuple[Range, ...] = ()
    newest: datetime | None = None


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
        gateway = _sender(site, topic)
    except ContractError as error:
        return Delivery(topic, refusals=(Refusal(_kind_of_topic(site, topic), payload, str(error)),))
    whole = Delivery(topic, gateway)
    if len(payload) > OVERSIZE:
        return _refused_whole(whole, payload, properties, Kind.OVERSIZE, f"{len(payload)} bytes")
    try:
        batch = decode_plain_batch(payload)
    except PayloadError as error:
        try:
            return _checked(_salvage(whole, payload), now)
        except PayloadError:
            return _refused_whole(whole, payload, properties, _kind_of_payload(error, payload), str(error))
    delivery = Delivery(topic, gateway, batch.epoch, batch.meters, batch.readings, dropped=batch.dropped)
    return _checked(delivery, now)


def _sender(site: Site, topic: str) -> str:
    """Return the gateway whose batch it is.

    Raises:
        ContractError: it is none of this site's.
    """
    gateway = gateway_of(site, topic)
    if topic != site.batch(gateway):
        raise ContractError(f"{topic!r} is no topic of batches")
    return gateway


def _kind_of_topic(site: Site, topic: str) -> Kind:
    is_elsewhere = topic.startswith(f"{ROOT}/") and not topic.startswith(f"{ROOT}/{site.slug}/")
    return Kind.WRONG_SITE if is_elsewhere else Kind.FOREIGN_TOPIC


def _kind_of_payload(error: PayloadError, payload: bytes) -> Kind:
    if "out of range" in str(error) or _NOT_A_NUMBER.search(payload):
        return Kind.NOT_A_NUMBER
    return Kind.MALFORMED if isinstance(error, MalformedError) else Kind.WRONG_TYPE


def _checked(delivery: Delivery, now: datetime) -> Delivery:
    """Return the delivery with its newest time, and with readings of impossible times refused."""
    times = [reading.ts for reading in delivery.readings]
    if not times:
        return delivery
    newest = max((reading.ts for reading in delivery.readings if reading.clock_synced), default=None)
    delivery = replace(delivery, newest=newest)
    latest = now + AHEAD
    if min(times) >= EARLIEST and max(times) <= latest:
        return delivery
    good = tuple(reading for reading in delivery.readings if EARLIEST <= reading.ts <= latest)
    bad = (reading for reading in delivery.readings if not EARLIEST <= reading.ts <= latest)
    refusals = (_refuse_time(reading, now) for reading in bad)
    return replace(delivery, readings=good, refusals=(*delivery.refusals, *refusals))


def _refuse_time(reading: Reading, now: datetime) -> Refusal:
    if reading.ts < EARLIEST:
        return refuse(Kind.TOO_OLD, reading, f"ts {reading.ts} is before 2000")
    return refuse(Kind.IN_FUTURE, reading, f"ts {reading.ts} is more than a day after {now}")


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
_decode_number = decoder_of(_Numbered)


def _salvage(whole: Delivery, payload: bytes) -> Delivery:
    """Return the good readings of a batch that is not all good and known, and the others refused.

    Raises:
        PayloadError: its readings cannot be told apart.
    """
    envelope = _decode_envelope(payload)
    results = [_reading(bytes(raw), envelope.meters) for raw in envelope.readings]
    return Delivery(
        whole.topic,
        whole.gateway,
        envelope.epoch,
        envelope.meters,
        tuple(result for result in results if isinstance(result, Reading)),
        tuple(result for result in results if isinstance(result, Refusal)),
        envelope.dropped,
    )


def _reading(payload: bytes, devices: Mapping[str, Device]) -> Reading | Refusal:
    """Return the reading, or its refusal when at least its seq can be read.

    Raises:
        PayloadError: not even that.
    """
    try:
        reading = decode_newer(payload)
    except PayloadError as error:
        seq = _decode_number(payload).seq
        return Refusal(_kind_of_payload(error, payload), payload, str(error), ((seq, seq),))
    if reading.meter in devices:
        return reading
    return refuse(Kind.UNDESCRIBED_METER, reading, f"`meters` lacks {reading.meter}")


def _refused_whole(
    whole: Delivery, payload: bytes, properties: Sequence[tuple[str, str]], kind: Kind, reason: str
) -> Delivery:
    try:
        epoch, seqs = read_identity(properties)
    except PayloadError:
        return replace(whole, refusals=(Refusal(kind, payload, reason),))
    return replace(whole, epoch=epoch, refusals=(Refusal(kind, payload, reason, seqs),))
