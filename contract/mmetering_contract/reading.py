"""A reading: what one meter said in one scan group at one instant.

Its identity is (gateway, epoch, seq): the gateway is in the topic, which the broker's ACL binds to
the login; seq counts within the gateway's spool, and epoch was made with the spool's file.
"""

import re
from collections.abc import Iterable
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Annotated, Literal

import msgspec

from mmetering_contract.payload import NAME, Epoch, Name, Seq, Slug, decoder_of
from mmetering_contract.quantity import BY_NAME, QUANTITIES

INT64 = 2**63
WHOLE = frozenset(quantity.name for quantity in QUANTITIES if quantity.whole)

# The largest float32: more cannot come from a meter's register, and would not fit a column of type real.
MAGNITUDE = 3.4028234663852886e38

Instant = Annotated[datetime, msgspec.Meta(tz=True)]

_NAME = re.compile(NAME)


class Reading(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """One reading.

    Attributes:
        meter: slug of the meter.
        ts: when the meter's reply arrived, with its zone; sent as UTC in milliseconds.
        seq: number in the gateway's spool, counted from 1.
        group: scan group.
        values: quantity name to value in the quantity's unit; counters are integers. What could not be read is absent.
        span_ms: milliseconds from the first request to the last reply of this reading.
        quality: `suspect` where a value is not to be trusted without a look.
        suspect: the names of those values.
        missing: the names of the values that could not be read.
        clock_synced: False where `ts` was never better than a guess.
    """

    meter: Slug
    ts: Instant
    seq: Seq
    group: Slug
    values: dict[str, int | float]  # not Name: a pattern for each of many keys costs more than all the rest
    span_ms: Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
    quality: Literal["good", "suspect"]
    suspect: tuple[Name, ...] = ()
    missing: tuple[Name, ...] = ()
    clock_synced: bool = True

    def __post_init__(self) -> None:
        if not MINYEAR < self.ts.year < MAXYEAR:
            raise ValueError(f"{self.ts} cannot be told in every zone")
        if not self.values.keys() <= BY_NAME.keys():
            _check_names(self.values)
        for name, value in self.values.items():
            if name in WHOLE and (type(value) is not int or not -INT64 <= value < INT64):
                raise ValueError(f"{name} is counted in whole {BY_NAME[name].unit}, and {value!r} is not")
            if not abs(value) <= MAGNITUDE:  # so that NaN fails too
                raise ValueError(f"{name} of {value!r} is beyond every meter")


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        if not _NAME.match(name):
            raise ValueError(f"key {name!r} in `$.values` is no name of a quantity")


class LiveReading(Reading, frozen=True, omit_defaults=True):
    """A reading on its own retained topic, where no batch around it tells the epoch."""

    epoch: Epoch


decode_live = decoder_of(LiveReading)


def live_of(reading: Reading, epoch: str) -> LiveReading:
    """Return the reading as it goes onto its live topic."""
    return LiveReading(**msgspec.structs.asdict(reading), epoch=epoch)
