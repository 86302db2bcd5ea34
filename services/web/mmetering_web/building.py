"""The building now: sums of the powers at its points.

Pure. Times are milliseconds since 1970. A sum takes only values that are not late, of meters that are online.
"""

from collections.abc import Mapping
from typing import get_args

import msgspec
from mmetering_contract.label import Label, PointKind

from mmetering_web.tile import Tile


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


def building_of(labels: Mapping[str, Label], tiles: Mapping[str, Tile], now: int) -> Building:
    """Return the sums over the points; the grid's own meter, where there is one, tells the balance."""
    kinds = {kind: {s: label for s, label in labels.items() if label.kind == kind} for kind in get_args(PointKind)}
    consumption = _flow(kinds["flat"] | kinds["common"], tiles, now)
    production = _flow(kinds["producer"], tiles, now)
    storage = _flow(kinds["storage"], tiles, now)
    grid = _flow(kinds["grid"], tiles, now) or _balance(consumption, production, storage)
    return Building(consumption, production, grid)


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
