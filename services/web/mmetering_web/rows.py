"""What comes out of the tables, a frozen class for each kind of row."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from mmetering_contract.label import Counter, PointKind

Role = Literal["administrator", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may log in."""

    id: int
    name: str
    password_hash: str
    role: Role
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A meter in the directory; its point is None where it has none, counters (Wh) where midnight is not measured."""

    slug: str
    model: str
    serial: str | None
    gateway: str
    first_seen: datetime
    last_seen: datetime
    point: str | None
    kind: PointKind | None
    counter: Counter | None
    midnight_import: int | None
    midnight_export: int | None


@dataclass(frozen=True, slots=True)
class CounterReading:
    """Counters (Wh): the instant for which they were wanted, and when they were read."""

    wanted: datetime
    ts: datetime
    energy_import: int
    energy_export: int | None


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest values of a meter: gauges (W, V, A, Hz) of `ts`, counters (Wh) of `counters_ts`; or None."""

    slug: str
    ts: datetime | None
    power_total: float | None
    power_l1: float | None
    power_l2: float | None
    power_l3: float | None
    voltage_l1: float | None
    voltage_l2: float | None
    voltage_l3: float | None
    current_l1: float | None
    current_l2: float | None
    current_l3: float | None
    frequency: float | None
    counters_ts: datetime | None
    energy_import: int | None
    energy_export: int | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of quarter hours, UTC, in which a meter should have been measured and was not."""

    meter: str
    start_ts: datetime
    end_ts: datetime


@dataclass(frozen=True, slots=True)
class Point:
    """A supply point and the slug of its meter, None while it has none."""

    id: int
    name: str
    kind: PointKind
    meter: str | None


@dataclass(frozen=True, slots=True)
class FoundPoint:
    """A point that was looked for, and the slug of its meter, None while it has none."""

    id: int
    meter: str | None


@dataclass(frozen=True, slots=True)
class Installed:
    """Where a meter hangs now, None where nowhere, and whether it ever hung anywhere."""

    meter_id: int
    installation_id: int | None
    point_id: int | None
    was_installed: bool
