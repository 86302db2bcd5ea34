"""What cannot be stored, and why: one kind for each way of being bad. Pure.

A kind is for counting, a reason for reading. The table `rejected` knows these kinds, too (migration 0003).
"""

from dataclasses import dataclass
from enum import StrEnum

import msgspec
from mmetering_contract.reading import Reading
from mmetering_contract.record import Range


class Kind(StrEnum):
    """Why a message or a reading is refused for good."""

    FOREIGN_TOPIC = "foreign-topic"  # no gateway's batch
    WRONG_SITE = "wrong-site"  # another site's
    OVERSIZE = "oversize"
    MALFORMED = "malformed"  # no JSON
    NOT_A_NUMBER = "not-a-number"  # NaN, infinity, or what no float can hold
    WRONG_TYPE = "wrong-type"  # a key is missing, or its value is none that the contract allows
    UNDESCRIBED_METER = "undescribed-meter"  # its batch does not say what it is
    TOO_OLD = "too-old"  # from before there were such meters
    IN_FUTURE = "in-future"
    OTHER_GATEWAY = "other-gateway"  # the meter belongs to another one
    DATABASE = "database"  # refused by the database for its content


@dataclass(frozen=True, slots=True)
class Refusal:
    """What cannot be stored: as it came, why, and the seqs that it stands for; none where nothing tells them."""

    kind: Kind
    payload: bytes
    reason: str
    seqs: tuple[Range, ...] = ()


def refuse(kind: Kind, reading: Reading, reason: str) -> Refusal:
    """Return the refusal of one reading."""
    return Refusal(kind, msgspec.json.encode(reading), reason, ((reading.seq, reading.seq),))
