"""An incident as the alerter publishes it, retained: one failure with one cause, from its begin to its end."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from mmetering_contract.payload import Slug, decoder_of

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Cause = Literal["meter", "bus", "gateway", "clock", "ingest", "broker"]


class Incident(msgspec.Struct, frozen=True, omit_defaults=True):
    """One failure.

    Attributes:
        id: slug, also its topic's last level.
        revision: counts up with every change, from 1.
        cause: what failed: a meter, a bus with all its meters, a gateway, a gateway's clock, all copies of ingest, or
            the broker.
        gateway: where; None for ingest and the broker.
        subject: slug of the meter or bus; None for all else.
        since: since when it has failed, UTC.
        meters: slugs of the meters that are silent because of it, in order.
        resolved: when it ended, UTC; None while it lasts.
        mailed: the revision that noted the last mail; 0 before the first.
        clock_offset_s: how far the gateway's clock was ahead when this began, negative: behind; None for all else.
    """

    id: Slug
    revision: Annotated[int, msgspec.Meta(ge=1, lt=2**31)]
    cause: Cause
    since: Instant
    gateway: Slug | None = None
    subject: Slug | None = None
    meters: tuple[Slug, ...] = ()
    resolved: Instant | None = None
    mailed: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0
    clock_offset_s: float | None = None


decode_incident = decoder_of(Incident)
