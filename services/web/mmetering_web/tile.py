"""What a page shows live of one meter, made of live state, its label and its counters at midnight.

Pure. Times are milliseconds since 1970.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
from mmetering_contract.label import Label
from mmetering_contract.quantity import QUANTITIES

from mmetering_web.live import Live, Meter, Value

LATE_INTERVALS = 3  # a value is late when so many readings have failed to come

State = Literal["online", "offline", "silent", "lost"]


class Tile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A meter on the dashboard.

    Attributes:
        state: `silent` while nothing has come from it since we listen, `lost` while we cannot listen.
        reason: why it is not online, in words.
        power: W; use and production are positive at their points.
        at: when the power was measured.
        late_at: from when on the power is late.
        today: Wh since the site's midnight.
    """

    state: State
    reason: str = ""
    power: float | None = None
    at: int | None = None
    late_at: int | None = None
    today: int | None = None


class Figure(msgspec.Struct, frozen=True, omit_defaults=True):
    """A quantity on the page of its meter."""

    value: float | None
    at: int
    late_at: int
    suspect: bool = False


class Detail(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that is known live of one meter; where it tells what has changed, a value that is gone is None."""

    tile: Tile
    gateway: str
    values: Mapping[str, Figure | None]
    last_seen: int | None = None
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None
    bus: str | None = None
    address: int | None = None


@dataclass(frozen=True, slots=True)
class Counters:
    """Import and export counter (Wh) of a meter at an instant."""

    energy_import: int | None
    energy_export: int | None


def milliseconds(instant: datetime) -> int:
    """Return the milliseconds since 1970."""
    return round(instant.timestamp() * 1000)


def tile_of(
    live: Live, meter: Meter | None, label: Label | None, midnight: Counters | None, *, lost: bool = False
) -> Tile:
    """Return the tile of a meter.

    Args:
        live: to ask about its gateway.
        meter: None when it was not heard of.
        label: its point, None where it has none.
        midnight: its counters at the site's last midnight, None when unknown.
        lost: whether the broker is away, so that no live value can come.
    """
    if meter is None:
        return Tile("lost" if lost else "silent", "" if lost else "nothing heard from it yet")
    state, reason = _state(live, meter, lost=lost)
    counter = label.counter if label else "import"
    power = meter.value("power_total")
    return Tile(
        state=state,
        reason=reason,
        power=_oriented(power, counter),
        at=milliseconds(power.at) if power else None,
        late_at=_late_at(power) if power else None,
        today=_today(meter, counter, midnight),
    )


def detail_of(tile: Tile, meter: Meter) -> Detail:
    """Return all that is known live of a meter."""
    found = {quantity.name: meter.value(quantity.name) for quantity in QUANTITIES}
    info = meter.info
    return Detail(
        tile=tile,
        gateway=meter.gateway,
        values={name: _figure(value) for name, value in found.items() if value},
        last_seen=milliseconds(meter.newest) if meter.newest else None,
        model=info.model if info else None,
        serial=info.serial if info else None,
        firmware=info.firmware if info else None,
        bus=info.bus if info else None,
        address=info.address if info else None,
    )


def detail_changes(before: Detail, after: Detail) -> Detail:
    """Return the later detail with those of its values only that have changed."""
    gone = dict.fromkeys(before.values.keys() - after.values.keys())
    changed = {name: figure for name, figure in after.values.items() if before.values.get(name) != figure}
    return msgspec.structs.replace(after, values={**changed, **gone})


def _state(live: Live, meter: Meter, *, lost: bool) -> tuple[State, str]:
    if lost:
        return "lost", ""
    if live.gateway_is_offline(meter.gateway):
        return "offline", f"gateway {meter.gateway} is offline"
    if meter.online is False:
        return "offline", (meter.info.reason if meter.info else "") or "does not answer"
    if meter.newest is None:
        return "silent", "nothing heard from it yet"
    return "online", ""


def _oriented(value: Value | None, counter: str) -> float | None:
    if value is None or value.value is None:
        return None
    return round(-value.value if counter == "export" else value.value, 1) + 0.0  # + 0.0: no negative zero


def _late_at(value: Value) -> int:
    return milliseconds(value.at) + round(LATE_INTERVALS * value.interval_s * 1000)


def _today(meter: Meter, counter: str, midnight: Counters | None) -> int | None:
    now = meter.value(f"energy_{counter}")
    if now is None or now.value is None or midnight is None:
        return None
    then = midnight.energy_export if counter == "export" else midnight.energy_import
    if then is None:
        return None
    return max(round(now.value) - then, 0)


def _figure(value: Value) -> Figure:
    return Figure(value.value, milliseconds(value.at), _late_at(value), value.suspect)
