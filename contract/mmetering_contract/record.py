"""The record: batches of readings on their way to the database, and the receipts for them.

A reading stays in the gateway's spool until a receipt names it. Batches carry epoch and seqs as MQTT 5
user properties too, so that even a batch that cannot be decoded has an identity to be refused by.
"""

import re
from collections.abc import Iterable
from itertools import pairwise

import msgspec

from mmetering_contract.errors import PayloadError
from mmetering_contract.payload import SEQ_MAX, Epoch, Seq, Slug, Text, decoder_of
from mmetering_contract.reading import Reading

BATCH_READINGS = 200  # at most, in one batch
BATCH_BYTES = 65_536  # at most, as JSON
PROPERTY_EPOCH = "epoch"
PROPERTY_SEQS = "seqs"

Range = tuple[Seq, Seq]  # first and last, both included

_RANGES = re.compile(r"[0-9]{1,19}-[0-9]{1,19}(,[0-9]{1,19}-[0-9]{1,19})*")
_EPOCH = re.compile(r"[0-9a-f]{8,32}")


class Device(msgspec.Struct, frozen=True, omit_defaults=True):
    """A physical meter: its model and, where it was read, its serial number."""

    model: Text
    serial: Text | None = None


class Batch(msgspec.Struct, frozen=True, omit_defaults=True):
    """Readings of one spool and the devices that they came from, by meter slug.

    `dropped` are seqs that will never come: the spool was full. They are repeated until a receipt names them.
    """

    epoch: Epoch
    meters: dict[Slug, Device]
    readings: tuple[Reading, ...]
    dropped: tuple[Range, ...] = ()

    def __post_init__(self) -> None:
        check_ranges(self.dropped)
        unknown = {reading.meter for reading in self.readings} - self.meters.keys()
        if unknown:
            raise ValueError(f"`meters` lacks {', '.join(sorted(unknown))}")


class PackedBatch(msgspec.Struct, omit_defaults=True):
    """A `Batch` on its way out, whose readings are JSON already."""

    epoch: str
    meters: dict[str, Device]
    readings: list[msgspec.Raw]
    dropped: tuple[Range, ...] = ()


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of one spool is committed, what was refused for good, what is known to be dropped. Ranges ascend."""

    epoch: Epoch
    stored: tuple[Range, ...] = ()
    rejected: tuple[Range, ...] = ()
    dropped: tuple[Range, ...] = ()

    def __post_init__(self) -> None:
        check_ranges(self.stored)
        check_ranges(self.rejected)
        check_ranges(self.dropped)


decode_batch = decoder_of(Batch)
decode_receipt = decoder_of(Receipt)


def ranges_of(seqs: Iterable[int]) -> tuple[Range, ...]:
    """Return the fewest ascending ranges that hold exactly these seqs."""
    ordered = sorted(set(seqs))
    if not ordered:
        return ()
    breaks = [(a, b) for a, b in pairwise(ordered) if b != a + 1]
    firsts = [ordered[0], *(b for _, b in breaks)]
    lasts = [*(a for a, _ in breaks), ordered[-1]]
    return tuple(zip(firsts, lasts, strict=True))


def union(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Return the fewest ascending ranges that hold what these hold, which may overlap and stand in any order."""
    merged: list[Range] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return tuple(merged)


def identity_of(epoch: str, seqs: Iterable[int]) -> tuple[tuple[str, str], ...]:
    """Return the user properties that name a batch from outside its payload."""
    ranges = ",".join(f"{first}-{last}" for first, last in ranges_of(seqs))
    return ((PROPERTY_EPOCH, epoch), (PROPERTY_SEQS, ranges))


def read_identity(properties: Iterable[tuple[str, str]]) -> tuple[str, tuple[Range, ...]]:
    """Return epoch and ranges of a batch from its user properties.

    Raises:
        PayloadError: they are missing or malformed.
    """
    known = dict(properties)
    epoch, text = known.get(PROPERTY_EPOCH, ""), known.get(PROPERTY_SEQS, "")
    if not _EPOCH.fullmatch(epoch) or not _RANGES.fullmatch(text):
        raise PayloadError(f"user properties name no readings: epoch {epoch!r}, seqs {text!r}")
    pairs = (part.split("-") for part in text.split(","))
    ranges = tuple((int(first), int(last)) for first, last in pairs)
    try:
        check_ranges(ranges)
    except ValueError as error:
        raise PayloadError(str(error)) from None
    return epoch, ranges


def check_ranges(ranges: Iterable[Range]) -> None:
    """Refuse ranges that do not ascend.

    Raises:
        ValueError: with the first such range.
    """
    end = 0
    for first, last in ranges:
        if not end < first <= last <= SEQ_MAX:
            raise ValueError(f"{first}-{last} is no range of seqs, or does not lie behind {end}")
        end = last
