"""What the pages show live: a tile per meter and the building's sums, made of live state, labels and midnight counters.

Pure. Times are milliseconds since 1970. A sum takes only values that are not late, of meters that are online.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
from mmetering_contract.label import Label
from mmetering_contract.quantity import QUANTITIES

from mmetering_web.live import Live, Meter, Value

LATE_INTERVALS = 3  # a value is late when so many readings have failed to come

GROUPS = {"flat": "Flats", "common": "Common supply", "producer": "Producers", "grid": "Grid", "storage": "Storage"}
UNASSIGNED = "Unassigned meters"

State = Literal["online", "offline", "silent", "lost"]


class Tile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A meter on the dashboard.

    Attributes:
        state: `silent` while nothing has come from it since we listen, `lost` while we cannot listen.
        reason: why it is not online, in words.
        since: since when it is offline.
        power: W; use and production are positive at their points.
        at: when the power was measured.
        late_at: from when on the power is late.
        today: Wh since the site's midnight.
    """

    state: State
    reason: str = ""
    since: int | None = None
    power: float | None = None
    at: int | None = None
    late_at: int | None = None
    today: int | None = None


class Flow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sum of powers in W; `at` is the oldest part's time, `without` names the points that are not in it."""

    power: float | None = None
    at: int | None = None
    late_at: int | None = None
    without: tuple[str, ...] = ()


class Building(msgspec.Struct, frozen=True):
    """The building now. None where it has no such points; `grid` is positive when power comes from the grid."""

    consumption: Flow | None
    production: Flow | None
    grid: Flow | None


class Figure(msgspec.Struct, frozen=True, omit_defaults=True):
    """A quantity on the page of its meter."""

    value: float | None
    at: int
    late_at: int
    suspect: bool = False


class Detail(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that is known live of one meter."""

    tile: Tile
    gateway: str
    values: dict[str, Figure]
    last_seen: int | None = None
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None
    bus: str | None = None
    address: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Meters under one heading, each a slug with the name that people call it by."""

    title: str
    meters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Counters:
    """Import and export counter (Wh) of a meter at an instant."""

    energy_import: int | None
    energy_export: int | None


def milliseconds(instant: datetime) -> int:
    """Return the milliseconds since 1970."""
    return round(instant.timestamp() * 1000)


def groups(labels: Mapping[str, Label], meters: Iterable[str]) -> tuple[Group, ...]:
    """Return all meters, labelled or only heard of, under their headings; points by name, other meters by slug."""
    names: dict[str, list[tuple[str, str]]] = {title: [] for title in (*GROUPS.values(), UNASSIGNED)}
    for slug in {*labels, *meters}:
        label = labels.get(slug)
        names[GROUPS[label.kind] if label else UNASSIGNED].append((slug, label.point if label else slug))
    return tuple(Group(title, tuple(sorted(found, key=_by_name))) for title, found in names.items() if found)


def layout_of(grouped: tuple[Group, ...]) -> str:
    """Return a mark that changes when tiles come, go, move or are renamed."""
    return hashlib.blake2s(repr(grouped).encode(), digest_size=6).hexdigest()


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
    state, reason, since = _state(live, meter, lost=lost)
    counter = label.counter if label else "import"
    power = meter.value("power_total")
    return Tile(
        state=state,
        reason=reason,
        since=since,
        power=_oriented(power, counter),
        at=milliseconds(power.at) if power else None,
        late_at=_late_at(power) if power else None,
        today=_today(meter, counter, midnight),
    )


def building_of(labels: Mapping[str, Label], tiles: Mapping[str, Tile], now: int) -> Building:
    """Return the sums over the points; the grid's own meter, where there is one, tells the balance."""
    kinds = {kind: {s: label for s, label in labels.items() if label.kind == kind} for kind in GROUPS}
    consumption = _flow(kinds["flat"] | kinds["common"], tiles, now)
    production = _flow(kinds["producer"], tiles, now)
    storage = _flow(kinds["storage"], tiles, now)
    grid = _flow(kinds["grid"], tiles, now) or _balance(consumption, production, storage)
    return Building(consumption, production, grid)


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


def _by_name(entry: tuple[str, str]) -> tuple[str, str]:
    # Numbers in names count as numbers: "Flat 2" before "Flat 10".
    padded = "".join(part.zfill(9) if part.isdigit() else part for part in _split_digits(entry[1].lower()))
    return padded, entry[0]


def _split_digits(text: str) -> list[str]:
    parts: list[str] = []
    for character in text:
        if parts and parts[-1][-1].isdigit() == character.isdigit():
            parts[-1] += character
        else:
            parts.append(character)
    return parts


def _state(live: Live, meter: Meter, *, lost: bool) -> tuple[State, str, int | None]:
    since = milliseconds(meter.info.since) if meter.info else None
    if lost:
        return "lost", "", None
    if live.gateway_is_offline(meter.gateway):
        return "offline", f"gateway {meter.gateway} is offline", None
    if meter.online is False:
        return "offline", (meter.info.reason if meter.info else "") or "does not answer", since
    if meter.newest is None:
        return "silent", "nothing heard from it yet", None
    return "online", "", None


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


def _flow(labels: Mapping[str, Label], tiles: Mapping[str, Tile], now: int) -> Flow | None:
    if not labels:
        return None
    current: list[tuple[float, int, int]] = []
    without: list[str] = []
    for slug, label in labels.items():
        tile = tiles.get(slug)
        if tile and tile.state == "online" and tile.power is not None and tile.at and (tile.late_at or 0) > now:
            current.append((tile.power, tile.at, tile.late_at or 0))
        else:
            without.append(label.point)
    if not current:
        return Flow(without=tuple(sorted(without)))
    powers, ats, lates = zip(*current, strict=True)
    return Flow(round(sum(powers), 1), min(ats), min(lates), tuple(sorted(without)))


def _balance(consumption: Flow | None, production: Flow | None, storage: Flow | None) -> Flow | None:
    parts = [(flow, sign) for flow, sign in ((consumption, 1), (production, -1), (storage, 1)) if flow]
    if not consumption or not production:
        return None
    without = tuple(sorted(name for flow, _ in parts for name in flow.without))
    known = [(flow.power * sign, flow.at, flow.late_at) for flow, sign in parts if flow.power is not None]
    if len(known) < len(parts):
        return Flow(without=without)
    return Flow(
        power=round(sum(power for power, _, _ in known), 1) + 0.0,
        at=min(at for _, at, _ in known if at is not None),
        late_at=min(late for _, _, late in known if late is not None),
        without=without,
    )


def _figure(value: Value) -> Figure:
    return Figure(value.value, milliseconds(value.at), _late_at(value), value.suspect)
