"""What an open page is told each second: the whole at first, then what has changed. Pure."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from mmetering_contract.incident import Incident

from mmetering_web.building import Building
from mmetering_web.tile import Detail, Tile, detail_changes, milliseconds


class WrongClock(msgspec.Struct, frozen=True):
    """A gateway whose clock is wrong, since when, and how many seconds it is ahead."""

    gateway: str
    since: int
    ahead_s: float


class Frame(msgspec.Struct, frozen=True):
    """One message to the browser.

    Attributes:
        now: the server's time; ages are counted against it, not against the browser's clock.
        broker_since: since when the broker is away, None while it is there.
        database_since: the same of the database.
        layout: mark of the meters' names and groups.
        building: the sums.
        meters: tiles by slug; those that have not changed since the last frame are left out.
        detail: the meter of a page that shows one, likewise without what has not changed; None where nothing is known.
        late_since: since when no reading is stored, None while all are.
        clocks: the gateways' clocks that are wrong, the oldest failure first.
    """

    now: int
    broker_since: int | None
    database_since: int | None
    layout: str
    building: Building | None = None
    meters: Mapping[str, Tile] | msgspec.UnsetType = msgspec.UNSET
    detail: Detail | None = None
    late_since: int | None = None
    clocks: tuple[WrongClock, ...] = ()


def since(instant: datetime | None) -> int | None:
    """Return an instant as the browser wants it."""
    return milliseconds(instant) if instant else None


def wrong_clock(incident: Incident) -> WrongClock:
    """Return what the browser is told of a clock."""
    return WrongClock(incident.gateway or "", milliseconds(incident.since), incident.clock_offset_s or 0)


def changes(before: Frame | None, after: Frame) -> Frame | None:
    """Return what to send, None when nothing but the time has changed."""
    if before is None:
        return after
    if msgspec.structs.replace(before, now=after.now) == after:
        return None
    if before.detail and after.detail:
        return msgspec.structs.replace(after, detail=detail_changes(before.detail, after.detail))
    if after.meters is msgspec.UNSET or before.meters is msgspec.UNSET:
        return after
    changed = {slug: tile for slug, tile in after.meters.items() if before.meters.get(slug) != tile}
    return msgspec.structs.replace(after, meters=changed)
